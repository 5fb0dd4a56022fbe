"""What the curves of a run say in plain words: known ways in which adversarial training, or DreamBooth, goes wrong.

Every rule of a translation looks at medians of 25 recorded points, so that single steps do not count, and speaks only
once what it looks for has lasted four such blocks; those of a noise model are in `noise_hints`. The constants are those
of the least-squares loss (LSGAN, Mao et al. 2017): a discriminator that guesses scores 0.5 everywhere, so its loss is
(0.25 + 0.25) / 2 = 0.25; one that is never fooled has a loss of 0 while the generator's adversarial loss is 1. Pictures
are in [-1, 1], so a change of 0.0125 is one and a half grey levels of 255.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from leafcore.train.drift_rule import has_drifted
from leafcore.train.hint_blocks import BLOCK, LASTING, Curves, Episode, episodes, medians, together
from leafcore.train.hint_blocks import Hint as Hint
from leafcore.train.hint_blocks import loss_words as loss_words
from leafcore.train.noise_hints import noise_hints

UNFOOLED_DISC, UNFOOLED_ADVERSARIAL = 0.05, 0.8
GUESSING, GUESSING_WITHIN = 0.25, 0.02
UNCHANGED = 0.0125  # mean change on the leaf
RISES = 2.0  # times the lowest median so far
RISEN = {"adversarial": 1.5, "disc": 0.75, "cycle": 0.3, "identity": 0.3, "background": 0.3}  # and above this
PROGRESS = 0.98  # of the level after a tenth of the run
PROGRESS_POINTS = 500
NEAR = 0.05  # reconstructions this near to the inputs need not come nearer

DIRECTIONS = {"ab": "A → B", "ba": "B → A"}  # what people call them where the label sets are not known


def hints(curves: Curves, directions: Mapping[str, str] = DIRECTIONS) -> list[Hint]:
    """Return what the curves of a translation or a noise model show, the earliest first.

    Args:
        curves: Recorded values by the name of the scalar; index: step, rising. NaN is a value that was no number.
        directions: What the generators "ab" and "ba" are called, such as "healthy → rust".
    """
    found = [
        *_not_a_number(curves),
        *_diverging(curves),
        *_no_progress(curves),
        *_drifting(curves),
        *noise_hints(curves),
    ]
    for rule in (_unfooled, _guessing, _unchanged):
        for way, called in directions.items():
            found += rule(curves, way, called)
    return sorted(found, key=lambda hint: hint.begins)


# --- rules of any loss ------------------------------------------------------------------------------------------------


def _not_a_number(curves: Curves) -> Iterator[Hint]:
    first = {name: int(values.index[values.isna()][0]) for name, values in curves.items() if values.isna().any()}
    if first:
        step = min(first.values())
        names = ", ".join(loss_words(name) for name, began in first.items() if began == step)
        yield Hint(
            "not_a_number",
            "not a number",
            f"From step {step:,} on, {names} is not a number: training has diverged.",
            "Start a new run with a lower learning rate, or with precision fp32 if it was bf16.",
            step,
        )


def _diverging(curves: Curves) -> Iterator[Hint]:
    at_once: dict[Episode, list[str]] = {}  # what rises at once is said at once
    for name, values in curves.items():
        loss, _, part = name.partition("_")
        floor = RISEN.get(loss)
        if floor is not None and part:  # a noise model's losses, which are of no domain, rise as it learns
            steps, levels = medians(values)
            lowest = np.minimum.accumulate(levels)
            for episode in episodes(steps, (levels > RISES * lowest) & (levels > floor)):
                at_once.setdefault(episode, []).append(loss_words(name))
    for (begins, ends), names in at_once.items():
        yield Hint(
            "diverging",
            f"{', '.join(names)} rising",
            f"More than twice their lowest level: {', '.join(names)}.",
            "Stop, and start a new run with a lower learning rate; epochs from before the rise may be good.",
            begins,
            ends,
        )


def _no_progress(curves: Curves) -> Iterator[Hint]:
    cycles = [medians(curves[name]) for name in ("cycle_a", "cycle_b") if name in curves]
    if len(cycles) < 2 or min(len(steps) for steps, _ in cycles) * BLOCK < PROGRESS_POINTS:
        return
    started = [len(levels) // 10 for _, levels in cycles]
    if all(
        np.median(levels[-LASTING:]) > max(NEAR, PROGRESS * np.median(levels[start : start + LASTING]))
        for start, (_, levels) in zip(started, cycles, strict=True)
    ):
        yield Hint(
            "no_progress",
            "no progress",
            "The reconstructions (cycle a and b) have not come nearer to the inputs since the first tenth of the run.",
            "Look at the samples: if they do not improve either, stop and try another learning rate or more filters.",
            int(cycles[0][0][started[0]]),
        )


def _drifting(curves: Curves) -> Iterator[Hint]:
    """Prompts without the token have come to mean something else, and do so now."""
    moved: dict[str, int] = {}
    for name, values in curves.items():
        if name.startswith("drift_") and "learned" in curves:
            both = pd.DataFrame({"drift": values, "learned": curves["learned"]}).dropna()
            is_far = has_drifted(both["drift"], both["learned"])
            if is_far[-1:].any():
                moved[name] = int(is_far.index[is_far[::-1].cumprod()[::-1].astype(bool)][0])
    if moved:
        prompts = ", ".join(f"“{loss_words(name.removeprefix('drift_'))}”" for name in moved)
        yield Hint(
            "language_drift",
            "language drift",
            f"Language drift: {prompts} no longer means what it meant, though nothing was to be learned there.",
            "Use an earlier epoch, or start a new run with more prior weight, a lower learning rate or a lower LoRA "
            "rank, and leave the text encoder as it is.",
            min(moved.values()),
        )


# --- rules of one direction -------------------------------------------------------------------------------------------


def _unfooled(curves: Curves, way: str, called: str) -> Iterator[Hint]:
    """The discriminator is never fooled, so it has nothing to teach: the generator's gradients vanish."""
    blocks = together(curves, f"disc_{way[1]}", f"adversarial_{way}")
    if blocks is None:
        return
    steps, (disc, adversarial) = blocks
    for begins, ends in episodes(steps, (disc < UNFOOLED_DISC) & (adversarial > UNFOOLED_ADVERSARIAL)):
        yield Hint(
            "unfooled",
            f"{called} never fools",
            f"{called}: the discriminator tells every fake (disc {way[1]} near 0, adversarial {way} near 1), so the "
            "generator learns little from it.",
            "Give the discriminator fewer filters or layers, or lower the weights of cycle and identity.",
            begins,
            ends,
        )


