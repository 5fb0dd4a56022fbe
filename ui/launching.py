"""Launching a training: its settings, what they will write, and the check that queues it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from leafcore.checks import check as look_up
from leafcore.config import Config
from leafcore.data.labels import words
from leafcore.errors import ConfigError, LeafError
from leafcore.jobs import build_config, submit_once
from leafcore.known import known_save
from leafcore.progress import size
from leafcore.runs import Run, open_run
from leafcore.train.configs import RECIPES, TrainConfig
from leafcore.train.forecast import kept_epochs
from leafcore.train.targets import per_target
from ui import cached, forms
from ui.base_note import base_note
from ui.choose import note_dataset, usual_dataset
from ui.copying import copy_as
from ui.places import path_of
from ui.service import workspace

LINK = {"ds": "dataset", "a": "a", "b": "b", "labels": "labels", "masks": "masks"}
SEVERAL = ("b", "labels")


def source_run() -> Run | None:
    """Return the run whose settings the address asks to start from, and say so; its recipe is chosen the first time."""
    asked = st.query_params.get("from", "")
    if not asked:
        return None
    try:
        run = open_run(workspace(), asked)
    except LeafError as error:
        st.warning(str(error), icon=":material/warning:")
        return None
    if run.kind not in RECIPES:
        st.warning(f"{asked} is no training run.", icon=":material/warning:")
        return None
    if st.session_state.get("from_applied") != asked:
        settings = run.record.settings
        st.session_state["from_applied"] = asked
        st.session_state["recipe"] = run.kind
        chosen = {name: settings[name] for name in LINK.values() if name in settings}
        chosen["dataset"] = chosen["dataset"].partition("@")[0]
        if "b" in chosen:
            chosen["b"] = [chosen["b"]]
        st.session_state.update({f"{run.kind}-{name}": value for name, value in chosen.items()})
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/content_copy: Settings of **{run.record.title}**, {cached.when(run)}")
        if st.button("Start fresh", key="train_fresh", type="tertiary"):
            del st.query_params["from"]
            st.rerun()
    return run


def launch_form(recipe: str, preset: str, source: Run | None) -> list[TrainConfig]:
    """Draw a recipe's settings, what is wrong with them beside the field, and what they will write.

    Args:
        recipe: A key of `RECIPES`.
        preset: Where its fields start from.
        source: The run whose settings they start from instead.

    Returns:
        The settings of each run to queue; empty while something is missing or wrong.
    """
    fields = RECIPES[recipe].config.model_fields
    start = _start(recipe, preset, source)
    names = cached.dataset_names()
    if source is None and "ds" not in st.query_params and names:
        st.session_state[f"{recipe}-dataset"] = usual_dataset(names)  # new here: the form writes its own
    forms.fill_from_link(recipe, LINK, several=SEVERAL)
    values: dict[str, Any] = {}
    with st.grid(2, min_column_width=260):
        for name, field in fields.items():
            if forms.extra_of(field, "ref") not in forms.REFS:
                continue
            if forms.extra_of(field, "ref") == "label_sets":
                values[name] = forms.subset(recipe, name, field, values)
            elif name == "b":
                values[name] = forms.several(recipe, name, field, values) if values["a"] else []
            else:
                values[name] = forms.choice(recipe, name, field, start[name], values)
    if values.get("dataset"):
        note_dataset(values["dataset"])
    is_complete = all(value for name, value in values.items() if fields[name].default != ())
    forms.write_link(recipe, LINK, values)
    scope = preset if source is None else source.id
    places = forms.draft(recipe, scope, {n: f for n, f in fields.items() if n not in values}, start, values)
    configs = _configs(recipe, values, places) if is_complete else []
    if source is not None and source.kind == recipe and configs:
        _differences(source, configs[0])
    _will_write(recipe, configs)
    if configs and "base" in fields:
        base_note(configs[0])
    return configs


def _start(recipe: str, preset: str, source: Run | None) -> dict[str, Any]:
    """Return what the fields start from."""
    config = RECIPES[recipe].config
    start = {name: "" if field.is_required() else field.default for name, field in config.model_fields.items()}
    if source is None or source.kind != recipe:
        return start | dict(config.PRESETS[preset])
    kept = {name: value for name, value in source.record.settings.items() if name in start}
    return start | kept | {"promote_as": ""}  # a name can be had once


def _configs(recipe: str, values: dict[str, Any], places: Mapping[str, DeltaGenerator]) -> list[TrainConfig]:
    """Return the settings of each run; say what is wrong with one beside its field."""
    targets = values.get("b")
    try:
        return [
            RECIPES[recipe].config.build(run) for run in (per_target(values, targets) if targets else [dict(values)])
        ]
    except ConfigError as error:
        place = places.get(str(error).partition(":")[0])
        (place or st).error(str(error), icon=":material/error:")
        return []


def _differences(source: Run, config: TrainConfig) -> None:
    """Draw the settings that differ from those of the run that the form started from."""
    before, after = source.record.settings, config.model_dump(mode="json")
    before = {**before, "dataset": before["dataset"].partition("@")[0]}
    rows = [
        {"setting": name, "that run": str(before.get(name, "–")), "this one": str(value)}
        for name, value in after.items()
        if value != before.get(name) and not (name == "promote_as" and not value)
    ]
    if rows:
        st.dataframe(rows, hide_index=True, width="content", key="train_differences", alt="Settings that differ")
    else:
        st.caption(":material/equal: The very settings of that run.")


def _will_write(recipe: str, configs: list[TrainConfig]) -> None:
    """Say what the runs will be called and what they will keep."""
    for config in configs:
        values = config.model_dump()
        pair = f" {words(values['a'])} → {words(values['b'])}" if "b" in values else ""
        epochs = config.epochs + values.get("epochs_decay", 0)
        save = known_save(workspace(), recipe, config)
        disk = f", about {size(save.of_run(epochs, config))}" if save else ""
        parts = [f"**{RECIPES[recipe].title}{pair}**", f"{epochs:,} epochs at {config.size_px} px"]
        parts.append(f"{kept_epochs(epochs, config):,} checkpoints{disk}")
        parts += [f"promoted as `{config.promote_as}`"] if config.promote_as else []
        st.caption(":material/save: Will write " + "  ·  ".join(parts))


def launch_buttons(recipe: str, configs: list[TrainConfig]) -> None:
    """Draw the two ways to queue: after a check, or at once. A press counts once."""
    with st.container(horizontal=True, vertical_alignment="center"):
        more = f" {len(configs)} runs" if len(configs) > 1 else ""
        if st.button(
            f"Check and queue{more}",
            type="primary",
            icon=":material/play_arrow:",
            key=f"check-{recipe}",
            disabled=not configs,
            help="Tries a few steps on your pictures; queues the training if time, memory and disk are known to do.",
        ):
            check(recipe, configs)
        trial: dict[str, Any] = _trial(recipe, configs[0]) if len(configs) == 1 else {}
        copy_as("preflight", trial, f"check-{recipe}", disabled=not trial)
        if st.button("Queue without checking", type="tertiary", key=f"submit-{recipe}", disabled=not configs):
            queued = _submit([(recipe, config) for config in configs])
            if queued:
                st.toast(f"{queued[0].record.title} is queued.", icon=":material/schedule:")
                st.switch_page(path_of("runs"), query_params={"run": queued[0].id})


def check(recipe: str, configs: list[TrainConfig]) -> None:
    """Queue a pre-flight for each run; the address keeps which, so that a refresh shows them again."""
    runs = _submit([("preflight", build_config("preflight", _trial(recipe, config))) for config in configs])
    if runs:
        st.query_params["check"] = [run.id for run in runs]
        st.rerun()


def _trial(recipe: str, config: TrainConfig) -> dict[str, Any]:
    """Return the settings of the pre-flight of a run."""
    return {"recipe": recipe, "settings": config.model_dump(mode="json"), "queue": True}


def _submit(wanted: list[tuple[str, Config]]) -> list[Run]:
    """Queue runs; if one is wrong, say what is wrong with it and queue none."""
    try:
        for _, config in wanted:
            look_up(workspace(), config)
        return [submit_once(workspace(), kind, config) for kind, config in wanted]
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return []
