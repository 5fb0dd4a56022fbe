"""What should be known of a base model before its first use: license, size, where it goes; and accepting it."""

import streamlit as st

from leafcore.base_hub import look_up
from leafcore.base_models import BaseModel, accept, accepted, is_accepted, open_base
from leafcore.errors import LeafError
from leafcore.progress import size
from leafcore.train.configs import DreamBoothConfig
from ui.service import workspace


def base_note(config: DreamBoothConfig) -> None:
    """Draw the license of the base that a training starts from, and whether it was accepted here."""
    base = _open(config.base)
    if base is None:
        return
    taken = "accepted" if is_accepted(workspace(), base) or config.accept_license else "to be accepted above"
    _describe(base, taken)
    if not base.is_known:
        _ask_button(base.name)


def base_terms(name: str) -> None:
    """Draw what stands in the way of the base that a checkpoint needs, if anything does, and what removes it.

    Args:
        name: As the checkpoint calls it.
    """
    base = _open(name)
    if base is not None:
        if not is_accepted(workspace(), base):
            _terms(base)
        return
    others = [other for other in accepted(workspace()) if other != name]
    if others:
        st.caption(f"If one of these is the same, it is used: {', '.join(f'`{other}`' for other in others)}.")
    place = st.text_input("Where it is now", key=f"base_folder-{name}", placeholder="a folder, or an id on the hub")
    moved = _open(place) if place else None
    if moved is not None and moved.name not in others:
        _terms(moved)


def _terms(base: BaseModel) -> None:
    """Draw a license that was not accepted yet, and the button that accepts it; first, that looks it up."""
    _describe(base, "not accepted here yet")
    if not base.is_known:
        _ask_button(base.name)
    elif st.button("Accept the license", icon=":material/check:", key=f"base_accept-{base.name}"):
        accept(workspace(), base)
        st.toast(f"{base.name}: {base.license_title} is accepted.", icon=":material/check:")
        st.rerun()


def _open(name: str) -> BaseModel | None:
    """Return a base; say what is wrong with it if it is none."""
    try:
        return open_base(workspace(), name)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return None


def _describe(base: BaseModel, taken: str) -> None:
    """Draw a base's license, and what must be fetched."""
    is_link = base.license_url.startswith("https://")
    named = f"[{base.license_title}]({base.license_url})" if is_link else f"{base.license_title} (`{base.license_url}`)"
    st.caption(f":material/gavel: **{base.name}**  ·  license {named}, {taken}")
    if not base.is_here:
        count = size(base.bytes) if base.bytes else "Some gigabytes"
        st.caption(f":material/download: {count} will be fetched to `{base.folder}`")


def _ask_button(name: str) -> None:
    """Draw the button that lets the hub say license and size."""
    if not st.button("Ask the hub", icon=":material/cloud_sync:", key=f"base_ask-{name}"):
        return
    try:
        with st.spinner("Asking the hub…"):
            look_up(workspace(), name)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
    else:
        st.rerun()
