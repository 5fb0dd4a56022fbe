"""Pre-flight: a run is rehearsed on its real data before it is queued, and what cannot fit is not."""

from typing import Any, Literal

from pydantic import BaseModel

from leafcore import devices
from leafcore.base_models import open_base
from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import domain, load
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import DiskFull
from leafcore.files import RESERVE_BYTES
from leafcore.jobs import submit_once
from leafcore.progress import Progress, duration, size
from leafcore.train.attempt import Outcome, Unfinished, rehearse_apart
from leafcore.train.configs import RECIPES, DreamBoothConfig, TrainConfig, TranslationConfig
from leafcore.train.forecast import Forecast, Rehearsal, forecast, save_every_that_fits
from leafcore.train.preflight_config import PreflightConfig
from leafcore.train.trying import Attempt, change_words, try_settings
from leafcore.workspace import Workspace

MEASURE_S = 8.0  # is spent on the steps of the settings as they are
BRIEF_S = 2.0  # on those of others


class Problem(BaseModel):
    """What stands in a run's way, in a sentence."""

    code: Literal["memory", "disk", "time", "base"]
    message: str


class Fix(BaseModel):
    """The nearest settings that fit, and what they come to, in a sentence."""

    settings: dict[str, Any]
    text: str


class PreflightResult(BaseModel):
    """What a run will take, and whether there is room for it.

    Attributes:
        recipe: Which recipe was tried out.
        fits: Whether nothing stands in the run's way.
        problems: What does.
        fix: Settings that fit; None if all fits, or nothing smaller was found to.
        eta_s: Seconds that the whole run takes; with the fix where there is one. None if nothing could be measured.
        forecast: What they are made of.
        measured: What was measured; with the fix where there is one that changes what a step takes.
        free_disk_bytes: What is free on the disk of the runs.
        pictures: Train pictures by label set.
        license: Of the dataset's pictures, and of the weights that training starts from.
        queued: The run that was queued; empty for none.
    """

    recipe: str
    fits: bool
    problems: tuple[Problem, ...] = ()
    fix: Fix | None = None
    eta_s: float | None = None
    forecast: Forecast | None = None
    measured: Rehearsal | None = None
    free_disk_bytes: int
    pictures: dict[str, int]
    license: str
    queued: str = ""


def preflight(config: PreflightConfig, workspace: Workspace, progress: Progress) -> PreflightResult:
    """Rehearse a run; queue it, if that was asked for and nothing stands in its way.

    Raises:
        InputError: The settings, the dataset or the mask set are wrong.
        TrainingDiverged: A loss is no number within a few steps.
        JobError: The rehearsal's process ended without a word.
        Stopped: Somebody asked to stop; nothing was queued.
    """
    settings = RECIPES[config.recipe].config.build(config.settings)
    pictures, license = _inputs(workspace, settings)

    def attempt(change: dict[str, Any]) -> Outcome:
        budget_s = BRIEF_S if change else MEASURE_S
        changed = settings.model_copy(update=change)
        return rehearse_apart(config.recipe, changed, workspace, progress, budget_s=budget_s)

    result = PreflightResult(
        recipe=config.recipe,
        fits=True,
        free_disk_bytes=devices.free_disk_bytes(workspace.runs),
        pictures=pictures,
        license=license,
    )
    lacking = base_to_fetch(workspace, settings, result.free_disk_bytes)
    if lacking is not None:
        return result.model_copy(update={"fits": False, "problems": (lacking,)})
    result = assess(settings, result, attempt, progress)
    if result.fits and config.queue:
        progress.raise_if_stopped()
        result.queued = submit_once(workspace, config.recipe, settings).id
    return result


def _inputs(workspace: Workspace, settings: TrainConfig) -> tuple[dict[str, int], str]:
    """Return how many train pictures there are of each label set, and the license of all that goes in."""
    dataset = load(workspace, settings.dataset)
    license = "; ".join([dataset.card.license, *_license_of_start(workspace, settings)])
    if not isinstance(settings, TranslationConfig):
        counts = dataset.select(split="train")["labels"].value_counts()
        wanted = getattr(settings, "labels", ()) or counts.index
        return {str(labels): int(counts[labels]) for labels in wanted}, license
    masks = getattr(settings, "masks", "")
    counted = {}
    for labels in (settings.a, settings.b):
        records = domain(dataset, labels, "train")
        counted[labels] = len(open_mask_set(workspace, masks).masked(dataset, records) if masks else records)
    return counted, license


