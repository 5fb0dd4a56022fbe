"""Jobs: which kinds of run there are, how one is submitted, and how one is carried out.

The command line carries a run out in its own process; the server's lanes do it in a worker process (`lanes.py`). Both
go through `execute`, so a run's folder looks the same whoever made it.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import psutil
from filelock import FileLock, Timeout
from pydantic import BaseModel

from leafcore import devices
from leafcore.chains import open_chain
from leafcore.checkpoints import open_checkpoint
from leafcore.config import Config
from leafcore.data.datasets import ImportConfig, RenderConfig
from leafcore.data.labels import label_set, require_known
from leafcore.data.manifest import load, pin
from leafcore.data.mask_sets import open_mask_set
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import CheckpointError, ConfigError, JobError, LeafError, Stopped, as_leaf_error
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.files import read_json, write_json
from leafcore.masks.configs import MasksConfig
from leafcore.progress import Progress
from leafcore.reporting import RunProgress
from leafcore.runs import ACTIVE, Failure, Run, Status, create_run, open_run
from leafcore.synthesize.configs import ExportConfig, SynthesizeConfig
from leafcore.train.configs import RECIPES
from leafcore.workspace import Workspace

log = logging.getLogger(__name__)

FILES = "files"  # the lane of what needs no network: import, export


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        title: What a person calls it.
        config: Its settings.
        verb: Where its function is, "module:function"; imported by the worker only.
        lane: Whether it computes on a device or only moves files.
    """

    title: str
    config: type[Config]
    verb: str
    lane: Literal["device", "files"] = "device"


KINDS: dict[str, Kind] = {
    "import": Kind("Import", ImportConfig, "leafcore.data.datasets:import_dataset", "files"),
    "render": Kind("Draw sample leaves", RenderConfig, "leafcore.data.datasets:render_dataset", "files"),
    **{name: Kind(f"Train {row.title}", row.config, "leafcore.train.loop:train") for name, row in RECIPES.items()},
    "masks": Kind("Make masks", MasksConfig, "leafcore.masks.make:make_masks"),
    "synthesize": Kind("Synthesize", SynthesizeConfig, "leafcore.synthesize.synthesize:synthesize"),
    "export": Kind("Export", ExportConfig, "leafcore.synthesize.export:export", "files"),
    "evaluate": Kind("Evaluate", EvaluateConfig, "leafcore.evaluate.evaluate:evaluate"),
}


# --- submitting -------------------------------------------------------------------------------------------------------


def build_config(kind: str, values: Mapping[str, Any], preset: str | None = None) -> Config:
    """Return the checked settings of a kind.

    Raises:
        ConfigError: There is no such kind or preset, or a setting is wrong.
    """
    if kind not in KINDS:
        raise ConfigError(f"kind: got {kind!r}, expected one of {', '.join(KINDS)}.")
    return KINDS[kind].config.build(values, preset=preset)


def submit(workspace: Workspace, kind: str, config: Config, *, title: str = "") -> Run:
    """Queue a run. What its settings name is looked up first, and the dataset's version is pinned.

    Raises:
        InputError: Something named does not exist or does not fit; no run was made.
    """
    config, uses = check(workspace, config)
    return create_run(workspace, kind, config, title=title or _title(kind, config), uses=uses)


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
        config = config.model_copy(update={"dataset": pin(workspace, values["dataset"])})
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
        return [value]
    checkpoint = open_checkpoint(workspace, value)
    if checkpoint.card.recipe != "lflseg":
        raise CheckpointError(f"model: {value} is a {checkpoint.card.recipe} model, expected an lflseg model.")
    return _known_run(workspace, checkpoint.card.run)


def _check_translators(workspace: Workspace, config: Any, value: tuple[str, ...]) -> list[str]:
    del config
    if any(_is_pending(workspace, ref) for ref in value):
        return [ref.partition("@")[0] for ref in value if _is_pending(workspace, ref)]
    return [run for part in open_chain(workspace, value) for run in _known_run(workspace, part.card.run)]


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
}


def _title(kind: str, config: Config) -> str:
    """Return what a run is called in lists: "LeafGAN healthy -> rust"."""
    values = config.model_dump()
    if kind in RECIPES:
        pair = f" {label_set(values['a'])} → {label_set(values['b'])}" if "b" in values else ""
        return f"{RECIPES[kind].title}{pair}"
    if kind == "synthesize":
        return f"{values['count']} synthetic images from {values['source']}"
    if kind in {"import", "render"}:
        return f"{KINDS[kind].title}: {values['name']}"
    return KINDS[kind].title


# --- carrying out -----------------------------------------------------------------------------------------------------


def lane_of(run: Run) -> str:
    """Return the lane a run must wait for: "files", "cpu", "cuda:0", or "auto" for any GPU, else the CPU."""
    if KINDS[run.kind].lane == "files":
        return FILES
    return str(run.record.settings.get("device", "auto"))


def choose_lane(run: Run) -> str:
    """Return the lane of a run that is carried out now, outside the server."""
    wanted = lane_of(run)
    return devices.lane_names()[0] if wanted == "auto" else wanted


