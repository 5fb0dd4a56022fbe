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


def promote_box(run: Run, epoch: int) -> None:
    """Draw the way to keep an epoch.

    Args:
        run: The training run.
        epoch: The one that the page shows.
    """
    there = epoch in saved_epochs(run.folder)
    own = {checkpoint.name: checkpoint.card for checkpoint in list_checkpoints(workspace()) if not checkpoint.shipped}
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", _name(run), key=f"promote_name_{run.id}", width=320)
            pressed = st.button(
                f"Use epoch {epoch}",
                type="primary",
                icon=":material/workspace_premium:",
                key="promote",
                disabled=not there,
                help="Copies the weights under this name; the Studio then offers them.",
            )
        if not there:
            st.caption(f"The weights of epoch {epoch} are not kept any more; its samples are.")
        for card in own.values():
            if card.run == run.id:
                st.caption(f":material/check: **{card.name}** is epoch {card.epoch} of this run")
        replaces = name in own and st.checkbox(
            f"Replace {name}, which is epoch {own[name].epoch} of "
            + ("this run" if own[name].run == run.id else "another run"),
            key="promote_replace",
        )
        if pressed:
            _promote(run, name, epoch, replaces)


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
    st.success(
        f"{checkpoint.name} is epoch {epoch} of this run; weights {checkpoint.card.weights_sha256[:12]}.",
        icon=":material/check_circle:",
    )
    st.page_link(
        path_of("studio"),
        label="Use it in the Studio",
        icon=":material/auto_awesome:",
        query_params=_place(checkpoint),
    )


def _place(checkpoint: Checkpoint) -> dict[str, str] | None:
    """Return what opens the Studio at a model; None for its first sight."""
    if checkpoint.is_translator:
        return {"chain": checkpoint.name}
    return {"how": "From a prompt", "prompt_model": checkpoint.name} if checkpoint.is_prompt_model else None
