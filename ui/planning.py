"""The balance plan of a dataset: what to make, and a way to the Studio for each part of it."""

import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.data.targets import STUDY, Target
from leafcore.errors import LeafError
from leafcore.plan import BalancePlan, PlanRow, plan_dataset
from ui import cached, charts, forms, live
from ui.choose import choose_way
from ui.copying import copy_as
from ui.places import path_of
from ui.service import workspace
from ui.strangers import strangeness

TARGETS: dict[str, Target] = {"Largest": "largest", "Median": "median", "The LeafGAN study's": "study"}
NUMBER, CAP = "A number", "A cap"
RULE = (
    "Every label set below the cap is raised to it. A picture that is translated leaves the train split as its "
    "translation joins, so label sets above the cap shrink, but never below it."
)


def plan_box(dataset: Dataset) -> None:
    """Draw the plan for a dataset's train split."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        is_the_studys = bool(STUDY.keys() & dataset.label_sets.keys())
        chosen = choose_way(
            "Bring every label set to",
            ["Largest", "Median", NUMBER, CAP, *(["The LeafGAN study's"] if is_the_studys else [])],
            "plan_target",
            default="Median",
        )
        number = 100
        if chosen in {NUMBER, CAP}:
            number = int(
                st.number_input(
                    "Train pictures", 1, 1_000_000, 100, key="plan_number", width=180, persist_state="session"
                )
            )
    if chosen == CAP:
        st.caption(RULE)
    try:
        target = TARGETS.get(str(chosen), number)
        plan = plan_dataset(workspace(), dataset, target, cap=number if chosen == CAP else None)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    if not plan.rows:
        st.success("Nothing is missing: every label set has what you ask for.", icon=":material/check_circle:")
        return
    st.plotly_chart(
        charts.plan(plan.before, plan.after),
        key="plan",
        alt="Train pictures before and after the plan",
        config={"displayModeBar": False},  # it would lie over the legend of a narrow chart
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plan.sentence()}**")
        st.space("stretch")
        _offer(dataset, plan)
    _make(dataset, plan)
    for row in plan.rows:
        _draw_row(dataset, row)


def _offer(dataset: Dataset, plan: BalancePlan) -> None:
    """Draw the ways to take the plan away."""
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
    for kind, content in (("CSV", table.to_csv(index=False)), ("JSON", plan.model_dump_json(indent=2))):
        name = f"{dataset.name}-plan.{kind.lower()}"
        st.download_button(f"Plan as {kind}", content, name, icon=":material/download:", key=f"plan_{kind.lower()}")


def _make(dataset: Dataset, plan: BalancePlan) -> None:
    """Draw the button that queues one run of all, and how that run goes."""
    total, lacking = sum(row.count for row in plan.rows), plan.lacking()
    if not total:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        skip = bool(lacking) and st.checkbox(
            f"Skip {', '.join(map(words, lacking))}", key="plan_skip", help="No generator makes these."
        )
        is_ready = skip or not lacking
        values = plan.settings(dataset, skip=True) if is_ready else {}
        pressed = st.button(
            f"Make all {total}", type="primary", icon=":material/auto_awesome:", key="make_plan", disabled=not is_ready,
            help="" if is_ready else "No generator makes some label sets: train one, or skip them.",
        )  # fmt: skip
        copy_as("synthesize", values, "plan", disabled=not is_ready)
    if pressed:
        run = forms.queue("synthesize", values)
        if run is not None:
            st.session_state["synthesize_run"] = st.session_state["studio_run"] = run.id
    done = live.follow("synthesize")
    if done is not None:
        st.success(f"{done.result()['count']} pictures made.", icon=":material/check_circle:")
        st.page_link(path_of("studio"), label="Look at them", icon=":material/auto_awesome:")


def _strange(dataset: Dataset, row: PlanRow) -> list[str]:
    """Return what speaks against the generators that a row uses."""
    known = cached.translators()
    used = dict.fromkeys(name.partition(":")[0] for name in (row.way.chain if row.way else ()))
    return [reason for name in used if name in known and (reason := strangeness(dataset, known[name]))]


def _draw_row(dataset: Dataset, row: PlanRow) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        reached = row.have + row.count
        of = "" if reached == row.wanted else f" of {row.wanted}"
        with st.container(gap=None):
            st.markdown(f"**{words(row.labels)}** {row.have} → {reached}{of}")
            st.caption(row.sentence())
            for reason in _strange(dataset, row):
                st.caption(f":material/person_alert: {reason}")
        for domains in row.train:
            st.page_link(
                path_of("train"),
                label=f"Train {words(domains.a)} → {words(domains.b)}",
                icon=":material/model_training:",
                width="content",
                query_params={"ds": dataset.name, "a": domains.a, "b": domains.b},
            )
        if row.way is not None:
            st.page_link(
                path_of("studio"),
                label="Open in Studio",
                icon=":material/auto_awesome:",
                width="content",
                query_params=[
                    ("ds", dataset.name),
                    ("src", words(row.way.source)),
                    ("n", str(row.count)),
                    *(("chain", name) for name in row.way.chain),
                ],
            )
