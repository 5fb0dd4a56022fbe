"""Training LFLSeg from the page, and what is known of how well a model tells leaves."""

import streamlit as st

from leafcore.checkpoints import Checkpoint
from leafcore.errors import LeafError
from leafcore.runs import Run, open_run
from leafcore.train.configs import RECIPES
from leafcore.train.confusion import Confusion, load_confusion
from ui import cached, forms, mask_charts
from ui.presets import choose_preset
from ui.service import workspace

WEAK = 0.9  # validation accuracy below which masks are doubtful
LISTED = 3  # runs whose confusion is shown


def teach_box(is_busy: bool) -> None:
    """Draw the form that trains LFLSeg, unless a run is at work, and what earlier ones confuse."""
    st.caption(
        "LFLSeg learns to tell whole leaves from parts and from other things. Where it looks when it says "
        "“whole leaf” is the mask."
    )
    preset = choose_preset(RECIPES["lflseg"].config, "lfl_preset")
    if not is_busy and forms.settings_form("lflseg", preset, submit_label="Train LFLSeg") is not None:
        st.rerun()
    for run in cached.runs_of("lflseg")[:LISTED]:
        confusion = load_confusion(run.folder, int(run.result().get("best_epoch", 0)))
        if confusion is not None:
            title = f"{run.record.title}, {cached.when(run)}: validation accuracy {confusion.accuracy:.0%}"
            with st.expander(title, icon=":material/grid_on:", key=f"taught-{run.id}"):
                draw_confusion(run, confusion, "taught")


def confusion_of(lflseg: Checkpoint) -> tuple[Run, Confusion] | None:
    """Return the run that made a model, and what the model confuses on validation pictures; None if it is not known."""
    try:
        run = open_run(workspace(), lflseg.card.run)
    except LeafError:  # a shipped model, or one whose run was deleted
        return None
    confusion = load_confusion(run.folder, lflseg.card.epoch)
    return None if confusion is None else (run, confusion)


def weakness_note(lflseg: Checkpoint) -> None:
    """Say that a model tells leaves badly, if it does, with what it confuses."""
    known = confusion_of(lflseg)
    if known is None or known[1].accuracy >= WEAK:
        return
    run, confusion = known
    st.warning(
        f"This model is weak: it tells {confusion.accuracy:.0%} of {confusion.images} validation pictures right. "
        "Its masks may be poor.",
        icon=":material/network_check:",
    )
    with st.expander("What it confuses", icon=":material/grid_on:"):
        draw_confusion(run, confusion, "weak")


def draw_confusion(run: Run, confusion: Confusion, place: str) -> None:
    """Draw which classes are taken for which; a page may show the same at several places, each with a name."""
    figure = mask_charts.classes_confused(confusion.counts, confusion.classes)
    st.plotly_chart(figure, key=f"confused_{place}_{run.id}", width=420, alt=f"What the model of {run.id} confuses")
    st.caption(f"n = {confusion.images} validation pictures of {run.record.settings['dataset']}.")
