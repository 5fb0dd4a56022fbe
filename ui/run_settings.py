"""What a run was asked for: its settings, those that differ from their preset, and the command that repeats it."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from leafcore.config import Config
from leafcore.flags import command_of
from leafcore.jobs import KINDS
from leafcore.runs import Run


def config_box(run: Run) -> None:
    """Draw the settings that a run was queued with; they never change."""
    if run.kind not in KINDS:
        st.json(run.record.settings)
        return
    config, settings = KINDS[run.kind].config, known_settings(run)
    preset = nearest_preset(config, settings)
    base = base_settings(config, preset)
    changed = {name: value for name, value in settings.items() if name not in base or value != base[name]}
    called = f"preset {preset}" if preset else "default"
    only = st.toggle(f"Only what differs from the {called}", key="changed_only", bind="query-params")
    table = [
        {"": "●" if name in changed else "", "Setting": name, "Value": text_of(value), called: text_of(base.get(name))}
        for name, value in settings.items()
        if name in changed or not only
    ]
    columns = {
        "": st.column_config.TextColumn(width=30),
        "Value": st.column_config.TextColumn(width="medium"),
        called: st.column_config.TextColumn(called.capitalize(), width="medium"),
    }
    st.dataframe(table, hide_index=True, width="content", column_config=columns)
    st.caption("The command that queues the same again:")
    st.code(command_of(run.kind, changed, preset), language="bash", wrap_lines=True)
    st.caption(f"`{run.folder}` · code {run.record.code_version} · settings {run.record.config_hash}")
    if run.record.uses:
        st.caption("Uses " + ", ".join(f"`{used}`" for used in run.record.uses))


def known_settings(run: Run) -> dict[str, Any]:
    """Return a run's settings that this version still knows."""
    fields = KINDS[run.kind].config.model_fields
    return {name: value for name, value in run.record.settings.items() if name in fields}


def base_settings(config: type[Config], preset: str) -> dict[str, Any]:
    """Return the defaults, as a file holds them, with what a preset changes; without the required ones."""
    fields = {name: field for name, field in config.model_fields.items() if not field.is_required()}
    defaults = config.model_construct(**{name: field.get_default() for name, field in fields.items()})
    return defaults.model_dump(mode="json", include=set(fields)) | dict(config.PRESETS.get(preset, {}))


def nearest_preset(config: type[Config], settings: Mapping[str, Any]) -> str:
    """Return the preset that the fewest settings differ from; empty if that is the defaults."""

    def differing(preset: str) -> int:
        base = base_settings(config, preset)
        return sum(value != base[name] for name, value in settings.items() if name in base)

    return min(["", *config.PRESETS], key=differing)


def differences(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the settings in which some runs differ, one value per run; None where a run has no such setting."""
    names = dict.fromkeys(name for run in runs for name in run.record.settings)
    values = {name: [run.record.settings.get(name) for run in runs] for name in names}
    return {name: row for name, row in values.items() if any(value != row[0] for value in row)}


def text_of(value: Any) -> str:
    """Return a setting's value for people."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
