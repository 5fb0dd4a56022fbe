"""Pre-flight: a run is rehearsed on its real data before it is queued, and what cannot fit is not."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel

from leafcore import devices
from leafcore.data.manifest import domain, load
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import DiskFull, OutOfMemory
from leafcore.jobs import submit_once
from leafcore.progress import Progress, duration, size
from leafcore.runs import Run, list_runs
from leafcore.train.attempt import Outcome, rehearse_apart
from leafcore.train.configs import RECIPES, TrainConfig, TranslationConfig
from leafcore.train.forecast import Forecast, Rehearsal, at_batch, forecast, save_every_that_fits, smaller_settings
from leafcore.train.preflight_config import PreflightConfig
from leafcore.workspace import Workspace

SPARE = 0.9  # of the free memory may be taken by what is offered and was not really tried
Attempt = Callable[[dict[str, Any]], Outcome]


class Problem(BaseModel):
    """What stands in a run's way, in a sentence."""

    code: Literal["memory", "disk"]
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
        license: Of the dataset's pictures.
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
        return rehearse_apart(config.recipe, settings.model_copy(update=change), workspace, progress)

    result = PreflightResult(
        recipe=config.recipe,
        fits=True,
        free_disk_bytes=devices.free_disk_bytes(workspace.runs),
        pictures=pictures,
        license=license,
    )
    result = assess(settings, result, attempt, progress)
    if result.fits and config.queue:
        progress.raise_if_stopped()
        result.queued = submit_once(workspace, config.recipe, settings).id
    return result


def _inputs(workspace: Workspace, settings: TrainConfig) -> tuple[dict[str, int], str]:
    """Return how many train pictures there are of each label set, and the license of all."""
    dataset = load(workspace, settings.dataset)
    if not isinstance(settings, TranslationConfig):
        counts = dataset.select(split="train")["labels"].value_counts()
        wanted = getattr(settings, "labels", ()) or counts.index
        return {str(labels): int(counts[labels]) for labels in wanted}, dataset.card.license
    masks = getattr(settings, "masks", "")
    counted = {}
    for labels in (settings.a, settings.b):
        records = domain(dataset, labels, "train")
        counted[labels] = len(open_mask_set(workspace, masks).masked(dataset, records) if masks else records)
    return counted, dataset.card.license


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
    change: dict[str, Any] = {}
    cost = ""
    outcome = attempt({})
    if _lacks_memory(outcome):
        problems.append(Problem(code="memory", message=_memory_message(settings, outcome)))
        change, outcome, cost = _nearest(settings, attempt, progress) or ({}, outcome, "")
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
            "fix": Fix(settings=change, text=_fix_text(change, foreseen, cost)) if has_fix else None,
            "eta_s": foreseen.eta_s,
            "forecast": foreseen,
            "measured": outcome,
        }
    )


def _lacks_memory(outcome: Outcome) -> bool:
    return isinstance(outcome, OutOfMemory) or (isinstance(outcome, Rehearsal) and not outcome.fits)


def _nearest(
    settings: TrainConfig, attempt: Attempt, progress: Progress
) -> tuple[dict[str, Any], Rehearsal, str] | None:
    """Return the nearest smaller settings with memory for a step, what they measure, and what they cost."""

    def tried(change: dict[str, Any]) -> Rehearsal | None:
        progress.phase(f"trying {change_words(change)}")
        outcome = attempt(change)
        return outcome if isinstance(outcome, Rehearsal) and outcome.fits else None

    smaller = list(smaller_settings(settings))
    batches = [change for change in smaller if change.keys() == {"batch_size"}]
    if batches:  # large batches take long on a CPU, so the two smallest tell of the others
        *others, least = batches
        low = tried(least)
        high = tried(others[-1]) if low and others else None
        if low and high:
            return _on_the_line(settings, others, (least, low), (others[-1], high))
        if low:
            return least, low, ""
    for change in smaller[len(batches) :]:
        found = tried(change)
        if found:
            return change, found, ""
    return None


def _on_the_line(
    settings: TrainConfig,
    batches: list[dict[str, Any]],
    low: tuple[dict[str, Any], Rehearsal],
    high: tuple[dict[str, Any], Rehearsal],
) -> tuple[dict[str, Any], Rehearsal, str]:
    """Return the largest batch with memory to spare, going by two that were measured, and how much longer it takes."""
    points = (low[0]["batch_size"], low[1]), (high[0]["batch_size"], high[1])

    def foreseen(batch: int) -> Rehearsal:
        return at_batch(batch, *points, settings)

    # The batch asked for took more than was free: the line cannot be less steep than that.
    free = low[1].free_bytes
    steepness = (free - low[1].memory_bytes) / (settings.batch_size - points[0][0])

    def memory(batch: int) -> float:
        least = low[1].memory_bytes + steepness * (batch - points[0][0])
        return max(float(least), float(foreseen(batch).memory_bytes))

    fitting = [change for change in batches if memory(change["batch_size"]) <= SPARE * free]
    change, measured = (fitting[0], foreseen(fitting[0]["batch_size"])) if fitting else high
    before = forecast(foreseen(settings.batch_size), settings).eta_s
    return change, measured, f"{forecast(measured, settings).eta_s / before - 1:+.0%} time"


def change_words(change: dict[str, Any]) -> str:
    """Return changed settings for people.

    >>> change_words({"batch_size": 2, "size_px": 128})
    'batch 2, size 128 px'
    """
    forms = {"batch_size": "batch {}", "size_px": "size {} px", "save_every": "saving every {} epochs"}
    return ", ".join(forms[name].format(value) for name, value in change.items())


def _fix_text(change: dict[str, Any], foreseen: Forecast, cost: str) -> str:
    words = change_words(change)
    disk = f"{size(foreseen.disk_bytes)} of checkpoints"
    time = f"about {duration(foreseen.eta_s)}" + (f" ({cost})" if cost else "")
    return f"{words[0].upper()}{words[1:]} fits: {time}, {disk}."


def _memory_message(settings: TrainConfig, outcome: Outcome) -> str:
    what = f"A step with {change_words({'batch_size': settings.batch_size, 'size_px': settings.size_px})}"
    if isinstance(outcome, Rehearsal):
        needed, free = f"{size(outcome.memory_bytes)} of memory", outcome.free_bytes
    else:
        needed, free = "more memory than there is", devices.free_memory_bytes(settings.device)
    return f"{what} needs {needed}; {size(free)} are free."


def _disk_message(foreseen: Forecast, free_bytes: int) -> str:
    return (
        f"The {foreseen.checkpoints} checkpoints take {size(foreseen.disk_bytes)}; "
        f"{size(free_bytes)} are free on the disk."
    )
