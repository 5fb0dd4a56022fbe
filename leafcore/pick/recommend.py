"""Which epoch to use, by realism and by how much of the target shows, and why. Free of torch.

A difference counts only where it is larger than the noise: two values are told apart when their 95 % intervals do not
overlap or, where they have none, when they differ by more than their standard deviations together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leafcore.data.labels import words
from leafcore.pick.front import REALISM, axes
from leafcore.pick.scores import MEASURES, EpochScores, Score, told

NAMED = frozenset({"target_rate", "agreement"})  # shares that a judge gives


@dataclass(frozen=True)
class Choice:
    """An epoch to use, or None if nothing speaks for one; and why."""

    epoch: int | None
    reason: str


def recommend(epochs: Sequence[EpochScores], target: str, untranslated: Mapping[str, Score] | None = None) -> Choice:
    """Choose an epoch that no other one beats: none is as real and shows as much of the target, and is better in one.

    Of the epochs that show the target as often as the best one, as far as can be told, those within one standard
    deviation of the lowest KID are as real as any (the one-standard-error rule: Breiman et al. 1984, section 3.4.3);
    of these it is the one that shows the target most. Without a judge it is the one of the lowest KID: how much a leaf
    changes says nothing of what it then shows.

    Args:
        epochs: In order.
        target: The label set that the fakes are meant to show; empty of pictures from noise.
        untranslated: The same measures of the sources as they are.
    """
    keys = axes(epochs)
    if keys in {(), ("inside",)}:
        return Choice(None, "Nothing that was measured says which epoch looks most real.")
    kept = epochs
    for key in NAMED & set(keys):
        most = _best(epochs, key)
        kept = [one for one in epochs if not apart(one.scores[key], most.scores[key])]
    weighed = [key for key in keys if key != "inside"]  # how much a leaf changes says nothing of what it then shows
    chosen = _best(kept, weighed[-1])
    if REALISM in keys and len(weighed) > 1:
        as_real = [one for one in kept if _is_within_one_sd(one, _best(kept, REALISM))]
        chosen = max(as_real, key=lambda one: [_gain(key, one.scores[key]) for key in reversed(keys)])
    reason = [_why(chosen, kept, epochs, keys, target), _why_not_last(chosen, epochs[-1], target)]
    reason.append(_compared_with_nothing(chosen, untranslated or {}, target))
    return Choice(chosen.epoch, " ".join(sentence for sentence in reason if sentence))


def apart(one: Score, other: Score) -> bool:
    """Whether two values differ by more than the noise; False where nothing is known of it."""
    if one.low is not None and one.high is not None and other.low is not None and other.high is not None:
        return one.low > other.high or other.low > one.high
    if one.sd is None or other.sd is None:
        return False
    return abs(one.value - other.value) > math.hypot(one.sd, other.sd)


def _gain(key: str, score: Score) -> float:
    """Return a value so that higher is better."""
    return score.value if MEASURES[key].better == "higher" else -score.value


def _best(epochs: Sequence[EpochScores], key: str) -> EpochScores:
    return max(epochs, key=lambda one: _gain(key, one.scores[key]))


def _is_within_one_sd(one: EpochScores, lowest: EpochScores) -> bool:
    floor = lowest.scores[REALISM]
    return one.scores[REALISM].value <= floor.value + (floor.sd or 0.0)


# --- sentences --------------------------------------------------------------------------------------------------------


def _why(
    chosen: EpochScores,
    kept: Sequence[EpochScores],
    epochs: Sequence[EpochScores],
    keys: Sequence[str],
    target: str,
) -> str:
    """Return "Epoch 80: KID 0.021 ± 0.004 is within one sd of the lowest, and 91% (79% to 97%) are called rust."."""
    parts = []
    if REALISM in keys:
        lowest = _best(epochs, REALISM)
        if chosen is lowest:
            standing = "the lowest"
        elif _is_within_one_sd(chosen, lowest):
            standing = f"within one sd of the lowest ({lowest.scores[REALISM].value:.3g}, epoch {lowest.epoch})"
        elif chosen is _best(kept, REALISM):
            standing = f"the lowest of those that show {words(target) or 'their classes'} as often"
        else:
            standing = f"within one sd of the lowest of those that show {words(target) or 'their classes'} as often"
        parts.append(f"KID {told(REALISM, chosen.scores[REALISM])} is {standing}")
    if "target_rate" in keys:
        parts.append(f"{told('target_rate', chosen.scores['target_rate'])} are called {words(target)}")
    elif "agreement" in keys:
        parts.append(f"{told('agreement', chosen.scores['agreement'])} are called what they were made as")
    elif "coverage" in keys:
        parts.append(f"{told('coverage', chosen.scores['coverage'])} of the real pictures are covered")
    elif "inside" in keys:
        parts.append(f"the leaf changes by {told('inside', chosen.scores['inside'])} levels; no judge named the fakes")
    return f"Epoch {chosen.epoch}: {', and '.join(parts)}."


def _why_not_last(chosen: EpochScores, last: EpochScores, target: str) -> str:
    if chosen is last:
        return "It is the last epoch."
    worse, better = [], []
    for key in ("kid", "target_rate", "agreement", "coverage", "outside", "near_copies", "cycle"):
        ours, theirs = chosen.scores.get(key), last.scores.get(key)
        if ours is None or theirs is None or not apart(ours, theirs):
            continue
        if _gain(key, theirs) < _gain(key, ours):
            worse.append(_worse(key, ours, theirs, target))
        else:
            better.append(MEASURES[key].title)
    name = f"The last epoch, {last.epoch},"
    if not worse and not better:
        return f"{name} differs from it by no more than the noise."
    if not worse:
        return f"{name} is clearly better only in: {', '.join(better)}."
    but = f"; it is better in: {', '.join(better)}" if better else ""
    return f"{name} {' and '.join(worse)}{but}."


def _worse(key: str, ours: Score, theirs: Score, target: str) -> str:
    more = f"{theirs.value - ours.value:.1f} levels more"
    return {
        "kid": f"has a higher KID ({told(key, theirs)})",
        "target_rate": f"is called {words(target)} less often ({told(key, theirs)})",
        "agreement": f"is called what it was made as less often ({told(key, theirs)})",
        "coverage": f"covers fewer real pictures ({told(key, theirs)})",
        "outside": f"changes the background {more}",
        "near_copies": f"has more near copies ({told(key, theirs)})",
        "cycle": f"loses {more} on the way back",
    }[key]


def _compared_with_nothing(chosen: EpochScores, untranslated: Mapping[str, Score], target: str) -> str:
    """Return a warning where the fakes are no nearer to the target than their sources are; else nothing."""
    before, after = untranslated.get(REALISM), chosen.scores.get(REALISM)
    if before is None or after is None or (after.value < before.value and apart(after, before)):
        return ""
    return (
        f"But KID does not say that its fakes are nearer to {words(target)} than untranslated pictures are "
        f"({told(REALISM, before)})."
    )
