"""Labels by a teacher: which pictures without labels pass a threshold, and the set that is made of them."""

import pandas as pd
import streamlit as st

from leafcore.checkpoints import Checkpoint, list_checkpoints, open_checkpoint
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.errors import LeafError
from leafcore.runs import Run
from leafcore.synthesize.configs import PseudoLabelConfig
from leafcore.synthesize.teachers import require_teacher
from leafcore.synthesize.votes import Votes, load_votes
from ui import cached, forms
from ui.copying import copy_as
from ui.noise_charts import vote_bars
from ui.places import path_of
from ui.service import workspace

CONFIDENCE = float(PseudoLabelConfig.model_fields["min_confidence"].default)
NOBODY = "none"


def labelling_box(run: Run) -> None:
    """Draw the way to give a set's pictures labels.

    Args:
        run: It made pictures without labels.
    """
    st.markdown("**Labels from a teacher**")
    try:
        teachers = _teachers(cached.dataset(run.record.settings["dataset"]))
    except LeafError as error:
        st.caption(f":material/info: {error}")
        return
    if not teachers:
        st.caption("These pictures have no labels. A classifier of their dataset can give them some.")
        st.page_link(
            path_of("train"),
            label="Train a classifier",
            icon=":material/model_training:",
            query_params={"recipe": "Classifier"},
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        teacher = st.selectbox("Teacher", list(teachers), format_func=teachers.get, key=f"teacher-{run.id}", width=280)
        others = [NOBODY, *(name for name in teachers if name != teacher)]
        co_teacher = st.selectbox(
            "Co-teacher",
            others,
            format_func=lambda name: teachers.get(name, name),
            key=f"co-teacher-{run.id}",
            width=280,
            help="Only pictures on which both agree are kept.",
        )
        threshold = st.slider(
            "From a probability of", 0.0, 1.0, CONFIDENCE, 0.01, key=f"confidence-{run.id}", width=220
        )
        pressed = st.button("Label", type="primary", icon=":material/label:", key=f"label-{run.id}")
        second = "" if co_teacher == NOBODY else co_teacher
        values = {"run": run.id, "teacher": teacher, "co_teacher": second, "min_confidence": threshold}
        copy_as("pseudo-label", values, f"label-{run.id}")
    if pressed:
        _label(values)


def votes_box(run: Run) -> None:
    """Draw how many pictures of each class pass a threshold; another one than the set's makes another set.

    Args:
        run: A `pseudo-label` run.
    """
    settings = run.record.settings
    try:
        votes = load_votes(run.folder)
    except FileNotFoundError:
        st.caption("The votes of this set are gone; label its pictures again.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        threshold = st.slider(
            "Accepted from a probability of",
            0.0,
            1.0,
            float(settings["min_confidence"]),
            0.01,
            key=f"votes-{run.id}",
            width=360,
            help="Moving it computes nothing: the teacher's votes on all pictures are kept.",
        )
        is_other = abs(threshold - settings["min_confidence"]) > 1e-9
        wanted = st.button(
            f"Make a set from {threshold:.2f}",
            icon=":material/add:",
            key=f"relabel-{run.id}",
            disabled=not is_other or not votes.accepted(threshold).any(),
        )
    counts = votes.counts(threshold, _label_sets(settings["dataset"]))
    st.plotly_chart(vote_bars(counts), key=f"vote-bars-{run.id}", alt="Accepted and rejected pictures of each class")
    st.caption(summary(votes, counts, threshold))
    if wanted:
        kept = ("run", "teacher", "co_teacher", "dataset")
        _label({**{name: settings[name] for name in kept}, "min_confidence": threshold})


def summary(votes: Votes, counts: pd.DataFrame, threshold: float) -> str:
    """Return in a line how many pictures pass, and which classes get none."""
    passed, total = int(counts["accepted"].sum()), len(votes.table)
    agreed = " and the co-teacher agrees" if votes.has_co_teacher else ""
    none = [words(str(labels)) for labels in counts.index[counts["accepted"] == 0]]
    lost = f" None of {', '.join(none)}." if none else ""
    return f"{passed:,} of {total:,} pictures ({passed / total:.0%}) pass {threshold:.2f}{agreed}.{lost}"


def _label_sets(dataset: str) -> list[str]:
    """Return the label sets that pictures could have got; none if the dataset is not here any more."""
    try:
        return list(cached.dataset(dataset).label_sets)
    except LeafError:
        return []


def _label(values: dict[str, object]) -> None:
    made = forms.queue("pseudo-label", values)
    if made is not None:
        st.session_state["studio_run"] = made.id
        st.rerun()


def _teachers(dataset: Dataset) -> dict[str, str]:
    """Return the classifiers that can label pictures of a dataset, with titles for people: checkpoints, then runs."""
    found: dict[str, str] = {}
    for checkpoint in list_checkpoints(workspace(), "classifier"):
        if _fits(checkpoint, dataset):
            found[checkpoint.name] = checkpoint.name
    for run in cached.runs_of("classifier"):
        name = f"{run.id}@{run.result()['best_epoch']}"
        try:
            fits = _fits(open_checkpoint(workspace(), name), dataset)
        except LeafError:
            continue  # its weights were removed
        if fits:
            found[name] = f"{run.record.title}, run of {cached.when(run)} ({run.id[-4:]})"
    return found


def _fits(checkpoint: Checkpoint, dataset: Dataset) -> bool:
    try:
        require_teacher(checkpoint, dataset)
    except LeafError:
        return False
    return True
