"""Chains under a name: choose one, save the present one, forget one."""

from collections.abc import Mapping, Sequence

import streamlit as st

from leafcore.chain_presets import ChainPreset, delete_preset, list_presets, save_preset
from leafcore.chain_steps import Step, parse_step
from leafcore.errors import LeafError
from ui.service import workspace


def choose_preset(known: Mapping[str, Step]) -> None:
    """Draw a choice of saved chains, which fills in the steps and the rule of their label.

    Args:
        known: The steps there are, by name, as they were trained.
    """
    presets = list_presets(workspace())
    if not presets:
        return
    st.selectbox(
        "Saved chains",
        list(presets),
        index=None,
        format_func=lambda name: f"{name}: {' → '.join(presets[name].chain)}",
        placeholder="Saved chains",
        key="preset_chain",
        on_change=_take,
        args=(presets, list(known)),
        label_visibility="collapsed",
    )
    if missing := st.session_state.pop("preset_missing", ""):
        st.warning(f"Not in this workspace: {missing}.", icon=":material/warning:")


def _take(presets: Mapping[str, ChainPreset], known: Sequence[str]) -> None:
    """Fill in what a chain says. Only in a callback."""
    preset = presets.get(st.session_state["preset_chain"])
    if preset is None:
        return
    state = st.session_state
    steps = [(name, how) for name, how in map(parse_step, preset.chain)]
    names = [f"{name}:back" if how.back else name for name, how in steps]
    state["preset_missing"] = ", ".join(name for name in names if name not in known)
    if state["preset_missing"]:
        return
    state["chain"] = names
    for number, (_, how) in enumerate(steps):
        state[f"strength_{number}"], state[f"where_{number}"] = how.strength, how.where
    state["synthesize--label_rule"], state["synthesize--custom_label"] = preset.label_rule, preset.custom_label


def save_preset_box(steps: Sequence[Step], settings: Mapping[str, str]) -> None:
    """Draw what saves the present chain under a name, and what forgets one.

    Args:
        steps: The chain.
        settings: Has the rule of its label, by the names of `synthesize`.
    """
    with st.popover("Save chain", icon=":material/bookmark:", type="tertiary", key="preset_popover"):
        name = st.text_input("Name", key="preset_name", placeholder="rust-then-frog-eye").strip()
        if st.button("Save", icon=":material/save:", key="preset_save", disabled=not (name and steps)):
            labels = {key: settings[key] for key in ("label_rule", "custom_label")}
            try:
                save_preset(workspace(), name, ChainPreset.build({"chain": [step.name for step in steps], **labels}))
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.rerun()
        for saved in list_presets(workspace()):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(saved)
                st.space("stretch")
                st.button(
                    "Forget", icon=":material/delete:", key=f"preset_delete_{saved}", type="tertiary",
                    on_click=_forget, args=(saved,),
                )  # fmt: skip


def _forget(name: str) -> None:
    """Forget a chain, unless somebody else just did."""
    if name in list_presets(workspace()):
        delete_preset(workspace(), name)
