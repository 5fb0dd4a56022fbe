"""What earlier runs and checks tell of a run that is yet to be queued. Free of torch."""

from typing import Any

from leafcore.runs import Run, list_runs
from leafcore.train.configs import RECIPES
from leafcore.workspace import Workspace


def known_times(workspace: Workspace, recipe: str) -> dict[str, float]:
    """Return the seconds that a recipe takes on this machine with each of its presets, as far as they are known.

    The newest counts: a run that is done, or a pre-flight. A run is of a preset if all settings agree that presets
    differ in.
    """
    config = RECIPES[recipe].config
    names = {name for preset in config.PRESETS.values() for name in preset}
    defaults = {name: config.model_fields[name].default for name in names}
    known: dict[str, float] = {}
    for run in list_runs(workspace):
        settings, seconds = _time_of(run, recipe)
        for preset, values in config.PRESETS.items():
            if seconds is not None and all(settings.get(name) == {**defaults, **values}[name] for name in names):
                known.setdefault(preset, seconds)
    return known


def _time_of(run: Run, recipe: str) -> tuple[dict[str, Any], float | None]:
    """Return a run's training settings, and the seconds that they take if the run tells."""
    settings = run.record.settings
    if run.kind == "preflight" and settings["recipe"] == recipe:
        result = run.result()
        return settings["settings"], result.get("eta_s") if result.get("fits") else None
    status = run.status_written()
    if run.kind == recipe and status.state == "done" and status.started and status.finished:
        return settings, status.finished - status.started
    return settings, None
