"""How pictures from noise were asked for: a chart per question, and the newest requests."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.runs import Run
from leafcore.usage import Use, read_usage
from ui import cached
from ui.noise_charts import latency_by_number, requests_by_day
from ui.service import workspace

SHOWN = 100


def usage_box() -> None:
    """Draw the usage log, folded away; nothing if nobody has asked yet."""
    uses = read_usage(workspace())
    if not uses:
        return
    box = st.expander("Usage", icon=":material/monitoring:", key="usage", on_change="rerun")
    if not box.open:
        return
    with box:
        _draw(uses)


def usage_tab(run: Run) -> None:
    """Draw the usage log, which is the server's, whichever run is looked at."""
    del run
    uses = read_usage(workspace())
    if uses:
        _draw(uses)
    else:
        st.info("Nobody has asked for pictures from noise yet.", icon=":material/monitoring:")


def _draw(uses: Sequence[Use]) -> None:
    made = [use.latency_ms for use in uses if not use.cached]
    median = f"; {np.median(made):,.0f} ms in the median of {len(made):,} that were not in the cache" if made else ""
    st.caption(f"{len(uses):,} requests for {sum(use.n for use in uses):,} pictures{median}.")
    left, right = st.columns(2)
    left.plotly_chart(
        requests_by_day(uses, st.context.timezone or "UTC"), key="usage-days", alt="Pictures asked for, by day"
    )
    right.plotly_chart(latency_by_number(uses), key="usage-latency", alt="Latency against pictures in a request")
    st.dataframe(
        pd.DataFrame(
            {
                "when": cached.moment(use.time),
                "from": use.source,
                "model": use.checkpoint,
                "weights": use.weights_sha256[:12],
                "pictures": use.n,
                "ms": use.latency_ms,
                "cached": use.cached,
                "called": ", ".join(f"{words(labels)} {count}" for labels, count in use.called.items()),
            }
            for use in reversed(uses[-SHOWN:])
        ),
        hide_index=True,
        width="stretch",
    )
