"""The import box: pictures come in from a path, an upload, or Kaggle."""

from itertools import count
from pathlib import Path, PurePath

import pandas as pd
import streamlit as st

from leafcore.data.datasets import ImportResult
from leafcore.data.kaggle import KNOWN, SCHEME
from leafcore.data.labels import words
from leafcore.data.manifest import list_datasets
from leafcore.data.mapping import Columns
from leafcore.data.peek import Peek, Table, peek
from leafcore.data.uploads import receive, tidy_name
from leafcore.errors import ConfigError, LeafError, as_leaf_error
from leafcore.runs import list_runs
from leafcore.workspace import check_name, suggest_name
from ui import forms, live
from ui.choose import turn_to_dataset
from ui.service import workspace

WAYS = {
    "path": ":material/folder_open: Path",
    "upload": ":material/upload_file: Upload",
    "kaggle": ":material/cloud_download: Kaggle",
}
NEEDED = {  # where nothing was given
    "path": "Folder, table or ZIP on this machine: say where the pictures are.",
    "upload": "ZIP, up to 200 MB: choose one first.",
    "kaggle": "Dataset on Kaggle: choose one first.",
}
NAME = "import--name"  # the field's key
PIECE = 2**20
SHOWN_LABELS = 8


def import_box(*, expanded: bool) -> None:
    """Draw what brings a dataset in.

    Args:
        expanded: Whether it stands open, as it does while there is no dataset.
    """
    with st.expander("Import a dataset", icon=":material/upload:", expanded=expanded):
        way = st.segmented_control(
            "From", list(WAYS), format_func=WAYS.__getitem__, default="path", required=True, key="import_way"
        )
        source = {"path": _path, "upload": _upload, "kaggle": _kaggle}[str(way)]()
        columns = Columns()
        if source and way != "kaggle" and (way == "upload" or _is_asked(source)):
            columns = _seen(source)
        named = {
            "image_column": columns.image,
            "label_column": columns.labels,
            "group_column": columns.group,
            "split_column": columns.split,
        }
        if columns.image:
            named["format"] = "auto"
        if source:
            _suggest_name(source)
        named |= forms.live_fields("import", "name")  # outside the form, so that a suggestion spares what was written
        imported = forms.settings_form(
            "import",
            "",
            fixed={"source": source, **named},
            submit_label="Import",
            missing=_missing(str(way), source, str(named["name"])),
        )
        if imported is not None:
            st.session_state["import_run"] = imported.id
        _progress(source)


def _missing(way: str, source: str, name: str) -> str:
    """Say what an import still needs, by the labels of its fields; empty if nothing."""
    needed = [] if source else [NEEDED[way]]
    if not name:
        needed.append("Name: give the dataset one, such as orchard.")
    else:
        try:
            check_name(name, "Name")
        except ConfigError as error:
            needed.append(str(error))
    return "  \n".join(needed)


def _suggest_name(source: str) -> None:
    """Fill in a name after a new source: the folder's, or that of the table's folder. What was written stays."""
    state = st.session_state
    if state.get("import_suggested_of") == source:
        return
    state["import_suggested_of"] = source
    if state.get(NAME) not in {None, "", state.get("import_suggested")}:
        return
    path = PurePath(source.removeprefix(SCHEME))
    name = suggest_name(path.parent.name if path.suffix.lower() == ".csv" else path.stem)
    taken = list_datasets(workspace())
    free = (f"{name}-{number}" if number > 1 else name for number in count(1))
    state[NAME] = state["import_suggested"] = next(one for one in free if one not in taken)


def _progress(source: str) -> None:
    """Draw what is coming in and how this visit's newest import ended; a dataset that has come in is chosen, once."""
    importing = live.active_runs("import")
    for run in importing:
        live.progress_panel(run, key="import")
    run = next((run for run in list_runs(workspace(), "import") if run.id == st.session_state.get("import_run")), None)
    if run is None or importing:
        return
    if run.status().state != "done":
        if run.record.settings["source"] == str(Path(source)):  # another source has not failed
            live.progress_panel(run, key="import")
        return
    result = ImportResult.model_validate(run.result())
    name = result.dataset.partition("@")[0]
    if st.session_state.get("import_chosen") != run.id:
        st.session_state["import_chosen"] = run.id
        turn_to_dataset(name)
    skipped = f", {len(result.skipped):,} skipped" if result.skipped else ""
    st.success(f"**{name}**: {result.images:,} pictures imported{skipped}.", icon=":material/check_circle:")


# --- three ways in ----------------------------------------------------------------------------------------------------