def _license_of_start(workspace: Workspace, settings: TrainConfig) -> list[str]:
    """Return the terms of the weights that training starts from, if it starts from any."""
    if isinstance(settings, DreamBoothConfig):
        base = open_base(workspace, settings.base)
        return [f"base {base.name}: {base.license}"]
    init = getattr(settings, "init", "")
    if not init:
        return []
    own_file = getattr(settings, "init_path", None) or getattr(settings, "init_file", None)
    if own_file:
        return [f"weights {own_file.name}: unknown"]
    checkpoint = open_checkpoint(workspace, init)
    return [f"weights {checkpoint.name}: {checkpoint.card.license}"]


def base_to_fetch(workspace: Workspace, settings: TrainConfig, free_disk_bytes: int) -> Problem | None:
    """Return what to know of the base that a run starts from if it is not here: a check fetches no gigabytes.

    Args:
        workspace: Where it would go.
        settings: The run's.
        free_disk_bytes: What is free on the disk there.
    """
    if not isinstance(settings, DreamBoothConfig):
        return None
    base = open_base(workspace, settings.base)
    if base.is_here:
        return None
    if base.bytes is not None and base.bytes > free_disk_bytes - RESERVE_BYTES:
        room = f"{size(base.bytes)} are to be fetched to {base.folder}, {size(free_disk_bytes)} are free on the disk"
        return Problem(code="disk", message=f"{base.name} is not on this machine: {room}.")
    amount = size(base.bytes) if base.bytes else "how much is not known"
    return Problem(
        code="base",
        message=f"{base.name} is not on this machine; the run fetches it first ({amount}, to {base.folder}). Time and "
        "memory can be tried out once it is here.",
    )


# --- what fits --------------------------------------------------------------------------------------------------------


def assess(
    settings: TrainConfig,
    result: PreflightResult,
    attempt: Attempt,
    progress: Progress,
) -> PreflightResult:
    """Return a result filled in: what a run takes, what stands in its way, and the nearest settings that fit.

    Args:
        settings: The run's.
        result: What is known of it so far.
        attempt: Rehearses the settings with a change.
        progress: Told of each attempt.
    """
    problems: list[Problem] = []
    found = try_settings(settings, attempt, progress)
    outcome, change = found.outcome, found.change
    if found.lacks_memory:
        problems.append(Problem(code="memory", message=_memory_message(settings, found.asked)))
    if isinstance(outcome, Unfinished):
        problems.append(Problem(code="time", message=_time_message(settings, outcome)))
    if isinstance(outcome, DiskFull):
        problems.append(Problem(code="disk", message=str(outcome)))
    if not isinstance(outcome, Rehearsal) or not outcome.fits:
        return result.model_copy(update={"fits": False, "problems": tuple(problems)})

    fixed = settings.model_copy(update=change)
    foreseen = forecast(outcome, fixed)
    save_every = save_every_that_fits(outcome, fixed, result.free_disk_bytes)
    if save_every != settings.save_every:
        problems.append(Problem(code="disk", message=_disk_message(foreseen, result.free_disk_bytes)))
        change = {**change, "save_every": save_every}
        fixed = settings.model_copy(update=change)
        foreseen = foreseen if save_every is None else forecast(outcome, fixed)
    has_fix = bool(problems) and save_every is not None
    return result.model_copy(
        update={
            "fits": not problems,
            "problems": tuple(problems),
            "fix": Fix(settings=change, text=_fix_text(change, foreseen, found.cost)) if has_fix else None,
            "eta_s": foreseen.eta_s,
            "forecast": foreseen,
            "measured": outcome,
        }
    )


def _fix_text(change: dict[str, Any], foreseen: Forecast, cost: str) -> str:
    words = change_words(change)
    disk = f"{size(foreseen.disk_bytes)} of checkpoints"
    time = f"about {duration(foreseen.eta_s)}" + (f" ({cost})" if cost else "")
    return f"{words[0].upper()}{words[1:]} fits: {time}, {disk}."


def _memory_message(settings: TrainConfig, outcome: Outcome) -> str:
    if isinstance(outcome, Rehearsal):
        about = "about " if outcome.is_estimate else ""
        needed, free = f"{about}{size(outcome.memory_bytes)} of memory", outcome.free_bytes
    else:
        needed, free = "more memory than there is", devices.free_memory_bytes(settings.device)
    return f"{_step_words(settings)} needs {needed}; {size(free)} are free."


def _time_message(settings: TrainConfig, unfinished: Unfinished) -> str:
    return f"{_step_words(settings)} takes more than {duration(unfinished.seconds)}; how long is not known."


def _step_words(settings: TrainConfig) -> str:
    return f"A step with {change_words({'batch_size': settings.batch_size, 'size_px': settings.size_px})}"


def _disk_message(foreseen: Forecast, free_bytes: int) -> str:
    return (
        f"The {foreseen.checkpoints} checkpoints take {size(foreseen.disk_bytes)}; "
        f"{size(free_bytes)} are free on the disk."
    )
