"""The balance plan of a dataset: what to make, and a way to the Studio for each part of it."""

import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.plan import PlanRow, Target, make_plan, study_targets, wanted_counts
from ui import cached, charts
from ui.places import path_of

STUDY = "The LeafGAN study's"
TARGETS: dict[str, Target] = {"Largest": "largest", "Median": "median"}


def plan_box(dataset: Dataset) -> None:
    """Draw the plan for a dataset's train split."""
    counts = {
        str(labels): int(count) for labels, count in dataset.select(split="train")["labels"].value_counts().items()
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Bring every label set to",
            [*TARGETS, "A number", STUDY],
            default="Median",
            required=True,
            key="plan_target",
        )
        number = 100
        if chosen == "A number":
            number = int(st.number_input("Train pictures", 1, 1_000_000, 100, key="plan_number", width=180))
        replaces = st.toggle(
            "Replace sources",
            key="plan_replaces",
            help="A source leaves the train split when its translation joins, so that large label sets shrink.",
        )
    wanted = study_targets(counts) if chosen == STUDY else wanted_counts(counts, TARGETS.get(str(chosen), number))
    plan = make_plan(
        counts, cached.translators().values(), wanted, replaces=replaces, seconds_each=cached.seconds_per_picture()
    )
    if not plan.rows:
        st.success("Nothing is missing: every label set has what you ask for.", icon=":material/check_circle:")
        return
    st.plotly_chart(charts.plan(plan.before, plan.after), key="plan", alt="Train pictures before and after the plan")
    for row in plan.rows:
        _draw_row(dataset, row)
    table = pd.DataFrame(
        {
            "labels": row.labels,
            "have": row.have,
            "wanted": row.wanted,
            "make": row.count,
            "from": row.way.source if row.way else "",
            "chain": " -> ".join(row.way.chain) if row.way else "",
            "megabytes": row.megabytes,
            "seconds": row.seconds,
            "note": row.reason,
        }
        for row in plan.rows
    )
    st.download_button(
        "Plan as CSV", table.to_csv(index=False), f"{dataset.name}-plan.csv", icon=":material/download:", key="plan_csv"
    )


def _draw_row(dataset: Dataset, row: PlanRow) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words(row.labels)}** {row.have} → {row.have + row.count}")
        if row.way is None:
            st.caption(row.reason)
            st.space("stretch")
            st.page_link(path_of("train"), label="Train it", icon=":material/model_training:")
            return
        cost = f"{row.megabytes:g} MB" if row.seconds is None else f"{row.megabytes:g} MB, {row.seconds:.0f} s"
        st.caption(
            f"{row.count} from {words(row.way.source)} by {' → '.join(row.way.chain)}, about {cost}"
            + (f"; {row.reason}" if row.reason else "")
        )
        st.space("stretch")
        st.page_link(
            path_of("studio"),
            label="Open in Studio",
            icon=":material/auto_awesome:",
            query_params=[
                ("ds", dataset.name),
                ("src", row.way.source),
                ("n", str(row.count)),
                *(("chain", name) for name in row.way.chain),
            ],
        )
