"""Which epochs no other one beats in everything, and which of them are worth a person's votes."""

from collections.abc import Mapping, Sequence

from leafcore.pick.scores import ScoreResult

REALISM, FAITHFULNESS = ("kid", "fid"), ("target_rate", "inside")  # the first that was measured is the axis
MOST_CANDIDATES = 6  # who compare in pairs: 15 pairs are a matter of minutes


def axes(result: ScoreResult) -> tuple[str, str] | None:
    """Return the measures of realism (lower is better) and of what was asked for (higher is better), or None."""
    measured = set[str].intersection(*(set(row.scores) for row in result.epochs)) if result.epochs else set()
    realism = next((key for key in REALISM if key in measured), None)
    faithfulness = next((key for key in FAITHFULNESS if key in measured), None)
    return (realism, faithfulness) if realism and faithfulness else None


def front(points: Mapping[int, tuple[float, float]]) -> list[int]:
    """Return the epochs that none other dominates: as good in both, and better in one.

    Args:
        points: By epoch: what should be low, what should be high.
    """

    def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    return [epoch for epoch, point in points.items() if not any(dominates(other, point) for other in points.values())]


def points(result: ScoreResult) -> dict[int, tuple[float, float]]:
    """Return each epoch's place in the plane of `axes`; empty if there is none."""
    chosen = axes(result)
    if chosen is None:
        return {}
    realism, faithfulness = chosen
    return {row.epoch: (row.scores[realism].value, row.scores[faithfulness].value) for row in result.epochs}


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
