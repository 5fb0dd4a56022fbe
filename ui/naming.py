"""What a classifier says: of an uploaded photo at once, of a folder or a split in a run with a table."""

from pathlib import Path

import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.errors import LeafError
from leafcore.masks.maps import heat_overlay
from leafcore.naming import Named, predict_question
from leafcore.predict.configs import PredictConfig
from leafcore.predict.result import CAMS, TABLE, PredictResult
from leafcore.runs import Run
from ui import cached, forms, live, show
from ui.choose import choose_run
from ui.places import path_of
from ui.service import workspace

SIDE = 512
ROWS = 1000  # of a table on the page
SHOWN = 12  # heat maps on the page
FRESH = "fresh"  # the tag of a form that starts from the defaults


def photo_labels(photo: str, file: Path, name: str) -> None:
    """Draw what a classifier says of an uploaded photo, and where it looks.

    Args:
        photo: As `keep_photo` returned it.
        file: Where it is kept.
        name: What the visitor's file is called.
    """
    models = cached.classifiers()
    if not models:
        st.caption(":material/label: Train a classifier, and its labels of this photo stand here.")
        st.page_link(
            path_of("train"),
            label="Train a classifier",
            icon=":material/school:",
            query_params={"recipe": "Classifier"},
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(
            "Classifier", list(models), format_func=models.get, key="see_classifier", persist_state="session", width=300
        )
        closer = st.toggle("Look closer", key="see_closer", help="Four tiles beside the whole photo, four times each.")
    how = PredictConfig.PRESETS["study"] if closer else {}
    try:
        with st.spinner("Looking…", show_time=True):
            said = cached.labels_of(predict_question(workspace(), model, photo, **how))
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    _said(said, file, name)


def _said(said: Named, file: Path, name: str) -> None:
    first = next(iter(said.probabilities))
    picture, table = st.columns([1, 2])
    with picture:
        overlay = heat_overlay(cached.fitted(str(file), SIDE), said.cam)
        what = f"what speaks for {words(first)}"
        show.tiles([overlay], [f"{what} in {name}"], [what], columns=1)
    with table:
        st.markdown(f"**{words(said.labels)}**")
        rows = [
            {"label": words(label), "probability": probability, **_named_from(said, label)}
            for label, probability in said.probabilities.items()
        ]
        st.dataframe(
            rows,
            hide_index=True,
            key="see_labels",
            column_config={"probability": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
            alt=f"How probable each label of {name} is",
        )


def _named_from(said: Named, label: str) -> dict[str, str]:
    return {"named from": f"{said.thresholds[label]:.0%}"} if said.thresholds else {}


# --- many pictures ----------------------------------------------------------------------------------------------------


def predict_box() -> None:
    """Draw how to name many pictures, what is at work, and what was found."""
    if not cached.classifiers():
        st.info("Naming pictures needs a classifier first.", icon=":material/label:")
        st.page_link(
            path_of("train"),
            label="Train a classifier",
            icon=":material/school:",
            query_params={"recipe": "Classifier"},
        )
        return
    done = cached.runs_of("predict")
    with st.expander("Name pictures", icon=":material/add:", expanded=not done):
        _start()
    for run in live.active_runs("predict"):
        live.progress_panel(run, key="predict")
    if done:
        _found(choose_run("Run", done, "named"))


def _start() -> None:
    of = st.segmented_control(
        "Pictures", ["A folder", "A dataset"], default="A folder", required=True, key="predict_of"
    )
    models = cached.classifiers()
    model = st.selectbox("Classifier", list(models), format_func=models.get, key="predict_model")
    fixed = {"model": model, **({"dataset": ""} if of == "A folder" else {"path": ""})}
    if of == "A folder":
        fixed["split"] = "val"
    if forms.settings_form("predict", FRESH, fixed=fixed, submit_label="Name pictures") is not None:
        st.rerun()


def _found(run: Run) -> None:
    found = PredictResult.model_validate(run.result())
    with st.container(horizontal=True):
        for labels, count in found.labels.items():
            st.metric(words(labels), f"{count:,}", border=True, width=150)
    views = f"{found.views} views" if found.views > 1 else "one view"
    opened = f"; test split opened {found.test_opened}×" if found.test_opened else ""
    st.caption(f"n = {found.images:,} pictures, {views} of each{opened}. {_rule(found)}")
    for warning in run.status().warnings:
        st.caption(f":material/warning: {warning}")
    table = run.folder / TABLE
    st.download_button(
        "Download table", table.read_bytes, f"{run.id}.csv", "text/csv", icon=":material/download:", key="named_csv"
    )
    names = dict.fromkeys(("image", "image_id", "labels"), str)  # a picture called 0012 is not the number 12
    rows = pd.read_csv(table, nrows=ROWS, dtype=names, keep_default_na=False)
    st.dataframe(
        rows,
        hide_index=True,
        height=min(320, 38 + 35 * len(rows)),
        key="named_rows",
        alt="What each picture was named",
    )
    drawn = sorted((run.folder / CAMS).rglob("*.jpg"))[:SHOWN]
    if drawn:
        names = [Path(path.stem).stem for path in drawn]  # a heat map is called as its picture, and .jpg
        show.thumbnails(
            [str(path) for path in drawn], [f"Where the classifier looks in {name}" for name in names], names
        )


def _rule(found: PredictResult) -> str:
    if not found.thresholds:
        return "Each gets its most probable label."
    chosen = ", ".join(f"{words(label)} {value:.0%}" for label, value in found.thresholds.items())
    return f"Named from: {chosen}."
