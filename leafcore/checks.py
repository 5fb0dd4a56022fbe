"""Looking up what a config names, before a run is made of it.

Which settings name something is said by their `ref` (see `config.setting`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from leafcore import devices
from leafcore.chains import open_chain
from leafcore.checkpoints import open_checkpoint
from leafcore.config import Config
from leafcore.data.labels import require_known
from leafcore.data.manifest import load
from leafcore.data.mask_sets import open_mask_set
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import CheckpointError, ConfigError, DatasetError
from leafcore.runs import ACTIVE, Run
from leafcore.workspace import Workspace


def check(workspace: Workspace, config: Config) -> tuple[Config, tuple[str, ...]]:
    """Look up everything that a config names.

    What an unfinished run will make is taken on trust: the run that needs it fails in one line if it is not made.

    Returns:
        The config with its dataset's version pinned, and the ids of the runs it uses.

    Raises:
        InputError: Something named does not exist or does not fit.
    """
    values = config.model_dump()
    if "dataset" in values:
        config = config.model_copy(update={"dataset": load(workspace, values["dataset"]).ref})
    uses: set[str] = set()
    for name, field in type(config).model_fields.items():
        extra = field.json_schema_extra
        ref = extra.get("ref") if isinstance(extra, dict) else None
        if isinstance(ref, str) and ref in _CHECKS:
            uses.update(_CHECKS[ref](workspace, config, getattr(config, name)))
    return config, tuple(sorted(uses))


def _is_pending(workspace: Workspace, ref: str) -> bool:
    """Whether a name is a run's that has yet to make what is asked of it."""
    folder = workspace.run(ref.partition("@")[0])
    return (folder / "status.json").exists() and Run(folder).status().state in ACTIVE


def _check_labels(workspace: Workspace, config: Any, value: str) -> list[str]:
    dataset = load(workspace, config.dataset)
    require_known(value, dataset.label_sets, dataset.ref)
    return []


def _check_masks(workspace: Workspace, config: Any, value: str) -> list[str]:
    if not _is_pending(workspace, value):
        dataset = load(workspace, config.dataset)
        open_mask_set(workspace, value).masked(dataset, dataset.records)
    return [value]


def _check_lflseg(workspace: Workspace, config: Any, value: str) -> list[str]:
    del config
    if _is_pending(workspace, value):
        return [value.partition("@")[0]]
    checkpoint = open_checkpoint(workspace, value)
    if checkpoint.card.recipe != "lflseg":
        raise CheckpointError(f"model: {value} is a {checkpoint.card.recipe} model, expected an lflseg model.")
    return _known_run(workspace, checkpoint.card.run)


def _check_translators(workspace: Workspace, config: Any, value: tuple[str, ...]) -> list[str]:
    del config
    pending = [ref for ref in value if _is_pending(workspace, ref)]
    there = [ref for ref in value if ref not in pending]
    steps = open_chain(workspace, there) if there or not pending else []
    return [
        *(ref.partition("@")[0] for ref in pending),
        *(run for part in steps for run in _known_run(workspace, part.card.run)),
    ]


def _check_device(workspace: Workspace, config: Any, value: str) -> list[str]:
    del workspace, config
    known = ["auto", *reversed(devices.lane_names())]
    if value not in known:
        raise ConfigError(f"device: got {value!r}, expected one of {', '.join(known)}.")
    return []


def _check_folder(workspace: Workspace, config: Any, value: str) -> list[str]:
    del workspace, config
    if value != "rendered" and not Path(value).expanduser().is_dir():
        raise DatasetError(f"{value}: there is no such folder.")
    return []


def _check_synthetics(workspace: Workspace, config: Any, value: tuple[str, ...]) -> list[str]:
    del config
    for run_id in value:
        if not _is_pending(workspace, run_id):
            open_synthetic_set(workspace, run_id)
    return list(value)


def _check_synthetic(workspace: Workspace, config: Any, value: str) -> list[str]:
    return _check_synthetics(workspace, config, (value,))


def _known_run(workspace: Workspace, run_id: str) -> list[str]:
    return [run_id] if run_id and workspace.run(run_id).exists() else []


_CHECKS: dict[str, Callable[[Workspace, Any, Any], list[str]]] = {
    "label_set": _check_labels,
    "masks": _check_masks,
    "lflseg": _check_lflseg,
    "translators": _check_translators,
    "synthetics": _check_synthetics,
    "synthetic": _check_synthetic,
    "device": _check_device,
    "folder": _check_folder,
}
