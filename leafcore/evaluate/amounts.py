"""How many synthetic pictures join: a dose of the real ones, or what a rule says; free of torch."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from leafcore.errors import DatasetError

ALL = "all"


def wanted(amount: int | str, real: Mapping[str, int], held: Mapping[str, int]) -> dict[str, int]:
    """Return how many synthetic pictures of each label set an arm asks for, whether they are there or not.

    Args:
        amount: "all"; a dose in percent of the real train pictures of a label set; or a rule. "match-largest" fills
            each label set up to the largest real one; "capped" does so, but adds at most as many as there are real;
            "proportional" adds the largest share of every label set's real pictures that all label sets have.
        real: Train pictures by label set.
        held: Synthetic pictures at hand by label set: others are not asked for.
    """
    if amount == ALL:
        return dict(held)
    if amount == "proportional":
        share = min((held[labels] / real[labels] for labels in held if real.get(labels)), default=0.0)
        return {labels: round(share * real.get(labels, 0)) for labels in held}
    if isinstance(amount, int):
        return {labels: round(amount / 100 * real.get(labels, 0)) for labels in held}
    missing = {labels: max(real.values()) - real.get(labels, 0) for labels in held}
    if amount == "capped":
        return {labels: min(count, real.get(labels, 0)) for labels, count in missing.items()}
    return missing


def take(label_sets: Sequence[str], counts: Mapping[str, int], seed: int) -> np.ndarray:
    """Return which synthetic pictures join, at most so many of each label set.

    They are drawn in an order that hangs on the seed alone, so that a larger dose holds all of a smaller one.

    Args:
        label_sets: Of the pictures at hand.
        counts: How many of each label set.
        seed: Of the order.

    Returns:
        (M,) int64 positions in `label_sets`, rising.
    """
    rank: Counter[str] = Counter()
    taken = []
    for index in np.random.default_rng(seed).permutation(len(label_sets)):
        labels = label_sets[index]
        if rank[labels] < counts.get(labels, 0):
            taken.append(index)
        rank[labels] += 1
    return np.sort(np.array(taken, np.int64))


def require_enough(amount: int | str, asked: Mapping[str, int], held: Mapping[str, int]) -> None:
    """Refuse a dose that there are too few pictures for, and a dose or a rule that adds none at all.

    Args:
        amount: The dose in percent, or the rule, which may ask for more than there are.
        asked: How many it asks for, by label set.
        held: How many there are.

    Raises:
        DatasetError: Which label set lacks how many; or no picture is asked for at all.
    """
    for labels, count in asked.items():
        if isinstance(amount, int) and held[labels] < count:
            raise DatasetError(
                f"doses: {amount} % needs {count} synthetic pictures of {labels.replace(' ', '+')}, got "
                f"{held[labels]}; make more of them, or take a smaller dose."
            )
    if any(asked.values()):
        return
    sets = ", ".join(labels.replace(" ", "+") for labels in held) or "no label set"
    if isinstance(amount, int):
        raise DatasetError(
            f"doses: {amount} % of the real train pictures of {sets} is none; take a larger dose, or an arm with all "
            "synthetic pictures."
        )
    raise DatasetError(
        f"heuristics: {amount} adds no synthetic picture of {sets} to the real train pictures; leave that rule out, or "
        "take an arm with all synthetic pictures."
    )
