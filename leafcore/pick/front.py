"""Which epochs no other one beats in everything, and which of them are worth a person's votes."""

from collections.abc import Mapping, Sequence

from leafcore.pick.scores import EpochScores, ScoreResult

REALISM = "kid"  # there is no FID without it: KID needs the fewer pictures
TARGETS = ("target_rate", "agreement", "coverage", "inside")  # how much of what is wanted shows, by the best witness
MOST_CANDIDATES = 6  # who compare in pairs: 15 pairs are a matter of minutes


def axes(epochs: Sequence[EpochScores]) -> tuple[str, ...]:
    """Return the measures that every epoch has and is weighed by, realism first; one or both may be missing."""
    measured = set.intersection(*(set(one.scores) for one in epochs)) if epochs else set()
    target = next((key for key in TARGETS if key in measured), "")
    return tuple(key for key in (REALISM, target) if key in measured)


def front(points: Mapping[int, tuple[float, float]]) -> list[int]:
    """Return the epochs that none other dominates: as good in both, and better in one.

    Args:
        points: By epoch: what should be low, what should be high.
    """

    def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    return [epoch for epoch, point in points.items() if not any(dominates(other, point) for other in points.values())]


def points(result: ScoreResult) -> dict[int, tuple[float, float]]:
    """Return each epoch's place in the plane of `axes`; empty unless there are two."""
    keys = axes(result.epochs)
    if len(keys) < 2:
        return {}
    realism, target = keys
    return {row.epoch: (row.scores[realism].value, row.scores[target].value) for row in result.epochs}


def candidates(drawn: Sequence[int], result: ScoreResult | None) -> list[int]:
    """Return the epochs that people should compare: the recommended one, the last, the front, then the latest.

    Args:
        drawn: The epochs that have samples, in order.
        result: Their scores, if there are any.
    """
    wanted = list(drawn[-1:])
    if result is not None:
        wanted += [result.recommended] if result.recommended is not None else []
        wanted += sorted(front(points(result)), reverse=True)
    wanted += reversed(drawn)
    known = [epoch for epoch in dict.fromkeys(wanted) if epoch in drawn]
    return sorted(known[:MOST_CANDIDATES])