def _path() -> str:
    """Draw a path on the server's machine, and the button that looks at it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.text_input(
            "Folder, table or ZIP on this machine",
            key="import--source",
            persist_state="session",
            placeholder="/data/plant-pathology-2021",
            help="Pictures are read where they lie and never copied; a ZIP is unpacked into the workspace.",
        )
        if st.button("See what it is", icon=":material/search:", key="import_peek", disabled=not source.strip()):
            st.session_state["import_peeked"] = source
    return source.strip()


def _is_asked(source: str) -> bool:
    return st.session_state.get("import_peeked", "").strip() == source


def _upload() -> str:
    """Draw an upload and return where it was put; empty if nothing was sent yet."""
    sent = st.file_uploader("ZIP, up to 200 MB", type="zip", key="import_upload")
    st.caption("Larger: give its path, use `python -m leafcore import`, or send it to `POST /api/uploads?name=x.zip`.")
    if sent is None:
        return ""
    kept: dict[str, str] = st.session_state.setdefault("import_uploads", {})
    if sent.file_id not in kept:
        try:
            with (
                st.spinner("Saving"),
                receive(workspace(), tidy_name(sent.name), announced_bytes=sent.size) as incoming,
            ):
                while piece := sent.read(PIECE):
                    incoming.write(piece)
                kept[sent.file_id] = incoming.finish().path
        except (LeafError, OSError) as error:
            st.error(str(as_leaf_error(error) or error), icon=":material/error:")
            return ""
    return kept[sent.file_id]


def _kaggle() -> str:
    """Draw a choice among what is known on Kaggle; anything else may be typed."""
    slug = st.selectbox(
        "Dataset on Kaggle",
        list(KNOWN),
        key="import_slug",
        accept_new_options=True,
        help="Others: a competition's name, or OWNER/DATASET.",
    )
    st.caption(
        "Uses your own account: KAGGLE_USERNAME and KAGGLE_KEY, or ~/.kaggle/kaggle.json. "
        "Accept a competition's rules on its page first."
    )
    return f"{SCHEME}{slug}" if slug else ""


# --- what it is -------------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=8, ttl=60, show_spinner="Looking")
def _peek(source: str, columns: Columns | None) -> Peek:
    return peek(Path(source), columns)


def _seen(source: str) -> Columns:
    """Draw what a source is; return what the user says of its table's columns, empty if its layout is known."""
    try:
        found = _peek(source, None)
        columns = _mapper(found.table, unknown=_is_unclear(found)) if found.table else None
        if columns is not None:
            found = _peek(source, columns) if columns.image and columns.labels else Peek(problem="Choose both columns.")
    except (LeafError, OSError) as error:
        st.error(str(as_leaf_error(error) or error), icon=":material/error:")
        return Columns()
    _facts(found)
    return columns or Columns()


def _is_unclear(found: Peek) -> bool:
    """Whether a source's table probably says more than its layout: it has none, or folders that tell nothing apart."""
    return bool(found.problem) or (found.format == "folders" and len(found.label_sets) == 1)


def _facts(found: Peek) -> None:
    if found.problem:
        st.warning(found.problem, icon=":material/help:")
        return
    parts = [f"**{found.format}**", f"{found.pictures:,} pictures", f"{len(found.label_sets)} label sets"]
    parts += [f"{found.groups:,} groups"] if found.groups else []
    parts += [f"split: {', '.join(f'{name} {n:,}' for name, n in found.splits.items())}"] if found.splits else []
    parts += [f"{found.skipped:,} skipped"] if found.skipped else []
    st.markdown(":material/check_circle: " + "  ·  ".join(parts))
    most = [f"{words(labels)} {count:,}" for labels, count in list(found.label_sets.items())[:SHOWN_LABELS]]
    more = len(found.label_sets) - SHOWN_LABELS
    st.caption(", ".join(most) + (f", and {more} more" if more > 0 else ""))


def _mapper(table: Table, *, unknown: bool) -> Columns | None:
    """Draw a table's first rows and a choice of its columns, each with a guess; None to go by the table's layout."""
    if not unknown and not st.toggle("Choose the columns", key="import_map"):
        return None
    st.caption(f"First rows of {table.name}. Which column says what?")
    st.dataframe(pd.DataFrame(list(table.rows)), hide_index=True)
    chosen = {}
    with st.grid(4, min_column_width=150):
        for part, label in (("image", "Picture"), ("labels", "Labels"), ("group", "Group"), ("split", "Split")):
            options = list(table.columns) if part in {"image", "labels"} else ["", *table.columns]
            guess = getattr(table.guess, part)
            chosen[part] = st.selectbox(
                label,
                options,
                index=options.index(guess) if guess in options else None,
                format_func=lambda name: name or "none",
                key=f"import_column_{part}_{table.name}",
            )
    return Columns(**{part: name or "" for part, name in chosen.items()})
