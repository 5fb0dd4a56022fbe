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
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import psutil
from filelock import FileLock, Timeout
from pydantic import BaseModel

from leafcore import devices
from leafcore.checkpoints import epochs
from leafcore.checks import check
from leafcore.config import Config
from leafcore.data.configs import ImportConfig, RenderConfig, ResplitConfig, ScarceConfig
from leafcore.data.writing import WriteConfig
from leafcore.embedding import EmbedConfig
from leafcore.errors import ConfigError, DiskFull, JobError, LeafError, Stopped, as_leaf_error
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.probe_configs import ProbesConfig
from leafcore.export.configs import ExportConfig
from leafcore.files import read_json, write_json
from leafcore.health import HealthConfig
from leafcore.masks.configs import MasksConfig
from leafcore.pick.configs import ScoreConfig
from leafcore.predict.configs import PredictConfig
from leafcore.progress import Progress
from leafcore.quality.configs import QualityConfig
from leafcore.realfake.configs import RealFakeConfig
from leafcore.remedies import advised, remedy
from leafcore.report.configs import ReportConfig
from leafcore.reporting import RunProgress
from leafcore.runs import ACTIVE, Failure, Run, Status, create_run, list_runs, open_run
from leafcore.scarcity.configs import ScarcityConfig
from leafcore.synthesize.configs import PseudoLabelConfig, SynthesizeConfig
from leafcore.synthesize.reproduce_config import ReproduceConfig
from leafcore.titles import run_title
from leafcore.train.configs import RECIPES
from leafcore.train.preflight_config import PreflightConfig
from leafcore.upstream.configs import AdoptConfig, WriteWeightsConfig
from leafcore.workspace import Workspace

