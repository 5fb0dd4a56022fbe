"""The boxes that take in weights which others published, and that write ours for their code."""

from collections.abc import Mapping

import streamlit as st

from leafcore.checkpoints import Checkpoint
from leafcore.runs import Run
from leafcore.upstream.configs import AdoptConfig, WriteWeightsConfig
from ui import forms, live
from ui.copying import copy_as

OF_A_GENERATOR = ("a", "b", "size_px", "epoch")


def adopt_lflseg_box() -> None:
    """Draw the settings of taking LFLSeg's weights in, what is being read, and how the last one ended."""
    fields = AdoptConfig.model_fields
    _adopt_box("Use published weights", {"recipe": "lflseg"} | {name: fields[name].default for name in OF_A_GENERATOR})


def adopt_generator_box() -> None:
    """Draw the settings of taking a generator in, what is being read, and how the last one ended."""
    _adopt_box("Use a generator of CycleGAN's or LeafGAN's own code", {})


def _adopt_box(title: str, fixed: dict[str, object]) -> None:
    with st.expander(title, icon=":material/deployed_code_update:"):
        run = forms.settings_form("adopt", "", fixed=fixed, submit_label="Add")
        if run is not None:
            st.session_state["adopt_run"] = run.id
        done = live.follow("adopt")
        if done is not None:
            result = done.result()
            st.caption(f":material/check: `{result['checkpoint']}` is here, a {result['network']}.")


def write_weights_box(translators: Mapping[str, Checkpoint]) -> None:
    """Draw the choice of a generator to write for CycleGAN's code, and how the last one ended."""
    with st.expander("Write a generator for CycleGAN's own code", icon=":material/drive_file_move:"):
        note = WriteWeightsConfig.model_fields["to"].description
        with st.grid(2, min_column_width=180):
            name = st.selectbox("Generator", list(translators), key="write_weights_model", persist_state="session")
            to = st.text_input("To folder", key="write_weights_to", placeholder="/data/out", help=note)
        values = {"model": translators[name].ref, "to": to.strip()}
        with st.container(horizontal=True):
            pressed = st.button("Write", icon=":material/save:", key="submit-write-weights", disabled=not to.strip())
            copy_as("write-weights", values, "write-weights", disabled=not to.strip())
        if pressed:
            run = forms.queue("write-weights", values)
            if run is not None:
                st.session_state["write-weights_run"] = run.id
        done = live.follow("write-weights")
        if done is not None:
            _written(done)


def _written(run: Run) -> None:
    """Draw what was written, and how the reference's code loads it."""
    result = run.result()
    st.success(f"{', '.join(result['files'])} written to `{result['folder']}`.", icon=":material/check_circle:")
    if result["flags"]:
        st.caption(f"CycleGAN's code loads it with `{result['flags']}`.")
    for warning in run.status().warnings:
        st.caption(f":material/warning: {warning}")
