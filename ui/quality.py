"""Image quality of synthetic sets: which sets, Measure; then a table per class, real pictures beside them."""

import pandas as pd
import streamlit as st

from leafcore.data.synthetic_sets import MAKERS
from leafcore.quality.result import MEASURES, QualityResult, told
from leafcore.quality.telling import by_set, class_title, facts, reasons
from leafcore.runs import Run
from ui import cached, charts, forms, live
from ui.choose import choose_run, choose_way
from ui.choose_sets import choose_sets
from ui.places import path_of


def quality_box() -> None:
    """Draw how to measure sets, those at work, and what the chosen run found."""
    sets = cached.runs_of(*MAKERS)
    if not sets:
        st.info("Image quality is measured on synthetic sets.", icon=":material/image_search:")
        st.page_link(path_of("studio"), label="Make synthetic pictures", icon=":material/auto_awesome:")
        return
    done = cached.runs_of("quality")
    working = live.active_runs("quality")
    with st.expander("New measurement", icon=":material/add:", expanded=not done and not working):
        _start(sets)
    live.follow("quality")
    if done:
        _found(choose_run("Measurement", done, "quality"))


def _start(sets: list[Run]) -> None:
    chosen = choose_sets(sets, "quality", "quality_sets", first=2)
    queued = forms.settings_form("quality", "", fixed={"synthetic": tuple(chosen)}, submit_label="Measure")
    if queued is not None:
        st.session_state["quality_run"] = queued.id
        st.rerun()


def _found(run: Run) -> None:
    found = QualityResult.model_validate(run.result())
    for run_id, count in found.seen.items():
        st.warning(
            f"A model behind {found.titles[run_id]} has seen {count} of these validation pictures: its numbers flatter "
            "it.",
            icon=":material/visibility:",
        )
    with st.container(horizontal=True):
        labels, features = _place(found)
    heads, rows = by_set(found, labels, features)
    cells = found.row(labels, features)
    if rows:
        st.dataframe(pd.DataFrame(rows, columns=["Measure", *heads[1:]]), hide_index=True, key="quality_table")
        measured = [key for key in MEASURES if any(key in cell.scores for cell in cells)]
        shown = choose_way(
            "Chart", measured, "quality_measure", default=measured[0],
            format_func=lambda key: MEASURES[key].title, label_visibility="collapsed",
        )  # fmt: skip
        st.caption(MEASURES[shown].meaning)
        scores = {found.titles[cell.set]: cell.scores[shown] for cell in cells if shown in cell.scores}
        alt = "; ".join(f"{title}: {told(shown, score)}" for title, score in scores.items())
        st.plotly_chart(
            charts.intervals(scores, MEASURES[shown].title), key="quality_chart", alt=f"{MEASURES[shown].title}: {alt}"
        )
    missing = reasons(found, labels, features)
    if missing:
        with st.expander(f"{len(missing)} withheld", icon=":material/info:", expanded=not rows):
            st.dataframe(pd.DataFrame(missing.items(), columns=["Measure", "Why"]), hide_index=True)
    counts = ", ".join(dict.fromkeys(f"{cell.reals:,}" for cell in cells))
    st.caption(
        f"{facts(found)} · n = {counts} real pictures · features of {features}; other networks give other numbers · "
        "95% intervals · ↓ lower is better, ↑ higher, ≈ as real pictures have it"
    )


def _place(found: QualityResult) -> tuple[str, str]:
    """Choose the class and the network."""
    classes = found.label_sets
    labels = classes[0]
    if len(classes) > 1:
        labels = st.selectbox("Class", classes, format_func=class_title, key="quality_class", width=280)
    features = found.features[0]
    if len(found.features) > 1:
        features = st.selectbox("Features", found.features, key="quality_features", width=280)
    return labels, features
