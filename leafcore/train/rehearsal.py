"""A few real steps on the real batch, measured, and thrown away."""

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import torch

from leafcore.files import size_bytes
from leafcore.memory import available_bytes
from leafcore.progress import Progress
from leafcore.train.checkpointing import save_preview, save_state, save_weights
from leafcore.train.configs import TrainConfig
from leafcore.train.device import resolve_device
from leafcore.train.forecast import STEPPING, Rehearsal
from leafcore.train.loop import on_host, recipe_of, require_finite
from leafcore.train.recipe import Recipe
from leafcore.workspace import Workspace

WARM_UP = 2  # steps that do not count
MEASURED = 8  # steps that do


def rehearse(
    config: TrainConfig, workspace: Workspace, progress: Progress, *, memory_limit: int | None = None, budget_s: float
) -> Rehearsal:
    """Build a recipe on its data, take a few steps, end an epoch, draw samples and save, once each.

    Args:
        config: The settings of the run that is rehearsed.
        workspace: Where its dataset is.
        progress: Told of the steps; what is saved lies in its folder, which the caller clears.
        memory_limit: So many more bytes may this process have, for good, once the data is loaded: on a CPU a full
            memory would otherwise end whatever the system chooses.
        budget_s: No step begins after so many seconds of steps; one is taken in any case.

    Raises:
        InputError: The config, the dataset or the mask set is wrong.
        TrainingDiverged: A loss is no number within these few steps.
        OutOfMemory: On a GPU as torch's own error, on a CPU as `RuntimeError` or `MemoryError`; see `as_leaf_error`.
        DiskFull: Not even one save fits.
        Stopped: Somebody asked to stop.
    """
    device = resolve_device(config.device)
    free = _free_bytes(device)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        begun = time.perf_counter()
        progress.phase("loading")
        recipe, drawing = recipe_of(config).for_rehearsal(config, workspace, device, progress)
        loading_s = time.perf_counter() - begun - drawing.spent_s
        if memory_limit is not None:
            _hold_memory(memory_limit)
        steps_s = _time_steps(recipe, progress, budget_s)
        scoring_s = _timed(recipe.end_epoch)
        sampling_s, saving_s, state_s = _time_saving(recipe, progress)
    memory, tensors = _peak_bytes(device)
    return Rehearsal(
        epochs=recipe.epochs,
        steps_per_epoch=recipe.steps_per_epoch,
        loading_s=loading_s,
        drawing_s=drawing.left_s,
        step_s=statistics.median(steps_s),
        measured_steps=len(steps_s),
        scoring_s=scoring_s,
        sampling_s=sampling_s,
        saving_s=saving_s,
        state_s=state_s,
        epoch_bytes=size_bytes(progress.folder / "weights") + size_bytes(progress.folder / "previews"),
        sample_bytes=size_bytes(progress.folder / "previews"),
        state_bytes=(progress.folder / "state.pt").stat().st_size,
        device=str(device),
        memory_bytes=memory,
        tensor_bytes=tensors,
        free_bytes=free,
    )


def _time_steps(recipe: Recipe, progress: Progress, budget_s: float) -> list[float]:
    """Return the seconds of each step after warm-up; of the last, if there was time for no more."""
    progress.phase(STEPPING)
    total = min(WARM_UP + MEASURED, recipe.epochs * recipe.steps_per_epoch)  # schedulers count to the last step
    uncounted = int(getattr(recipe.config, "compiled", False))  # the first compiles
    seconds: list[float] = []
    while len(seconds) < total and (len(seconds) <= uncounted or sum(seconds[uncounted:]) <= budget_s):
        begun = time.perf_counter()
        require_finite(
            on_host(recipe.step(recipe.next_batch())), len(seconds) + 1
        )  # reading the losses waits for the device
        seconds.append(time.perf_counter() - begun)
        progress.report(len(seconds), total)
        progress.raise_if_stopped()
    return seconds[min(WARM_UP, len(seconds) - 1) :]


def _time_saving(recipe: Recipe, progress: Progress) -> tuple[float, float, float]:
    """Return the seconds of drawing samples, of saving weights and samples, and of saving the state."""
    progress.phase("trying samples")
    begun = time.perf_counter()
    preview = recipe.preview()
    sampling_s = time.perf_counter() - begun
    progress.phase("trying to save")
    saving_s = _timed(lambda: save_weights(progress.folder, recipe, 1))
    if preview is not None:
        saving_s += _timed(lambda: save_preview(progress.folder, preview, 1))
    return sampling_s, saving_s, _timed(lambda: save_state(progress.folder, recipe, 1, {}))


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


# --- memory -----------------------------------------------------------------------------------------------------------


def _free_bytes(device: torch.device) -> int:
    """Return the memory that a run has for itself: what is free, and on a CPU what this process holds already."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        torch.cuda.reset_peak_memory_stats(device)
        return int(free)
    return available_bytes() + int(psutil.Process().memory_info().rss)


def _hold_memory(limit: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        held = psutil.Process().memory_info()
        most = getattr(held, "data", held.vms) + limit
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _peak_bytes(device: torch.device) -> tuple[int, int]:
    """Return the most memory that was held, and the most that tensors took of it."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device), torch.cuda.max_memory_allocated(device)
    peak = _peak_resident_bytes()
    return peak, peak


def _peak_resident_bytes() -> int:
    """Return the most memory that this process had resident.

    `getrusage` would count what the process had before its program was loaded, which is its parent's.
    """
    info = psutil.Process().memory_info()
    windows = getattr(info, "peak_wset", None)
    if windows is not None:
        return int(windows)
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource  # not on Windows

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # in bytes on macOS
