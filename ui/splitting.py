"""Splitting a dataset again: how, what that would give, and writing it; and making a dataset scarce."""

from typing import Any

import streamlit as st

from leafcore.data.configs import ResplitConfig
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.data.split_preview import Preview, preview
from leafcore.errors import LeafError
from leafcore.jobs import build_config
from leafcore.runs import list_runs
from ui import cached, forms, live
from ui.copying import copy_as
from ui.service import workspace

PRESETS = {"70 / 15 / 15": "70-15-15", "80 / 20": "80-20"}
FIELDS = {"Own shares": ("val", "test"), "Folds": ("folds", "val"), "Leave one out": ("val",)}
LISTED = 100  # groups to look at and to choose from
RULES = ("keep_groups", "near_duplicates", "group_day", "group_camera", "group_run", "group_regex", "leaf_map")


def split_box(dataset: Dataset) -> None:
    """Draw how a dataset is split again beside what that would give, and below it how it is made scarce."""
    ways = [*PRESETS, *FIELDS]
    way = st.segmented_control("Split", ways, default=ways[0], required=True, key="split_way")
    left, right = st.columns([2, 3], gap="large")
    try:
        with left:
            values = _settings(dataset, str(way))
        shown = _preview(dataset.ref, values)
    except LeafError as error:
        right.error(str(error), icon=":material/error:")
    else:
        with right:
            _draw(shown)
            folds = int(values.get("folds", 0))
            _queue_button("split", f"Write {folds} datasets" if folds else "Write as new version", dataset, values)
    _follow(dataset)
    with st.expander("Make scarce", icon=":material/compress:"):
        _scarce(dataset)


def _settings(dataset: Dataset, way: str) -> dict[str, Any]:
    """Draw the settings of a way to split; a preset has but a seed."""
    first = st.container()
    if way in PRESETS:
        values = {**ResplitConfig.PRESETS[PRESETS[way]], **forms.live_fields("split", "seed")}
    else:
        values = forms.live_fields("split", *FIELDS[way], "seed", start={"folds": 5})
    if dataset.is_multi_label or dataset.card.label_policy != "multi-label":
        values |= forms.live_fields("split", "label_policy")
    st.markdown("**What belongs together**")
    rules = forms.live_fields("split", *RULES)
    if way == "Leave one out":  # which groups there are depends on the rules
        groups = _preview(dataset.ref, rules).largest
        values["leave_out"] = first.selectbox(
            "Group to leave out",
            groups.index,
            format_func=lambda group: f"{group} ({groups['pictures'].get(group, 0)})",
            accept_new_options=True,
            key=f"leave_out_{dataset.name}",
            help=ResplitConfig.model_fields["leave_out"].description,
        )
    return values | rules


@st.cache_data(max_entries=32, show_spinner="Splitting")
def _preview(ref: str, values: dict[str, Any]) -> Preview:
    config = build_config("split", {"dataset": ref, **values})
    assert isinstance(config, ResplitConfig)
    return preview(cached.dataset(ref), config, largest=LISTED)


def _draw(shown: Preview) -> None:
    """Draw what a split would give."""
    table = shown.table.rename(columns=lambda name: name.replace("_", " "))
    if "share" in table:
        table["share"] = [f"{share:.1%}" for share in table["share"]]
    st.dataframe(table, key="split_table", alt="Pictures and groups of each split")
    if shown.untested:
        names = ", ".join(words(labels) for labels in shown.untested)
        st.warning(f"No test picture: {names}.", icon=":material/warning:")
    for warning in shown.warnings:
        if warning.startswith(("group_", "leaf_map")):
            st.caption(f":material/info: {warning}")
    st.caption("The largest groups")
    listed = shown.largest.rename(columns={"label_sets": "label sets"})
    st.dataframe(listed, key="split_groups", height=212, alt="The largest groups and their split")


def _queue_button(kind: str, label: str, dataset: Dataset, values: dict[str, Any]) -> None:
    working = bool(live.active_runs(kind))
    prominence = "primary" if kind == "split" else "secondary"
    settings = {"dataset": dataset.ref, **values}
    with st.container(horizontal=True):
        pressed = st.button(label, type=prominence, icon=":material/save:", key=f"write_{kind}", disabled=working)
        copy_as(kind, settings, kind)
    if pressed:
        run = forms.queue(kind, settings)
        if run is not None:
            st.session_state["split_run"] = run.id
            st.rerun()


def _follow(dataset: Dataset) -> None:
    """Draw the run that was queued here last: how it goes, then what it wrote."""
    run = next((run for run in list_runs(workspace()) if run.id == st.session_state.get("split_run")), None)
    if run is None or run.record.settings["dataset"].partition("@")[0] != dataset.name:
        return
    if run.status().state != "done":
        live.progress_panel(run, key="split")
        return
    written = ", ".join(f"`{ref}`" for ref in run.result()["datasets"])
    st.success(f"Written: {written}", icon=":material/check_circle:")


def _scarce(dataset: Dataset) -> None:
    values = forms.live_fields("scarce", "limit", "order", "seed")
    values["labels"] = tuple(
        st.multiselect(
            "Of these label sets",
            list(dataset.label_sets),
            format_func=words,
            placeholder="All",
            key=f"scarce_labels_{dataset.name}",
            width=320,
        )
    )
    values["name"] = st.text_input(
        "New dataset",
        f"{dataset.name}-{values['limit']}",
        key=f"scarce_name_{dataset.name}_{values['limit']}",
        width=320,
    )
    _queue_button("scarce", "Write as new dataset", dataset, values)
