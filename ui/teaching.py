"""Training LFLSeg from the page, and what is known of how well a model tells leaves."""

import streamlit as st

from leafcore.checkpoints import Checkpoint
from leafcore.errors import LeafError
from leafcore.runs import Run, open_run
from ui import cached, forms, mask_charts
from ui.service import workspace

WEAK = 0.9  # validation accuracy below which masks are doubtful
CLASSES = ("full leaf", "partial leaf", "non-leaf")
PRESETS = ("smoke", "draft", "paper")


def teach_box(is_busy: bool) -> None:
    """Draw the form that trains LFLSeg; while one trains only its progress, which the page draws, is of interest."""
    st.caption(
        "LFLSeg learns to tell whole leaves from parts and from other things. Where it looks when it says "
        "“whole leaf” is the mask."
    )
    preset = st.segmented_control("Preset", PRESETS, default="draft", required=True, key="lfl_preset")
    if not is_busy and forms.settings_form("lflseg", str(preset), submit_label="Train LFLSeg") is not None:
        st.rerun()
    for run in cached.runs_of("lflseg")[:3]:
        with st.expander(f"{run.record.title}, {cached.when(run)}: {_accuracy_of(run)}", key=f"taught-{run.id}"):
            draw_confusion(run, key=f"confusion-{run.id}")


def _accuracy_of(run: Run) -> str:
    accuracy = validation_accuracy(run)
    return "no validation accuracy" if accuracy is None else f"validation accuracy {accuracy:.0%}"


def run_of(lflseg: Checkpoint) -> Run | None:
    """Return the run that made a model, if it is here."""
    try:
        return open_run(workspace(), lflseg.card.run) if lflseg.card.run else None
    except LeafError:
        return None


def validation_accuracy(run: Run) -> float | None:
    """Return the share of validation pictures whose class was told right; None if unknown."""
    confusion = run.result().get("confusion")
    if confusion and sum(map(sum, confusion)):
        return float(sum(confusion[index][index] for index in range(len(confusion))) / sum(map(sum, confusion)))
    told = run.result().get("scores", {}).get("val_accuracy")
    return None if told is None else float(told)


def weakness_note(lflseg: Checkpoint) -> None:
    """Say that a model tells leaves badly, if it does, with what it confuses."""
    run = run_of(lflseg)
    accuracy = None if run is None else validation_accuracy(run)
    if run is None or accuracy is None or accuracy >= WEAK:
        return
    st.warning(
        f"This model is weak: it tells {accuracy:.0%} of its validation pictures right. Its masks may be poor.",
        icon=":material/network_check:",
    )
    if run.result().get("confusion"):
        with st.expander("What it confuses", key="weak_confusion"):
            draw_confusion(run, key="weak_matrix")


def draw_confusion(run: Run, key: str) -> None:
    """Draw a run's confusion matrix on validation pictures, or say that there is none."""
    confusion = run.result().get("confusion")
    if not confusion:
        st.caption("This run has recorded no confusion matrix.")
        return
    total = sum(map(sum, confusion))
    figure = mask_charts.classes_confused(confusion, CLASSES)
    st.plotly_chart(figure, key=key, width=420, alt=f"What the model of {run.id} confuses")
    st.caption(f"n = {total} validation pictures of {run.record.settings['dataset']}.")