log = logging.getLogger(__name__)

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FILES = "files"  # the lane of what needs no network: import, export
QUICK = "quick"  # without a GPU, the lane of what only uses a network, so that hours of training do not hold it up


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        title: What a person calls it.
        config: Its settings.
        verb: Where its function is, "module:function"; imported by the worker only.
        lane: Whether it trains on a device, uses a trained network on one, or only moves files.
    """

    title: str
    config: type[Config]
    verb: str
    lane: Literal["train", "use", "files"] = "train"


KINDS: dict[str, Kind] = {
    "import": Kind("Import", ImportConfig, "leafcore.data.datasets:import_dataset", "files"),
    "render": Kind("Draw sample leaves", RenderConfig, "leafcore.data.datasets:render_dataset", "files"),
    "split": Kind("Split again", ResplitConfig, "leafcore.data.resplit:resplit", "files"),
    "scarce": Kind("Make scarce", ScarceConfig, "leafcore.data.scarce:scarce", "files"),
    "write": Kind("Write dataset", WriteConfig, "leafcore.data.writing:write_dataset", "files"),
    "health": Kind("Check health", HealthConfig, "leafcore.health:check_health", "files"),
    "embed": Kind("Draw the map", EmbedConfig, "leafcore.embed:embed", "use"),
    **{name: Kind(f"Train {row.title}", row.config, "leafcore.train.loop:train") for name, row in RECIPES.items()},
    "preflight": Kind("Check", PreflightConfig, "leafcore.preflight:preflight", "use"),
    "adopt": Kind("Take weights in", AdoptConfig, "leafcore.upstream.adopt:adopt", "files"),
    "write-weights": Kind("Write weights", WriteWeightsConfig, "leafcore.upstream.write:write_weights", "files"),
    "masks": Kind("Make masks", MasksConfig, "leafcore.masks.make:make_masks", "use"),
    "score": Kind("Score epochs", ScoreConfig, "leafcore.pick.score:score_epochs", "use"),
    "synthesize": Kind("Synthesize", SynthesizeConfig, "leafcore.synthesize.synthesize:synthesize", "use"),
    "pseudo-label": Kind("Pseudo-label", PseudoLabelConfig, "leafcore.synthesize.pseudo_label:pseudo_label", "use"),
    "reproduce": Kind("Reproduce", ReproduceConfig, "leafcore.synthesize.reproduce:reproduce", "use"),
    "export": Kind("Export", ExportConfig, "leafcore.export.export:export", "files"),
    "evaluate": Kind("Evaluate", EvaluateConfig, "leafcore.evaluate.evaluate:evaluate"),
    "probes": Kind("Look for shortcuts", ProbesConfig, "leafcore.evaluate.probes:probes"),
    "report": Kind("Report", ReportConfig, "leafcore.report.report:report", "files"),
    "predict": Kind("Name pictures", PredictConfig, "leafcore.predict.predict:predict", "use"),
    "quality": Kind("Image quality", QualityConfig, "leafcore.quality.quality:quality", "use"),
    "realfake": Kind("Real or fake", RealFakeConfig, "leafcore.realfake.realfake:realfake"),
    "scarcity": Kind("Scarcity study", ScarcityConfig, "leafcore.scarcity.study:scarcity"),
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


def submit(
    workspace: Workspace,
    kind: str,
    config: Config,
    *,
    title: str = "",
    waits: bool = True,
    prepare: Callable[[Path], object] = lambda folder: None,
) -> Run:
    """Queue a run. What its settings name is looked up first, and the dataset's version is pinned.

    Args:
        workspace: Where it goes.
        kind: A key of `KINDS`.
        config: Its settings.
        title: What a person reads in lists, if not what all runs of its kind are called.
        waits: Whether a lane may take it; else the caller carries it out.
        prepare: Called with the run's folder before anybody can carry it out.

    Raises:
        InputError: Something named does not exist or does not fit; no run was made.
    """
    config, uses = check(workspace, config)
    title = title or run_title(kind, KINDS[kind].title, config)
    return create_run(workspace, kind, config, title=title, uses=uses, waits=waits, prepare=prepare)


def submit_once(workspace: Workspace, kind: str, config: Config) -> Run:
    """Queue a run, or return the one with the very same settings that waits or works already: a press counts once.

    Raises:
        InputError: See `submit`.
    """
    config, uses = check(workspace, config)
    for run in list_runs(workspace, kind):
        if run.record.config_hash == config.digest() and run.status().state in ACTIVE:
            return run
    return create_run(workspace, kind, config, title=run_title(kind, KINDS[kind].title, config), uses=uses)


# --- carrying out -----------------------------------------------------------------------------------------------------


def lane_of(run: Run) -> str:
    """Return the lane a run must wait for: "files", "quick", "cpu", "cuda:0", or "auto" for any GPU, else the CPU."""
    if run.kind not in KINDS or KINDS[run.kind].lane == "files":
        return FILES
    settings = run.record.settings.get("settings", run.record.settings)  # a pre-flight's are those of its run
    device = str(settings.get("device", "auto"))
    return QUICK if devices.is_cpu(device) and KINDS[run.kind].lane == "use" else device


def choose_lane(run: Run) -> str:
    """Return the lane of a run that is carried out now, outside the server."""
    wanted = lane_of(run)
    return devices.lane_names()[0] if wanted == "auto" else wanted


def execute(
    workspace: Workspace,
    run: Run,
    *,
    lane: str,
    owner: Literal["server", "cli"],
    echo: Progress | None = None,
    is_part: bool = False,
) -> dict[str, Any]:
    """Carry a run out in this process, holding its lock and its lane's.

    Args:
        workspace: Where the run is.
        run: Queued; a run that belongs to the command line may also have failed, been stopped or interrupted before.
        lane: Where it computes.
        owner: Who it belongs to: a server's shutdown ends the server's runs only.
        echo: Another watcher, such as a terminal's progress bar.
        is_part: Whether another run of this process does it as a part of its own: that one holds the lane and hears
            signals, and is the watcher, who may ask to stop.

    Returns:
        What the verb returned, as plain values; also in `result.json`.

    Raises:
        Stopped: Somebody asked it to stop; it says *stopped*, or *queued* if the server is going down.
        LeafError: It failed; it says *failed* and why; or *paused*, if all it needs is room on the disk.
        JobError: Somebody else is carrying it out, or it is not to be carried out (any more).
    """
    with run.locked(timeout_s=10.0), _own_log(run, owner):
        status = _begin(run, lane, owner)
        progress = RunProgress(run, status, echo)
        try:
            heard = nullcontext() if is_part else _stop_on_signal(progress, owner)
            held = nullcontext() if is_part else hold_lane(workspace, lane, run, progress)
            with heard, progress, held:
                result = _call_verb(workspace, run, progress)
            write_json(run.folder / "result.json", result)
        except Stopped:
            if progress.is_shutdown:
                run.write_queued(at_head=True)
            else:
                run.finish_as_asked()
            raise
        except Exception as error:
            failure = _typed(run, error)
            with suppress(OSError):  # on a full disk even this may fail: the run is interrupted then
                run.finish("paused" if isinstance(failure, DiskFull) else "failed", _failure(run, failure))
            raise failure from None
        run.finish("done")
        return result


def _begin(run: Run, lane: str, owner: Literal["server", "cli"]) -> Status:
    state = run.status_written().state
    if state == "done":
        raise JobError(f"Run {run.id} is done already.")
    if owner == "server" and state != "queued":  # stopped, say, while this worker was starting
        raise JobError(f"Run {run.id} is {state}, no longer queued.")
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
            "not_before": None,
            "lane": lane,
            "owner": owner,
            "pid": process.pid,
            "pid_created": process.create_time(),
        }
    )


def _call_verb(workspace: Workspace, run: Run, progress: Progress) -> dict[str, Any]:
    if run.kind not in KINDS:
        raise JobError(f"This version of Leaf Workbench carries out no {run.kind} runs.")
    kind = KINDS[run.kind]
    config = kind.config.build(run.record.settings)
    module, name = kind.verb.split(":")
    result: BaseModel = getattr(import_module(module), name)(config, workspace, progress)
    return result.model_dump(mode="json")


def _typed(run: Run, error: Exception) -> LeafError:
    """Return a failure that one line explains; the whole story goes to the log."""
    known = as_leaf_error(error)
    if known is not None:
        return advised(known, KINDS[run.kind].config, run.record.settings) if run.kind in KINDS else known
    log.exception("the run failed unexpectedly")
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return JobError(f"Something unexpected happened ({what}); the run's log has the details.")


def _failure(run: Run, error: LeafError) -> Failure:
    """Return what a run's status says of a failure, with the last good epoch and what would mend it."""
    fix = remedy(error.code, KINDS[run.kind].config, run.record.settings) if run.kind in KINDS else {}
    saved = epochs(run.folder)
    return Failure(code=error.code, message=str(error), fix=fix, epoch=saved[-1] if saved else 0)


@contextmanager
def _own_log(run: Run, owner: Literal["server", "cli"]) -> Iterator[None]:
    """Write what is logged into the run's `log.txt`; a server's worker prints it there anyway."""
    if owner == "server":
        yield
        return
    logger = logging.getLogger("leafcore")
    handler = logging.FileHandler(run.folder / "log.txt", encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


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
    said = ""
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            waiting = f"waiting for {lane}, held by {lane_holder(workspace, lane) or 'another run'}"
            if waiting != said:
                progress.phase(waiting)
                said = waiting
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
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    if not lane.startswith("cuda"):
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
