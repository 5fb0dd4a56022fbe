"""What a verb tells the world while it works, and what the world may tell it: please stop."""

import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from leafcore.errors import Stopped


class Progress:
    """The watcher of one execution of a verb. This one watches in silence; a run's own writes files.

    Attributes:
        folder: Where the verb puts what it makes; an existing folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def phase(self, name: str) -> None:
        """Say what is being done now, in a word or two: "loading", "training", "packing"."""

    def report(self, done: int, total: int, **scalars: float) -> None:
        """Say how far the work is.

        Args:
            done: Units of this kind finished, such as steps or images; falls only when another kind of work begins,
                and holds across a resume.
            total: Units in all.
            **scalars: Losses and scores at this point; recorded, drawn as curves.
        """

    def cycle(self, units: int) -> None:
        """Say that steps begin, and that after every `units` of them the work pauses to save and to sample."""

    def saved(self, done: int) -> None:
        """Say that what a resume needs was saved after `done` units: whatever happens, these are safe."""

    def rewind(self, done: int) -> None:
        """Forget all scalars reported after `done` units: a resumed run starts from there."""

    def sample(self, image: np.ndarray) -> None:
        """Show the newest picture, (H, W, 3) uint8."""

    def warn(self, text: str) -> None:
        """Say one sentence that the user should read although the work goes on."""

    @property
    def should_stop(self) -> bool:
        """Whether somebody asked the work to stop; ask after each unit."""
        return False

    def raise_if_stopped(self) -> None:
        """Leave the verb if somebody asked it to; for verbs that need not save first.

        Raises:
            Stopped: Somebody asked.
        """
        if self.should_stop:
            raise Stopped


def duration(seconds: float | None) -> str:
    """Return a duration for people: "45 s", "12 min", "3 h 20 min"."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(count: float) -> str:
    """Return a number of bytes for people: "38 MB", "1.2 GB", "64 GB"."""
    if count < 1e8:
        return f"{count / 1e6:.2g} MB" if count < 1e7 else f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.2g} GB" if count < 1e10 else f"{count / 1e9:.0f} GB"


class Eta:
    """The time that is left: for steps the median of the last 50 since this start, for pauses what they took before.

    Nothing is said before 20 steps, so that neither warm-up nor an interruption counts. Pauses come after every cycle
    of steps (an epoch whose weights are saved), each with what was spent on it: validating, sampling, saving.

    Units that end together (the pictures of a batch, told one by one once the batch is through) are timed together
    with the wait before them: alone, all but the first would seem to take no time.

    Args:
        clock: Seconds that only rise.
        pauses: Seconds per cycle by phase that an earlier start has measured; they hold until this one has its own.
    """

    WARM_UP = 20
    TOGETHER_S = 0.01  # updates that follow the last timed one so closely belong to the same burst
    WINDOW = 50
    PAUSES = ("validating", "sampling", "saving")
    CYCLES = 9  # the last so many cycles count

    def __init__(self, clock: Callable[[], float] = time.monotonic, pauses: Mapping[str, float] | None = None) -> None:
        self._clock = clock
        self._last: tuple[int, float] | None = None  # what the next time is taken from
        self._done = 0
        self._seconds_per_unit: deque[float] = deque(maxlen=self.WINDOW)
        self._seen = 0
        self._resting = False
        self._cycle = 0
        self._pause: tuple[str, float] | None = None
        self._cycles: deque[tuple[int, dict[str, float]]] = deque(maxlen=self.CYCLES)  # where each paused, what it took
        if pauses:
            self._cycles.append((-1, dict(pauses)))

    def begin(self, cycle: int) -> None:
        """Note that steps begin, with pauses after every `cycle` of them; what was counted before is another work."""
        self._forget()
        self._cycle = cycle

    def update(self, done: int) -> None:
        """Note that `done` units are finished now; fewer than before means that another kind of work began."""
        now = self._clock()
        self._end_pause(now)
        before, self._done = self._done, done
        if self._last is not None and done < before:
            self._forget()
        elif self._last is not None and done > before and not self._resting:
            timed, since = self._last
            if now - since < self.TOGETHER_S:
                return
            self._seconds_per_unit.append((now - since) / (done - timed))
            self._seen += done - timed
        self._last, self._resting = (done, now), False

    def rest(self, phase: str = "") -> None:
        """Leave the time until the next update out of the steps; if the phase is a pause, it is measured as one."""
        now = self._clock()
        self._end_pause(now)
        self._resting = True
        if phase in self.PAUSES and self._cycle:
            self._pause = (phase, now)

    def _forget(self) -> None:
        self._last, self._seen, self._cycle = None, 0, 0
        self._seconds_per_unit.clear()

    def _end_pause(self, now: float) -> None:
        """Add what a pause took to its cycle; one between two cycles' ends belongs to the cycle before."""
        if self._pause is None:
            return
        (phase, since), self._pause = self._pause, None
        done = self._done if self._last else 0
        if done and done % self._cycle == 0 and (not self._cycles or self._cycles[-1][0] != done):
            self._cycles.append((done, {}))
        if self._cycles:
            spent = self._cycles[-1][1]
            spent[phase] = spent.get(phase, 0.0) + now - since

    @property
    def seconds_per_unit(self) -> float | None:
        """The median time of a unit in seconds, None while too little is known."""
        if self._seen < self.WARM_UP:
            return None
        return statistics.median(self._seconds_per_unit)

    @property
    def pauses(self) -> dict[str, float]:
        """The median seconds that a cycle spends on each phase that is no step; empty until one has ended."""
        ended = [spent for _, spent in self._cycles]
        ended = ended[:-1] or ended  # the last one may go on
        phases = [phase for phase in self.PAUSES if any(phase in spent for spent in ended)]
        return {phase: statistics.median(spent.get(phase, 0.0) for spent in ended) for phase in phases}

    def parts_s(self, done: int, total: int) -> dict[str, float]:
        """Return the seconds left on stepping and on every kind of pause; empty while too little is known."""
        rate = self.seconds_per_unit
        if rate is None:
            return {}
        parts = {"stepping": rate * max(0, total - done)}
        if self._cycle:
            cycles = math.ceil(total / self._cycle) - done // self._cycle  # the end pauses too, whole cycle or not
            parts |= {phase: seconds * max(0, cycles) for phase, seconds in self.pauses.items()}
        return parts

    def remaining_s(self, done: int, total: int) -> float | None:
        """Return the seconds left, None while too little is known."""
        parts = self.parts_s(done, total)
        return sum(parts.values()) if parts else None
