"""The box that writes a dataset out for other programs."""

from typing import Any, get_args

import streamlit as st

from leafcore.data.labels import is_healthy, words
from leafcore.data.manifest import Dataset
from leafcore.data.writing import Layout, WriteConfig, WriteResult
from ui import forms, live
from ui.copying import copy_as


def write_box(dataset: Dataset) -> None:
    """Draw the settings of writing a version, what is being written, and what was."""
    help_of = {name: field.description for name, field in WriteConfig.model_fields.items()}
    with st.expander("Write for other programs", icon=":material/drive_folder_upload:"):
        with st.grid(3, min_column_width=180):
            layout = st.selectbox(
                "Layout", get_args(Layout), index=1, key="write_layout", help=help_of["layout"], persist_state="session"
            )
            to = st.text_input(
                "To folder", key="write_to", placeholder="/data/out", help=help_of["to"], persist_state="session"
            )
            values = {"domains": _domains, "lflseg": _lflseg}.get(layout, lambda dataset, help_of: {})(dataset, help_of)
        settings = {"dataset": dataset.ref, "layout": layout, "to": to.strip(), **values}
        with st.container(horizontal=True):
            pressed = st.button("Write", icon=":material/save:", key="submit-write", disabled=not to.strip())
            copy_as("write", settings, "write", disabled=not to.strip())
        if pressed:
            run = forms.queue("write", settings)
            if run is not None:
                st.session_state["write_run"] = run.id
        _progress()


def _domains(dataset: Dataset, help_of: dict[str, str | None]) -> dict[str, Any]:
    sets = sorted(dataset.label_sets, key=is_healthy, reverse=True)
    masks = {"": "exact masks" if (dataset.records["mask"] != "").any() else "none", **forms.mask_sets(dataset.name)}
    return {
        "a": st.selectbox("From (A)", sets, format_func=words, key="write_a", help=help_of["a"]),
        "b": st.selectbox("To (B)", sets, min(1, len(sets) - 1), format_func=words, key="write_b", help=help_of["b"]),
        "masks": st.selectbox(
            "Masks", list(masks), format_func=masks.__getitem__, key="write_masks", help=help_of["masks"]
        ),
    }


def _lflseg(dataset: Dataset, help_of: dict[str, str | None]) -> dict[str, Any]:
    del dataset
    return {"nonleaf": st.text_input("Pictures without a leaf", key="write_nonleaf", help=help_of["nonleaf"])}


def _progress() -> None:
    """Draw what is being written, and how the newest of this visit ended."""
    done = live.follow("write")
    if done is None:
        return
    result = WriteResult.model_validate(done.result())
    masks = f" and {result.masks:,} masks" if result.masks else ""
    st.success(f"{result.images:,} pictures{masks} written to `{result.folder}`.", icon=":material/check_circle:")
    for warning in done.status().warnings:
        st.caption(f":material/warning: {warning}")
