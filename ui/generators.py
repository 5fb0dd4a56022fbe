"""How much a generator's seed matters: generators that were trained alike, crossed with classifier seeds."""

import pandas as pd
import streamlit as st

from leafcore.evaluate.generators import Crossed
from ui import comparison_charts
from ui.compared import Shown


def generators_box(shown: Shown) -> None:
    """Draw every family of generators that a comparison found; nothing where it found none."""
    first, found = int(shown.run.record.settings["seed"]), shown.found
    for number, family in enumerate(found.crossed):
        st.markdown(f"**Generators trained alike · {family.title}** · n = {found.test_images:,} test pictures")
        box = st.warning if family.withheld else st.success if family.improves else st.info
        box(family.verdict, icon=":material/casino:")
        chart = comparison_charts.generators(family, first)
        alt = "Difference from real pictures alone of every generator seed and classifier seed"
        st.plotly_chart(chart, key=f"generators-{number}", alt=alt)
        st.dataframe(generators_table(family, first), hide_index=True, alt=alt)
        st.caption(
            f"Macro-F1 on the test split, in parentheses minus that of real pictures alone, same classifier seed. The "
            f"95% interval resamples generators, classifier seeds and test groups together. {family.facts}"
        )


def generators_table(family: Crossed, first: int) -> pd.DataFrame:
    """Return a row per generator, a column per classifier seed: macro-F1, and the difference from real pictures alone.

    Args:
        family: The generators.
        first: The seed of the first classifier.
    """
    rows = zip(family.generators, family.macro_f1, family.to_real, strict=True)
    return pd.DataFrame(
        {
            "generator seed": one.seed,
            "epoch": one.epoch,
            **{
                f"classifier seed {first + at}": f"{score:.3f} ({difference:+.3f})"
                for at, (score, difference) in enumerate(zip(scores, differences, strict=True))
            },
        }
        for one, scores, differences in rows
    )