def _guessing(curves: Curves, way: str, called: str) -> Iterator[Hint]:
    """The discriminator says 0.5 to everything, so nothing guides the generator."""
    name = f"disc_{way[1]}"
    if name not in curves:
        return
    steps, away = medians((curves[name] - GUESSING).abs(), quantile=0.9)
    for begins, ends in episodes(steps, away < GUESSING_WITHIN):
        yield Hint(
            "guessing",
            f"{called} is guessed",
            f"{called}: the discriminator only guesses ({loss_words(name)} stays at 0.25), so nothing guides the "
            "generator.",
            "Choose the aided discriminator, which sees spots of a few pixels, and check that the two label sets "
            "can be told apart at this size.",
            begins,
            ends,
        )


def _unchanged(curves: Curves, way: str, called: str) -> Iterator[Hint]:
    """The generator has become the identity, or has not left it: the losses that like no change hold it there."""
    name = f"change_{way}"
    if name not in curves:
        return
    steps, change = medians(curves[name])
    for begins, ends in episodes(steps, change < UNCHANGED):
        yield Hint(
            "unchanged",
            f"{called} changes nothing",
            f"{called}: the generator gives back what it gets (leaves change by less than two grey levels).",
            "Lower the weights of cycle and identity in a new run; where it lasts, give the discriminator more filters "
            "or, for small spots, fewer layers.",
            begins,
            ends,
        )
