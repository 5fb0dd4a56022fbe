"""The export of a synthetic set: layout, content, what it will hold and under which licences, then the ZIP."""

from typing import Any

import streamlit as st

from leafcore.access import signed
from leafcore.data.review import MOST_STARS, read_review
from leafcore.errors import LeafError
from leafcore.export.configs import ExportConfig
from leafcore.export.contents import Contents, plan_export
from leafcore.export.formats import FORMATS
from leafcore.progress import size
from leafcore.runs import Run
from ui import cached, forms
from ui.copying import copy_as
from ui.service import workspace

CONTENT = {"synthetic": "Synthetic only", "merged": "With real train pictures"}


def export_box(run: Run) -> None:
    """Draw the way to take a set away.

    Args:
        run: It made the set.
    """
    fields = ExportConfig.model_fields
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layout = st.selectbox(
            "Format",
            list(FORMATS),
            index=list(FORMATS).index(fields["format"].default),
            format_func=lambda name: FORMATS[name].title,
            key="export_format",
            bind="query-params",
            help=fields["format"].description,
            width=200,
        )
        content = st.selectbox(
            "Content",
            list(CONTENT),
            format_func=CONTENT.__getitem__,
            key="export_content",
            bind="query-params",
            help=fields["content"].description,
            width=240,
        )
        stars = st.selectbox(
            "Stars",
            range(MOST_STARS + 1),
            format_func=lambda stars: f"{stars} or more" if stars else "any",
            key="export_stars",
            bind="query-params",
            help=fields["stars"].description,
            width=120,
        )
    values = {"run": run.id, "format": layout, "content": content, "stars": stars}
    try:
        contents = _contents(**values, review=read_review(run.folder).digest())
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.caption(f"{summary(contents)}  \n{terms(contents)}")
    for warning in contents.warnings:
        st.warning(warning, icon=":material/warning:")
    is_known = contents.is_licensed or _acknowledged(run)  # above the button that it frees
    with st.container(horizontal=True):
        _zip_button(values, contents.review, is_known)
        copy_as("export", values, f"export-{run.id}")


@st.cache_data(max_entries=64, ttl=60, show_spinner="Counting…")
def _contents(run: str, format: Any, content: Any, stars: int, review: str) -> Contents:
    """Return what an export would hold; a set that is made seldom changes, and asks every file for its size."""
    del review  # part of the key
    return plan_export(ExportConfig(run=run, format=format, content=content, stars=stars), workspace())


def summary(contents: Contents) -> str:
    """Return in a line what an export would hold."""
    parts = [f"{contents.synthetic:,} synthetic"]
    parts += [f"{contents.real:,} real (train split)"] if contents.real else []
    masks = f", {contents.masked:,} with a mask" if contents.format == "coco" else ""
    left_out = f" Review leaves out {contents.left_out:,}." if contents.left_out else ""
    return f"{' and '.join(parts)} pictures, {size(contents.bytes)}{masks}.{left_out}"


def terms(contents: Contents) -> str:
    """Return in a line under which licences that is."""
    return "Licences: " + "; ".join(f"{one.of}: {one.text}" for one in contents.licenses) + "."


def _acknowledged(run: Run) -> bool:
    """Draw what must be said before pictures without a licence are taken away; return whether it was."""
    return st.checkbox(
        "A licence is not stated. I may use these pictures.",
        key=f"acknowledge-{run.id}",
        persist_state="session",
    )


def _zip_button(values: dict[str, Any], review: str, is_known: bool) -> None:
    """Draw the button that packs, or the link to what was packed so, if people say the same of the set as then."""
    exports = [
        done
        for done in cached.runs_of("export")
        if done.record.settings == values and done.result().get("review", "") == review
    ]
    if exports and is_known:
        st.link_button(
            f"Download ZIP ({size(exports[0].result()['bytes'])})",
            signed(f"/api/runs/{exports[0].id}/zip"),
            type="primary",
            icon=":material/download:",
        )
    elif st.button(
        "Make ZIP", type="primary", icon=":material/folder_zip:", key=f"zip-{values['run']}", disabled=not is_known
    ):
        if forms.queue("export", values) is not None:
            st.rerun()
