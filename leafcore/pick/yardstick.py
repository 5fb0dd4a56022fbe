"""What the fakes of every epoch are held against, and what that says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leafcore.measure.distances import FID_FROM, KID_FROM, fid, kid, nearest
from leafcore.measure.interpretation import LEAST_TRIED, TRUSTED, tried_on
from leafcore.measure.stats import LEAST_GROUPS, group_means, wilson_interval
from leafcore.pick.scores import Score


@dataclass(frozen=True)
class Seen:
    """What was measured on each of some pictures, row by row.

    Attributes:
        features: (N, D) float32.
        called: (N,) label sets that the judge gave; empty without one.
        changes: (N,) float64 each, by the measure's key: "outside", "inside", "cycle", in levels of 255; NaN where a
            picture has none.
    """

    features: np.ndarray
    called: Sequence[str] = ()
    changes: Mapping[str, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Yardstick:
    """Real pictures of the target, and which measures can be taken.

    Attributes:
        target: The label set that fakes are meant to show.
        reals: (M, D) float32, features of the real target pictures that distances are to.
        train: (T, D) float32, features of the target pictures that the generator learned from.
        near: How near to one of those real target pictures come at the nearest: see `nearest_of_reals`.
        groups: (N,) what each source belongs to.
        withheld: By measure, why it is not taken.
        seed: Of KID's folds.
    """

    target: str
    reals: np.ndarray
    train: np.ndarray
    near: float
    groups: Sequence[str]
    withheld: Mapping[str, str]
    seed: int = 0

    def measure(self, seen: Seen) -> dict[str, Score]:
        """Return every measure that is not withheld."""
        count = len(seen)
        scores: dict[str, Score] = {}
        if "kid" not in self.withheld:
            value, sd = kid(seen.features, self.reals, seed=self.seed)
            scores["kid"] = Score(value=value, sd=sd, n=count)
        if "fid" not in self.withheld:
            scores["fid"] = Score(value=fid(seen.features, self.reals), n=count)
        if "target_rate" not in self.withheld:
            scores["target_rate"] = share([labels == self.target for labels in seen.called])
        if "near_copies" not in self.withheld:
            scores["near_copies"] = share((nearest(seen.features, self.train) < self.near).tolist())
        for key, values in (seen.changes or {}).items():
            if key not in self.withheld and not np.isnan(values).all():
                scores[key] = mean(values, self.groups)
        return scores


def share(hits: Sequence[bool]) -> Score:
    """Return a share of at least one picture, with Wilson's interval and the standard deviation of one picture."""
    interval = wilson_interval(sum(hits), len(hits))
    return Score(value=interval.value, low=interval.low, high=interval.high, sd=float(np.std(hits)), n=len(hits))


def mean(values: np.ndarray, groups: Sequence[str]) -> Score:
    """Return the mean of (N,) values with its interval over groups and the values' standard deviation; NaN is left out.

    There is no interval where there are fewer than three groups.
    """
    known = ~np.isnan(values)
    rows, member = values[known], np.asarray(groups)[known]
    value, low, high = group_means(rows[:, None], list(member))[:, 0].tolist()
    ends = {"low": low, "high": high} if len(set(member)) >= LEAST_GROUPS else {}
    return Score(value=value, sd=float(rows.std()), n=len(rows), **ends)


def too_few(fakes: int, reals: int) -> dict[str, str]:
    """Return why KID or FID is withheld, by its key; empty if there are pictures enough."""
    return {
        key: f"from {least} pictures on each side; there are {fakes} fakes and {reals} real pictures"
        for key, least in (("kid", KID_FROM), ("fid", FID_FROM))
        if min(fakes, reals) < least
    }


def distrust(right: Mapping[str, Score]) -> str:
    """Return why a judge is not believed, empty if it is: it was hardly tried, or its mean accuracy is below 0.8."""
    tried = sum(score.n for score in right.values())
    if tried < LEAST_TRIED:
        return f"the judge {tried_on(tried)}"
    accuracy = float(np.mean([score.value for score in right.values()]))
    if accuracy >= TRUSTED:
        return ""
    each = ", ".join(f"{labels} {score.value:.0%} of {score.n}" for labels, score in right.items())
    return (
        f"the judge names {accuracy:.0%} of real validation pictures rightly at this size ({each}), "
        f"expected at least {TRUSTED:.0%}; train a better classifier"
    )
