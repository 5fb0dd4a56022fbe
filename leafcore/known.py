"""What earlier runs and checks tell of a run that is yet to be queued. Free of torch."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leafcore.runs import Run, list_runs
from leafcore.train.configs import RECIPES, TrainConfig
from leafcore.train.forecast import kept_epochs
from leafcore.workspace import Workspace

Settings = dict[str, Any]


def known_times(workspace: Workspace) -> dict[str, dict[str, float]]:
    """Return the seconds that each recipe takes on this machine with each of its presets, as far as they are known.

    The newest counts: a run that is done, or a pre-flight. A run is of a preset if all settings agree that presets
    differ in.
    """
    known: dict[str, dict[str, float]] = defaultdict(dict)
    for run in list_runs(workspace):
        recipe, settings = _trained(run)
        seconds = _seconds(run) if recipe else None
        if seconds is None:
            continue
        config = RECIPES[recipe].config
        names = {name for preset in config.PRESETS.values() for name in preset}
        defaults = {name: config.model_fields[name].default for name in names}
        for preset, values in config.PRESETS.items():
            if all(settings.get(name) == {**defaults, **values}[name] for name in names):
                known[recipe].setdefault(preset, seconds)
    return dict(known)


@dataclass(frozen=True)
class Save:
    """What an epoch of a run takes on the disk, in bytes."""

    weights: int
    samples: int

    def of_run(self, epochs: int, config: TrainConfig) -> int:
        """Return what all epochs take that a run keeps."""
        saves = -(-epochs // config.save_every)
        return kept_epochs(epochs, config) * self.weights + saves * self.samples


def known_save(workspace: Workspace, recipe: str, config: TrainConfig) -> Save | None:
    """Return what an epoch takes on the disk, told by the newest run or check of the same network at the same size."""
    wanted = _network(config.model_dump(mode="json"), type(config))
    for run in list_runs(workspace):
        other, settings = _trained(run)
        if other == recipe and _network(settings, type(config)) == wanted:
            found = _save_of(run)
            if found is not None:
                return found
    return None


def _trained(run: Run) -> tuple[str, Settings]:
    """Return the recipe that a run trains or checks, and with which settings; no recipe if it does neither."""
    settings = run.record.settings
    if run.kind == "preflight":
        return settings["recipe"], settings["settings"]
    return (run.kind, settings) if run.kind in RECIPES else ("", {})


def _seconds(run: Run) -> float | None:
    if run.kind == "preflight":
        result = run.result()
        return result.get("eta_s") if result.get("fits") else None
    status = run.status_written()
    if status.state == "done" and status.started and status.finished:
        return status.finished - status.started
    return None


def _network(settings: Settings, config: type[TrainConfig]) -> Settings:
    """Return the settings that decide how large an epoch is."""
    names = {"backbone", "size_px", "probes"}
    for name, field in config.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("group") == "Network" and name != "init":
            names.add(name)
    return {name: settings[name] for name in sorted(names) if name in settings}


def _save_of(run: Run) -> Save | None:
    if run.kind == "preflight":
        result = run.result()
        measured = result.get("measured") if result.get("fits") else None
        if measured is None:
            return None
        samples = measured.get("sample_bytes", 0)
        return Save(measured["epoch_bytes"] - samples, samples)
    weights = max((run.folder / "weights").glob("*.safetensors"), default=None)
    if weights is None:
        return None
    return Save(_size(weights), sum(_size(path) for path in (run.folder / "previews").glob(f"{weights.stem}.*")))


def _size(path: Path) -> int:
    return path.stat().st_size
