"""The recipe of a picture that somebody drops on the page, and the picture made again from it."""

from pathlib import Path

import numpy as np
import streamlit as st

from leafcore.data.recipes import Found, look_up
from leafcore.errors import LeafError
from leafcore.images import open_rgb
from leafcore.questions import keep_photo, photo_file
from leafcore.runs import ACTIVE, Run, list_runs
from leafcore.synthesize.reproduce_config import MADE
from ui import forms, live, show
from ui.copying import copy_as
from ui.service import workspace

GAIN = 8  # times the difference, so that one can see it


def recipe_box() -> None:
    """Draw where a picture is dropped, and what it tells of itself."""
    with st.expander(
        "Where does a picture come from?", icon=":material/receipt_long:", key="recipe", on_change="rerun"
    ):
        dropped = st.file_uploader("Drop a picture to see its recipe", key="recipe_file", max_upload_size=64)
        if dropped is None:
            return
        path = photo_file(workspace(), keep_photo(workspace(), dropped.getvalue()))
        try:
            found = look_up(workspace(), path)
        except LeafError as error:
            st.error(str(error).replace(str(path), dropped.name), icon=":material/error:")
            return
        _draw(found, path)


def _draw(found: Found, path: Path) -> None:
    with st.container(horizontal=True):
        st.image(str(path), alt="The picture that was dropped", width=160)
        with st.container():
            st.markdown("  \n".join(line.replace("*", r"\*") for line in found.told))
            if found.recipe is not None:
                with st.popover("All of it", icon=":material/data_object:"):
                    st.json(found.recipe)
                values = {"picture": str(path)}
                with st.container(horizontal=True):
                    wanted = st.button("Reproduce", icon=":material/replay:", key="reproduce", type="primary")
                    copy_as("reproduce", values, "reproduce")
                if wanted:
                    forms.queue("reproduce", values)
    again = next((run for run in list_runs(workspace(), "reproduce") if _is_of(run, path)), None)
    if again is not None:
        _draw_again(again, path)


def _is_of(run: Run, path: Path) -> bool:
    return bool(run.record.settings["picture"] == str(path))


def _draw_again(run: Run, path: Path) -> None:
    """Draw how far the newest attempt to make the picture again has come, or what came of it."""
    state = run.status().state
    if state != "done":
        live.progress_panel(run, key="reproduce")
        if state in ACTIVE:
            st.caption("It is made again in the background; the page says how it went.")
        return
    result = run.result()
    told = st.success if result["same"] else st.warning
    told(result["sentence"], icon=":material/check:" if result["same"] else ":material/difference:")
    then, now = (np.asarray(open_rgb(file)) for file in (path, run.folder / MADE))
    if not result["same"]:
        apart = np.abs(then.astype(int) - now.astype(int)) * GAIN
        show.tiles(
            [then, now, apart.clip(0, 255).astype(np.uint8)],
            alts=["The picture as it was dropped", "The picture made again", "Their difference"],
            captions=["As it was dropped", "Made again", f"Difference × {GAIN}"],
        )
