"""Keep an epoch: its weights get a name, are pinned by their hash, and are in the Studio at once."""

import re

import streamlit as st

from leafcore.checkpoints import Checkpoint, list_checkpoints, promote
from leafcore.checkpoints import epochs as saved_epochs
from leafcore.data.labels import label_set
from leafcore.errors import LeafError
from leafcore.runs import Run
from ui.places import path_of
from ui.service import workspace

PROMOTED = "promoted"  # in the session: what was kept just now


def promote_box(run: Run, epoch: int) -> None:
    """Draw the way to keep an epoch.

    Args:
        run: The training run.
        epoch: The one that the page shows.
    """
    there = epoch in saved_epochs(run.folder)
    named = {checkpoint.name: checkpoint for checkpoint in list_checkpoints(workspace()) if not checkpoint.shipped}
    own = {name: checkpoint.card for name, checkpoint in named.items()}
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", _name(run), key=f"promote_name_{run.id}", width=320)
            is_kept = name in own and (own[name].run, own[name].epoch) == (run.id, epoch)
            pressed = st.button(
                f"Use epoch {epoch}",
                type="primary",
                icon=":material/workspace_premium:",
                key="promote",
                disabled=not there or is_kept,
                help="It is kept under this name already."
                if is_kept
                else "Copies the weights under this name; the Studio then offers them.",
            )
        if not there:
            st.caption(f"The weights of epoch {epoch} are not kept any more; its samples are.")
        for kept in named.values():
            if kept.card.run == run.id:
                _kept(kept)
        replaces = (
            name in own
            and not is_kept
            and st.checkbox(
                f"Replace {name}, which is epoch {own[name].epoch} of "
                + ("this run" if own[name].run == run.id else "another run"),
                key="promote_replace",
            )
        )
        if pressed:
            _promote(run, name, epoch, replaces)
        elif name in named and st.session_state.pop(PROMOTED, "") == named[name].ref:
            st.success(
                f"{name} is epoch {epoch} of this run; weights {own[name].weights_sha256[:12]}.",
                icon=":material/check_circle:",
            )


def _kept(checkpoint: Checkpoint) -> None:
    """Draw which epoch a name stands for, with the way to the Studio."""
    card = checkpoint.card
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f":material/check: **{card.name}** is epoch {card.epoch} of this run")
        st.page_link(
            path_of("studio"),
            label="Use it in the Studio",
            icon=":material/auto_awesome:",
            query_params=_place(checkpoint),
        )


def _name(run: Run) -> str:
    """Return the name that is offered: what it translates, or what it makes of noise."""
    settings = run.record.settings
    if "b" in settings:
        return f"{label_set(settings['a'])}-to-{label_set(settings['b'])}".replace(" ", "-")
    made = settings["labels"] if len(settings["labels"]) == 1 else [settings["dataset"].partition("@")[0]]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{run.kind}-{made[0]}")


def _promote(run: Run, name: str, epoch: int, replaces: bool) -> None:
    try:
        checkpoint = promote(workspace(), run.id, name, epoch=epoch, replace=replaces)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state[PROMOTED] = checkpoint.ref
    st.rerun()  # so that the name stands where it will be found again, with its way to the Studio


def _place(checkpoint: Checkpoint) -> dict[str, str] | None:
    """Return what opens the Studio at a model; None for its first sight."""
    if checkpoint.is_translator:
        return {"chain": checkpoint.name}
    return {"how": "From a prompt", "prompt_model": checkpoint.name} if checkpoint.is_prompt_model else None
