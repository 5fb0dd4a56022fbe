"""Epochs: see what each epoch makes of the same probes, what it scores, and keep the one that convinces."""

from dataclasses import asdict

import streamlit as st

from leafcore.errors import LeafError
from leafcore.pick.coming import seconds_to_next
from leafcore.pick.marks import Mark, mark_journal, standing
from leafcore.progress import duration
from leafcore.runs import ACTIVE, open_run
from leafcore.train.configs import is_scored, is_translation
from ui import address, cached, live
from ui.blind import blind_box
from ui.choose import choose_run, choose_way
from ui.directions import choose_direction
from ui.epoch_scores import scores_box
from ui.places import path_of
from ui.promoting import promote_box
from ui.service import workspace
from ui.viewer import Place, place_in_address, probes_of, viewer, write_address

VIEWS = {"Grid": "grid", "Wipe": "wipe", "Blind": "blind"}
PROBED = {"dcgan": "latent vectors", "dreambooth": "prompts"}

runs = cached.gans()
if not runs:
    st.info(
        "No model that makes pictures has been trained yet; its epochs will appear here.", icon=":material/timeline:"
    )
    st.page_link(path_of("train"), label="Train LeafGAN", icon=":material/model_training:")
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    run = choose_run("Run", runs, "erun", also="run", width=420)
    direction = choose_direction(run, "direction")
    translates = is_translation(run.kind)  # other models have no sources to vote by
    views = [name for name in VIEWS if translates or name != "Blind"]
    view = VIEWS[choose_way("View", views, "view", default="Grid")]
drawn = cached.preview_epochs(run)


def watch(run_id: str, known: int) -> None:
    """Say when the next epoch comes, and draw the page anew when it is there."""
    watched = open_run(workspace(), run_id)
    if len(cached.preview_epochs(watched)) > known:
        st.rerun()
    seconds = seconds_to_next(watched.status(), watched.record.settings)
    if seconds is not None:
        st.caption(f":material/hourglass_top: The next epoch is drawn in about {duration(seconds)}.")


if run.status().state in ACTIVE:
    live.progress_panel(run, key="epochs")
    st.fragment(watch, run_every=live.REFRESH)(run.id, len(drawn))
if not drawn:
    st.info("The first epoch of this run has not been drawn yet.", icon=":material/hourglass_empty:")
    st.stop()
if len(drawn) == 1:
    st.caption("One epoch has been drawn so far; two can be compared.")
facts, _ = cached.preview(run, drawn[-1])

if view == "blind":
    write_address(None)  # which epochs the visitor was at would give them away
    if len(drawn) > 1:
        blind_box(run, direction, drawn, facts)
    st.stop()

scores = cached.scores(run, direction)
probes = len(probes_of(facts, direction))
place = place_in_address(drawn, probes, scores.recommended if scores else None)
address.say(**asdict(place))  # so that an epoch that is drawn meanwhile moves nothing
journal = mark_journal(run.folder, direction)
try:
    marks = journal.read()
except LeafError as error:
    st.error(str(error), icon=":material/error:")
    marks = []


def go_to(epoch: int) -> None:
    """Show an epoch."""
    write_address(Place(epoch, place.b, place.probe))


def note(mark: Mark | None) -> None:
    """Write a note down, or take the last one back."""
    if mark is None:
        journal.undo()
    else:
        journal.add(mark)


if is_scored(run.kind):
    scores_box(run, direction, place.a, go_to)
viewer(
    run,
    drawn,
    facts,
    direction,
    view,
    place,
    standing(marks),
    can_undo=bool(marks),
    on_place=write_address,
    on_mark=note,
)
st.caption(f"Probes are {PROBED.get(run.kind, 'validation pictures')}; they are the same at every epoch.")
promote_box(run, place.a)