def execute(
    workspace: Workspace, run: Run, *, lane: str, owner: Literal["server", "cli"], echo: Progress | None = None
) -> dict[str, Any]:
    """Carry a run out in this process, holding its lock and its lane's.

    Args:
        workspace: Where the run is.
        run: Queued, or failed, stopped or interrupted before: then it goes on.
        lane: Where it computes.
        owner: Who it belongs to: a server's shutdown ends the server's runs only.
        echo: Another watcher, such as a terminal's progress bar.

    Returns:
        What the verb returned, as plain values; also in `result.json`.

    Raises:
        Stopped: Somebody asked it to stop; it says *stopped*, or *queued* if the server is going down.
        LeafError: It failed; it says *failed* and why.
        JobError: Somebody else is carrying it out.
    """
    with run.locked(timeout_s=10.0):
        status = _begin(run, lane, owner)
        progress = RunProgress(run, status, echo)
        try:
            with _stop_on_signal(progress, owner), progress, hold_lane(workspace, lane, run, progress):
                result = _call_verb(workspace, run, progress)
        except Stopped:
            if progress.is_shutdown:
                run.write_queued(at_head=True)
            else:
                run.finish("stopped")
            raise
        except Exception as error:
            failure = _typed(error)
            run.finish("failed", Failure(code=failure.code, message=str(failure)))
            raise failure from None
        write_json(run.folder / "result.json", result)
        run.finish("done")
        return result


def _begin(run: Run, lane: str, owner: Literal["server", "cli"]) -> Status:
    state = run.status_written().state
    if state == "done":
        raise JobError(f"Run {run.id} is done already.")
    if owner == "cli":
        run.stop_file.unlink(missing_ok=True)
    process = psutil.Process()
    return run.status_written().model_copy(
        update={
            "state": "running",
            "phase": "starting",
            "started": time.time(),
            "finished": None,
            "failure": None,
            "warnings": (),
            "lane": lane,
            "owner": owner,
            "pid": process.pid,
            "pid_created": process.create_time(),
        }
    )


def _call_verb(workspace: Workspace, run: Run, progress: Progress) -> dict[str, Any]:
    kind = KINDS[run.kind]
    config = kind.config.build(run.record.settings)
    module, name = kind.verb.split(":")
    result: BaseModel = getattr(import_module(module), name)(config, workspace, progress)
    return result.model_dump(mode="json")


def _typed(error: Exception) -> LeafError:
    """Return a failure that one line explains; the whole story goes to the log."""
    known = as_leaf_error(error)
    if known is not None:
        return known
    log.exception("the run failed unexpectedly")
    return JobError(f"Something unexpected happened ({type(error).__name__}: {error}); the run's log has the details.")


@contextmanager
def _stop_on_signal(progress: RunProgress, owner: Literal["server", "cli"]) -> Iterator[None]:
    """Turn SIGTERM and SIGINT into a request to save and end; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:
        del frame
        progress.ask_to_stop("shutdown" if owner == "server" else "user")
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def hold_lane(workspace: Workspace, lane: str, run: Run, progress: Progress) -> Iterator[None]:
    """Wait for a lane and hold it, so that two runs never share a device.

    Raises:
        Stopped: Somebody asked to stop while waiting.
    """
    lock = lane_lock(workspace, lane)
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            progress.phase(f"waiting for {lane}, held by {lane_holder(workspace, lane) or 'another run'}")
            progress.raise_if_stopped()
    try:
        write_json(_holder_file(workspace, lane), {"run": run.id, "pid": os.getpid()})
        yield
    finally:
        lock.release()


def lane_lock(workspace: Workspace, lane: str) -> FileLock:
    """Return the lock of a lane."""
    workspace.locks.mkdir(parents=True, exist_ok=True)
    return FileLock(workspace.locks / f"{lane.replace(':', '-')}.lock", is_singleton=False, thread_local=False)


def lane_is_taken(workspace: Workspace, lane: str) -> bool:
    """Whether a run computes on a lane now, whoever carries it out."""
    try:
        with lane_lock(workspace, lane).acquire(timeout=0):
            return False
    except Timeout:
        return True


def lane_holder(workspace: Workspace, lane: str) -> str:
    """Return the id of the run that holds a lane, or held it last; empty if none ever did."""
    try:
        return str(read_json(_holder_file(workspace, lane))["run"])
    except FileNotFoundError:
        return ""


def _holder_file(workspace: Workspace, lane: str) -> Any:
    return workspace.locks / f"{lane.replace(':', '-')}.json"


def work(workspace: Workspace, run_id: str, lane: str) -> int:
    """Be a worker process: carry one run out, and return the process's exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if lane in {"cpu", FILES}:
        step_back()
    try:
        execute(workspace, open_run(workspace, run_id), lane=lane, owner="server")
    except Stopped:
        return 0
    except LeafError as error:
        log.error("%s", error)
        return error.exit_code
    return 0


def step_back() -> None:
    """Let the pages and everything else go first."""
    process = psutil.Process()
    process.nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 10))
