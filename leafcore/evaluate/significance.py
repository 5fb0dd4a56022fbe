"""Tests of every arm against the baseline, seed by seed: no seed's table is pooled with another's."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.result import CochranQ, McNemar, Pair, Significance
from leafcore.measure.paired_tests import PairedTest, cochran_q, holm, mcnemar

Decided = Mapping[str, Sequence[np.ndarray]]  # by arm and seed, (N, labels) bool


def mcnemar_tests(targets: np.ndarray, decided: Decided, names: Sequence[str]) -> dict[str, Significance]:
    """Return McNemar's tests of all arms but the baseline.

    Args:
        targets: (N, labels) bool.
        decided: The labels that were named.
        names: The labels, in order.
    """
    seeds = range(len(decided[BASELINE]))
    others = [arm for arm in decided if arm != BASELINE]
    of_seed = [_corrected([_pictures(targets, decided, (BASELINE, arm), seed) for arm in others]) for seed in seeds]
    return {
        arm: Significance(
            pictures=tuple(tests[index] for tests in of_seed), labels=_labels(targets, decided, arm, names)
        )
        for index, arm in enumerate(others)
    }


def cochran_tests(targets: np.ndarray, decided: Decided) -> tuple[CochranQ, ...]:
    """Return, by seed, whether all arms name exactly the right labels equally often; nothing for two arms."""
    if len(decided) < 3:
        return ()
    found = []
    for of_seed in zip(*decided.values(), strict=True):
        q, p = cochran_q(np.stack([(named == targets).all(axis=1) for named in of_seed], axis=1))
        found.append(CochranQ(q=q, p=p))
    return tuple(found)


def pairwise_tests(targets: np.ndarray, decided: Decided) -> tuple[Pair, ...]:
    """Return McNemar's tests of all pairs of arms, which tell where Cochran's Q comes from; nothing for two arms."""
    if len(decided) < 3:
        return ()
    pairs = list(combinations(decided, 2))
    seeds = range(len(decided[BASELINE]))
    of_seed = [_corrected([_pictures(targets, decided, pair, seed) for pair in pairs]) for seed in seeds]
    return tuple(Pair(arms=pair, pictures=tuple(tests[index] for tests in of_seed)) for index, pair in enumerate(pairs))


def _pictures(targets: np.ndarray, decided: Decided, arms: tuple[str, str], seed: int) -> PairedTest:
    first, second = ((decided[arm][seed] == targets).all(axis=1) for arm in arms)
    return mcnemar(first, second)


def _labels(targets: np.ndarray, decided: Decided, arm: str, names: Sequence[str]) -> dict[str, tuple[McNemar, ...]]:
    by_seed = []
    for first, second in zip(decided[BASELINE], decided[arm], strict=True):
        right = zip((first == targets).T, (second == targets).T, strict=True)
        by_seed.append(_corrected([mcnemar(one, other) for one, other in right]))
    return {label: tuple(tests[index] for tests in by_seed) for index, label in enumerate(names)}


def _corrected(tests: Sequence[PairedTest]) -> list[McNemar]:
    """Return tests that were done together, with p after Holm."""
    together = holm([test.p for test in tests])
    return [McNemar(**vars(test), p_holm=p) for test, p in zip(tests, together, strict=True)]
