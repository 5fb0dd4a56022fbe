"""Every measure of one set of pictures against real ones, each with its interval, or why there is none.

Intervals of shares and of density count the pictures of the set (of recall and coverage, the real ones) and hold the
others fixed. KID's, FID's and diversity's are of the jackknife. All are over groups.
"""

import math
from collections.abc import Callable

import numpy as np

from leafcore.measure.distances import FID_FROM, IS_FROM, KID_FROM, covered, fid, inception_score, kid, nearest
from leafcore.measure.image_scores import imagenet_logits
from leafcore.measure.manifold import densities, lies_within, mean_distance
from leafcore.measure.measured import Score
from leafcore.measure.stats import LEAST_GROUPS, group_means, group_share, jackknife_sd
from leafcore.quality.pictures import Pictures, Reference

Z = 1.96  # standard normal, two-sided 95 %
NEEDS: dict[str, tuple[int, int]] = {  # pictures of the set, and real ones, below which a measure is not told
    "kid": (KID_FROM, KID_FROM),
    "fid": (FID_FROM, FID_FROM),
    "inception_score": (IS_FROM, 0),
    "precision": (KID_FROM, KID_FROM),
    "recall": (KID_FROM, KID_FROM),
    "density": (KID_FROM, KID_FROM),
    "coverage": (KID_FROM, KID_FROM),
    "diversity": (KID_FROM, 0),
    "nearest_train": (LEAST_GROUPS, 0),
    "near_copies": (LEAST_GROUPS, 0),
    "agreement": (1, 0),
}


def measure(
    fakes: Pictures, against: Reference, *, logits_of: str, seed: int, is_real: bool = False
) -> tuple[dict[str, Score], dict[str, str]]:
    """Measure a set of pictures.

    Args:
        fakes: The set's.
        against: The real ones.
        logits_of: The network whose ImageNet classes give the inception score; empty for none.
        seed: Of KID's folds and the inception score's splits.
        is_real: Whether these are train pictures themselves: what then stands for how near a picture comes to a train
            picture without having learned of it is the validation pictures.

    Returns:
        Scores by measure, and why others are withheld; "agreement" is in neither without a judge.
    """
    reals, strangers = against.reals, against.val if is_real else fakes
    taken: dict[str, Callable[[], Score]] = {
        "kid": lambda: _kid(fakes, reals, seed),
        "fid": lambda: _fid(fakes, reals),
        "inception_score": lambda: _inception_score(fakes, logits_of, seed),
        "precision": lambda: _share(lies_within(fakes.features, reals.features), fakes),
        "recall": lambda: _share(lies_within(reals.features, fakes.features), reals),
        "density": lambda: _mean(densities(fakes.features, reals.features), fakes),
        "coverage": lambda: _share(covered(fakes.features, reals.features), reals),
        "diversity": lambda: _diversity(fakes),
        "nearest_train": lambda: _mean(nearest(strangers.features, against.train.features), strangers),
        "near_copies": lambda: _share(nearest(strangers.features, against.train.features) < against.near, strangers),
        "agreement": lambda: _share(strangers.called == strangers.labels, strangers),
    }
    withheld = _withheld(len(fakes), len(strangers), against, logits_of)
    judged = bool((strangers.called != "").any()) and bool((strangers.labels != "").all())
    asked = [key for key in taken if key not in withheld and (key != "agreement" or judged)]
    return {key: taken[key]() for key in asked}, withheld


def _withheld(fakes: int, strangers: int, against: Reference, logits_of: str) -> dict[str, str]:
    """Return the measures that cannot be taken, and why."""
    reasons: dict[str, str] = {}
    counts = {"nearest_train": strangers, "near_copies": strangers}
    for key, (least, least_real) in NEEDS.items():
        made, real = counts.get(key, fakes), len(against.reals)
        if made < least or real < least_real:
            sides = f"{made} and {real} real ones" if least_real else str(made)
            reasons[key] = f"from {least} pictures{' on each side' if least_real else ''}; there are {sides}"
    if not logits_of:
        reasons["inception_score"] = "the network has no ImageNet classes"
    if not len(against.train):
        reasons |= dict.fromkeys(("nearest_train", "near_copies"), "there is no real train picture of it")
    elif math.isnan(against.near):
        reasons["near_copies"] = f"from {KID_FROM} real pictures in groups of their own"
    return reasons


def _kid(fakes: Pictures, reals: Pictures, seed: int) -> Score:
    value, sd = kid(fakes.features, reals.features, fakes.groups.tolist(), reals.groups.tolist(), seed=seed)
    return _normal(value, sd, len(fakes))


def _fid(fakes: Pictures, reals: Pictures) -> Score:
    def without(rows: np.ndarray, real_rows: np.ndarray) -> float:
        return fid(fakes.features[rows], reals.features[real_rows])

    sd = jackknife_sd(without, fakes.groups.tolist(), reals.groups.tolist())
    return _normal(fid(fakes.features, reals.features), sd, len(fakes))


def _inception_score(fakes: Pictures, backbone: str, seed: int) -> Score:
    value, sd = inception_score(imagenet_logits(fakes.features, backbone), seed=seed)
    return Score(value=value, sd=sd, n=len(fakes))


def _diversity(fakes: Pictures) -> Score:
    sd = jackknife_sd(lambda rows: mean_distance(fakes.features[rows]), fakes.groups.tolist())
    return _normal(mean_distance(fakes.features), sd, len(fakes))


def _normal(value: float, sd: float, count: int) -> Score:
    if math.isnan(sd):
        return Score(value=value, n=count)
    return Score(value=value, sd=sd, low=value - Z * sd, high=value + Z * sd, n=count)


def _share(hits: np.ndarray, counted: Pictures) -> Score:
    interval = group_share(hits.tolist(), counted.groups.tolist())
    return Score(value=interval.value, low=interval.low, high=interval.high, n=len(counted))


def _mean(values: np.ndarray, counted: Pictures) -> Score:
    value, low, high = group_means(values[:, None], counted.groups.tolist())[:, 0].tolist()
    ends = {} if math.isnan(low) else {"low": low, "high": high}
    return Score(value=value, n=len(values), **ends)
