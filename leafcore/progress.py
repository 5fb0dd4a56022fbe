"""What a verb tells the world while it works, and what the world may tell it: please stop."""

import statistics
import time
from collections import deque
from collections.abc import Callable
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
    """The time that is left: the median of the last 50 steps since this start, times what remains.

    Nothing is said before 20 steps, so that neither warm-up nor an interruption counts.

    Args:
        clock: Seconds that only rise.
    """

    WARM_UP = 20
    WINDOW = 50

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: tuple[int, float] | None = None
        self._seconds_per_unit: deque[float] = deque(maxlen=self.WINDOW)
        self._seen = 0
        self._resting = False

    def update(self, done: int) -> None:
        """Note that `done` units are finished now; fewer than before means that another kind of work began."""
        now = self._clock()
        last_done, last_time = self._last or (done, now)
        if done < last_done:
            self._seconds_per_unit.clear()
            self._seen = 0
        elif done > last_done and not self._resting:
            self._seconds_per_unit.append((now - last_time) / (done - last_done))
            self._seen += done - last_done
        self._last, self._resting = (done, now), False

    def rest(self) -> None:
        """Leave the time until the next update out: saving or sampling is no step."""
        self._resting = True

    @property
    def seconds_per_unit(self) -> float | None:
        """The median time of a unit in seconds, None while too little is known."""
        if self._seen < self.WARM_UP:
            return None
        return statistics.median(self._seconds_per_unit)

    def remaining_s(self, done: int, total: int) -> float | None:
        """Return the seconds left, None while too little is known."""
        rate = self.seconds_per_unit
        return None if rate is None else rate * max(0, total - done)
