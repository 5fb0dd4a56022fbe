"""The balance plan: how many pictures of which label set to make, from which sources, by which chain.

"Rust needs 120 more: translate 120 healthy leaves with healthy-to-rust, about 3 minutes and 6 MB."
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Literal

from pydantic import BaseModel, ConfigDict

from leafcore.chains import chain_size, source_of, target_of
from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import is_healthy, split_labels, union
from leafcore.errors import ConfigError

MAX_STEPS = 2
BYTES_PER_PIXEL = 2.2  # of a PNG of a leaf photograph, measured on what the shipped generators make

Target = Literal["largest", "median"] | int

# How many pictures the LeafGAN study on Plant Pathology 2021 added to which label set. Rust with frog eye came from a
# chain of two, scab with frog eye from scab.
STUDY = {
    "powdery_mildew": 166,
    "complex": 198,
    "rust": 140,
    "frog_eye_leaf_spot": 196,
    "frog_eye_leaf_spot rust": 100,
    "frog_eye_leaf_spot scab": 112,
}


class Way(BaseModel):
    """How a label set can be made.

    Attributes:
        source: The label set of the pictures that are translated.
        chain: Names of the translators in order.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    chain: tuple[str, ...]


class PlanRow(BaseModel):
    """What the plan says of one label set.

    Attributes:
        labels: The label set.
        have: Train pictures there are.
        wanted: Train pictures there should be.
        count: How many are made: what is missing, or as many as there are sources.
        way: How; None if no translator makes these labels.
        reason: Why fewer are made than are missing; empty if none are.
        megabytes: About how large they are.
        seconds: About how long making them takes; None if nothing has been made yet on this machine.
    """

    model_config = ConfigDict(frozen=True)

    labels: str
    have: int
    wanted: int
    count: int = 0
    way: Way | None = None
    reason: str = ""
    megabytes: float = 0.0
    seconds: float | None = None


class BalancePlan(BaseModel):
    """A plan for a dataset's train split.

    Attributes:
        rows: One per label set that lacks pictures, most lacking first.
        before: Train pictures per label set.
        after: The same once the plan is carried out.
        replaces: Whether a source leaves train when its translation joins.
    """

    model_config = ConfigDict(frozen=True)

    rows: tuple[PlanRow, ...]
    before: dict[str, int]
    after: dict[str, int]
    replaces: bool


def wanted_counts(counts: Mapping[str, int], target: Target) -> dict[str, int]:
    """Return how many pictures each label set should have.

    Args:
        counts: Train pictures per label set.
        target: "largest" or "median" of the counts, or a number.

    Raises:
        ConfigError: The number is below 1, or there is no label set.
    """
    if not counts:
        raise ConfigError("target: the train split is empty, so there is nothing to balance.")
    if isinstance(target, int):
        if target < 1:
            raise ConfigError(f"target: got {target}, expected at least 1 picture per label set.")
        level = target
    else:
        ordered = sorted(counts.values())
        level = ordered[-1] if target == "largest" else ordered[len(ordered) // 2]
    return {labels: max(level, count) for labels, count in counts.items()}


def find_way(labels: str, counts: Mapping[str, int], translators: Iterable[Checkpoint]) -> Way | None:
    """Return the best chain that makes a label set.

    A first step that was trained on such sources goes before one that was not; then the fewest steps; then the label
    set with the most pictures to translate.

    Args:
        labels: What is to be made.
        counts: Train pictures per label set: possible sources.
        translators: What there is.
    """
    known = list(translators)
    found: list[tuple[tuple[bool, int, int, tuple[str, ...]], Way]] = []
    for length in range(1, MAX_STEPS + 1):
        for steps in product(known, repeat=length):
            if len({step.name for step in steps}) < length or not _fit(steps):
                continue
            for source, available in counts.items():
                if source == labels or not available or union(source, [target_of(step) for step in steps]) != labels:
                    continue
                chain = tuple(step.name for step in steps)
                rank = (source_of(steps[0]) != source, length, -available, chain)
                found.append((rank, Way(source=source, chain=chain)))
    return min(found, key=lambda entry: entry[0])[1] if found else None


def _fit(steps: tuple[Checkpoint, ...]) -> bool:
    return len({chain_size([step]) for step in steps}) == 1


def make_plan(
    counts: Mapping[str, int],
    translators: Iterable[Checkpoint],
    wanted: Mapping[str, int],
    *,
    replaces: bool = False,
    seconds_each: float | None = None,
) -> BalancePlan:
    """Plan which pictures to make.

    A source serves a label set once. Where sources are replaced, it serves once in all, and its own label set is never
    brought below what is wanted of it.

    Args:
        counts: Train pictures per label set.
        translators: What can translate.
        wanted: Train pictures per label set there should be; label sets that are missing here are left alone.
        replaces: Whether a source leaves train when its translation joins, so that over-represented label sets shrink.
        seconds_each: How long a picture takes on this machine, if that is known.
    """
    known = {checkpoint.name: checkpoint for checkpoint in translators}
    free = {name: max(0, count - wanted.get(name, 0)) if replaces else count for name, count in counts.items()}
    after = dict(counts)
    rows = []
    for labels in sorted(wanted, key=lambda name: counts.get(name, 0) - wanted[name]):
        have, missing = counts.get(labels, 0), wanted[labels] - counts.get(labels, 0)
        if missing <= 0:
            continue
        row = PlanRow(labels=labels, have=have, wanted=wanted[labels])
        way = find_way(labels, {name: count for name, count in free.items() if count}, known.values())
        if way is None:
            rows.append(row.model_copy(update={"reason": _missing_translator(labels)}))
            continue
        count = min(missing, free[way.source])
        if replaces:
            free[way.source] -= count
            after[way.source] -= count
        after[labels] = after.get(labels, 0) + count
        size_px = chain_size([known[way.chain[0]]])
        rows.append(
            row.model_copy(
                update={
                    "way": way,
                    "count": count,
                    "reason": "" if count == missing else f"only {count} train pictures of {way.source} to translate",
                    "megabytes": round(count * size_px**2 * BYTES_PER_PIXEL / 1e6, 1),
                    "seconds": None if seconds_each is None else round(count * len(way.chain) * seconds_each, 1),
                }
            )
        )
    return BalancePlan(rows=tuple(rows), before=dict(counts), after=after, replaces=replaces)


def _missing_translator(labels: str) -> str:
    """Say which training runs would make a label set."""
    names = [name for name in split_labels(labels) if not is_healthy(name)]
    runs = " and ".join(f"healthy → {name}" for name in names) or f"something → {labels}"
    return f"no generator makes it; train LeafGAN {runs}"


def study_targets(counts: Mapping[str, int]) -> dict[str, int]:
    """Return what the LeafGAN study on Plant Pathology 2021 brought each label set to."""
    return {labels: counts.get(labels, 0) + added for labels, added in STUDY.items()}
