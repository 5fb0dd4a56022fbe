"""The time left, on a recording of a real training that was stopped after 130 of 360 steps and resumed.

`recordings/training.json` holds what each of the two processes told its progress, and when, in seconds: a CycleGAN of
32 px on a CPU that also did other work, 12 steps an epoch.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leafcore.progress import Eta

FIRST, RESUMED = json.loads((Path(__file__).parent / "recordings" / "training.json").read_text())
TOTAL = 360


class Replay:
    """An Eta that is told what the recording was, with a clock that shows what the recording's did."""

    def __init__(self, pauses: dict[str, float] | None = None) -> None:
        self.now = 0.0
        self.eta = Eta(lambda: self.now, pauses)

    def steps(self, events: list) -> Iterator[tuple[int, float, dict[str, float]]]:
        """Tell all; yield each step's number, the seconds that were really left, and what is said is left."""
        for self.now, kind, *told in events:
            if kind == "phase":
                self.eta.rest(told[0])
            elif kind == "cycle":
                self.eta.begin(told[0])
            elif kind == "report":
                self.eta.update(told[0])
                if told[1] == TOTAL:
                    yield told[0], events[-1][0] - self.now, self.eta.parts_s(*told)


@pytest.fixture(scope="module")
def pauses() -> dict[str, float]:
    """What the first process found its pauses to take."""
    replay = Replay()
    for _ in replay.steps(FIRST):
        pass
    return replay.eta.pauses


def test_nothing_is_said_before_twenty_steps_of_a_resumed_training(pauses):
    said = [step for step, _, parts in Replay(pauses).steps(RESUMED) if parts]
    assert said[0] == 130 + 20 + 3, "three steps cannot be timed: the first, and those after an epoch's end"


@pytest.mark.parametrize("step", [153, 180, 270])  # right after the resume, at half-way, at three quarters
def test_the_time_left_is_right_within_15_percent(pauses, step):
    left, parts = next((left, parts) for at, left, parts in Replay(pauses).steps(RESUMED) if at == step)
    assert sum(parts.values()) == pytest.approx(left, rel=0.15)


def test_it_is_told_what_it_goes_to(pauses):
    parts = next(parts for at, _, parts in Replay(pauses).steps(RESUMED) if at == 180)
    assert list(parts) == ["stepping", "validating", "sampling", "saving"]
    pairs = zip(RESUMED, RESUMED[1:], strict=False)
    sampled = [later[0] - now[0] for now, later in pairs if now[1:] == ["phase", "sampling"]]
    assert parts["sampling"] == pytest.approx(sum(sampled[-15:]), rel=0.3), "fifteen epochs are left"


def test_without_the_pauses_too_little_would_be_said():
    left, parts = next((left, parts) for at, left, parts in Replay().steps(RESUMED) if at == 270)
    assert parts["stepping"] < 0.85 * left
