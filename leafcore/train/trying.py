"""Trying out settings, and looking for the nearest ones that fit, in bounded time. Free of torch.

On a CPU a step that is far too large takes minutes before the memory ends. So a large batch is foreseen from small
ones before it is tried, and a try whose first step does not come to an end is given up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from leafcore import devices
from leafcore.errors import OutOfMemory
from leafcore.progress import Progress
from leafcore.train.attempt import Outcome, Unfinished
from leafcore.train.configs import TrainConfig
from leafcore.train.forecast import Rehearsal, forecast, on_the_line, pixels, smaller_settings

SPARE = 0.9  # of the free memory may be taken by what is offered and was not really tried
CLEARLY = 1.15  # times the free memory: what is foreseen to take more is not tried at all
LARGE = 16  # times the least batch: a larger one is foreseen before it is tried on a CPU

Change = dict[str, Any]
Attempt = Callable[[Change], Outcome]
Tried = tuple[Change, Rehearsal]


@dataclass(frozen=True)
class Found:
    """What trying settings came to.

    Attributes:
        asked: What the settings as they are measure, or why they do not.
        change: The nearest that fits, if they do not; empty if nothing does.
        outcome: What a run with that change measures; the same as `asked` without one.
        cost: How much longer it takes with the change, such as "+9% time"; empty if unknown.
    """

    asked: Outcome
    outcome: Outcome
    change: Change = field(default_factory=dict)
    cost: str = ""

    @property
    def lacks_memory(self) -> bool:
        """Whether there is too little memory for the settings as they are."""
        return isinstance(self.asked, OutOfMemory) or (isinstance(self.asked, Rehearsal) and not self.asked.fits)


def try_settings(settings: TrainConfig, attempt: Attempt, progress: Progress) -> Found:
    """Try settings, and if there is no memory for them find the nearest that take less.

    At most five rehearsals are made, whatever comes of them; and as many again for each change of `Config.leaner`,
    which come before smaller pictures, and before a smaller batch if nothing else comes of them.

    Args:
        settings: The run's.
        attempt: Rehearses them with a change.
        progress: Told of each attempt.
    """
    first, *others = settings.leaner() or [[]]
    stages: list[list[Change]] = [[{}, *first], *others]
    tried: list[Outcome] = []
    for stage in stages:
        for base in stage:
            if base:
                progress.phase(f"trying {change_words(base)}")
            search = _Search(settings, base, attempt, progress, may_shrink=stage is stages[-1])
            outcome = search.ask()
            tried.append(outcome)
            found = Found(tried[0], outcome, base)
            if not base and not found.lacks_memory:
                return found
            if isinstance(outcome, Rehearsal) and outcome.fits:
                return found
        nearest = search.nearest(outcome)
        if nearest is not None:
            change, measured = nearest
            return Found(tried[0], measured, {**base, **change}, search.cost(measured) if not base else "")
    return Found(tried[0], tried[0])


class _Search:
    """The settings that are being tried out, and two smaller ones once they were.

    Args:
        settings: What was asked for.
        base: What is changed of it in any case.
        attempt: Rehearses the settings with a change.
        progress: Told of each attempt.
        may_shrink: Whether the pictures may be smaller, too, and not the batch alone.
    """

    def __init__(
        self, settings: TrainConfig, base: Change, attempt: Attempt, progress: Progress, *, may_shrink: bool
    ) -> None:
        self._settings = settings.model_copy(update=base)
        self._attempt: Attempt = lambda change: attempt({**base, **change})
        self._progress = progress
        ladder = list(smaller_settings(self._settings))
        self._batches = [change for change in ladder if change.keys() == {"batch_size"}]
        self._sizes = ladder[len(self._batches) :] if may_shrink else []
        self._points: list[Tried] | None = None  # that were measured, the smallest first
        self._failed: Outcome | None = None  # what was wrong with the first smaller ones that do not fit

    def ask(self) -> Outcome:
        """Return what the settings as they are measure, foreseen from smaller ones where trying them takes too long."""
        if self._is_large():
            points = self._measured()
            foreseen = self._at({}, points) if len(points) == 2 else None
            if foreseen and foreseen.memory_bytes > CLEARLY * foreseen.free_bytes:
                return foreseen
        tried = self._failed or self._attempt({})
        return self._foreseen(tried) if isinstance(tried, Unfinished) else tried

    def _is_large(self) -> bool:
        """Whether the batch is better foreseen than tried right away."""
        if not self._batches or not devices.is_cpu(self._settings.device):
            return False
        return bool(self._settings.batch_size > LARGE * self._batches[-1]["batch_size"])

    def _foreseen(self, unfinished: Unfinished) -> Outcome:
        """Return what a try that was given up would have measured; the same if that cannot be foreseen."""
        points = self._measured()
        if isinstance(self._failed, OutOfMemory):
            return self._failed
        if len(points) < 2:
            return unfinished
        foreseen = self._at({}, points)
        if foreseen.memory_bytes <= SPARE * foreseen.free_bytes:
            return foreseen
        return OutOfMemory("A step is foreseen to fill the memory.")

    def nearest(self, asked: Outcome) -> Tried | None:
        """Return the nearest smaller settings with memory for a step."""
        points = self._measured()
        if not points:
            return None
        if len(points) < 2:
            return points[0]
        memory = self._memory(asked, points)

        def fits(change: Change) -> bool:
            was_tried = any(change == tried for tried, _ in points)
            return was_tried or memory(change) <= SPARE * points[0][1].free_bytes

        change = next(change for change in self._batches + self._sizes if fits(change))
        measured = next((rehearsal for tried, rehearsal in points if change == tried), None)
        return change, measured or self._at(change, points)

    def cost(self, measured: Rehearsal) -> str:
        """Return how much longer a run takes that measures so, if what it would have taken can be foreseen."""
        points = self._measured()
        if len(points) < 2 or self._with(points[0][0]).size_px != self._settings.size_px:
            return ""
        before = forecast(self._at({}, points), self._settings).eta_s
        return f"{forecast(measured, self._settings).eta_s / before - 1:+.0%} time"

    def _measured(self) -> list[Tried]:
        """Return up to two smaller settings that were rehearsed and fit: the least batches, else smaller pictures."""
        if self._points is None:
            self._points = self._try(self._batches[::-1][:2])
            if len(self._points) == 1 and not self._failed:  # of a batch of two, say: half the side is the other point
                self._points = self._try(self._sizes[:1]) + self._points
            if not self._points:  # pictures of a quarter and an eighth of the side, where there are
                self._points = self._try((self._sizes[1:3] if len(self._sizes) > 2 else self._sizes)[::-1])
        return self._points

    def _try(self, changes: list[Change]) -> list[Tried]:
        """Rehearse changes from the smallest on, as long as they fit."""
        found: list[Tried] = []
        for change in changes:
            self._progress.phase(f"trying {change_words(change)}")
            outcome = self._attempt(change)
            if not isinstance(outcome, Rehearsal):
                self._failed = self._failed or outcome
                break
            if not outcome.fits:
                self._failed = self._failed or OutOfMemory(f"{change_words(change)} fills the memory.")
                break
            found.append((change, outcome))
        return found

    def _with(self, change: Change) -> TrainConfig:
        return self._settings.model_copy(update=change)

    def _at(self, change: Change, points: list[Tried]) -> Rehearsal:
        low, high = ((self._with(tried), measured) for tried, measured in points)
        return on_the_line(self._with(change), low, high)

    def _memory(self, asked: Outcome, points: list[Tried]) -> Callable[[Change], float]:
        """Return what tells the memory of a change.

        What was asked for takes at least what it measured, or more than was free: however flat the line through two
        small ones is, memory rises at least as steeply as from the least of them to there.
        """
        (change, least), full = points[0], float(points[0][1].free_bytes)
        most = float(asked.memory_bytes) if isinstance(asked, Rehearsal) else full
        smallest, largest = pixels(self._with(change)), pixels(self._settings)
        steepness = (max(most, full) - least.memory_bytes) / (largest - smallest)

        def memory(change: Change) -> float:
            floor = least.memory_bytes + steepness * (pixels(self._with(change)) - smallest)
            return max(floor, float(self._at(change, points).memory_bytes))

        return memory


def change_words(change: Change) -> str:
    """Return changed settings for people.

    >>> change_words({"batch_size": 2, "size_px": 128})
    'batch 2, size 128 px'
    """
    forms = {
        "batch_size": "batch {}",
        "size_px": "size {} px",
        "save_every": "saving every {} epochs",
        "gradient_checkpointing": "gradient checkpointing",
        "optimizer": "{}",
        "method": "{}",
        "learning_rate": "learning rate {:g}",
    }
    return ", ".join(forms[name].format(value) for name, value in change.items())
