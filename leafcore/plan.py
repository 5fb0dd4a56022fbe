"""The balance plan: how many pictures of which label set to make, from which sources, by which chain.

"Rust needs 120 more: translate 120 healthy leaves with healthy-to-rust, about 3 minutes and 6 MB."
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from leafcore.chains import MAX_STEPS, Domains, Way, all_steps, chain_size, find_way, needed_trainings
from leafcore.checkpoints import Checkpoint, list_checkpoints
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.data.targets import Target, capped_counts, wanted_counts
from leafcore.progress import duration
from leafcore.runs import list_runs
from leafcore.synthesize.parts import parts_of_plan
from leafcore.workspace import Workspace

BYTES_PER_PIXEL = 2.2  # of a PNG of a leaf photograph, measured on what the shipped generators make


class PlanRow(BaseModel):
    """What the plan says of one label set.

    Attributes:
        labels: The label set.
        have: Train pictures there are.
        wanted: Train pictures there should be.
        count: How many are made: what is missing, or as many as there are sources.
        way: How; None if nothing makes these labels.
        train: The trainings that would provide the generators that lack.
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
    train: tuple[Domains, ...] = ()
    reason: str = ""
    megabytes: float = 0.0
    seconds: float | None = None

    def sentence(self) -> str:
        """Return what to make, from what, by which chain, at which cost; or why not."""
        if self.way is None:
            return self.reason
        cost = cost_of(self.megabytes, self.seconds)
        note = f"; {self.reason}" if self.reason else ""
        return f"{self.count} from {words(self.way.source)} by {' → '.join(self.way.chain)}, {cost}{note}"


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

    def sentence(self) -> str:
        """Return how many pictures the plan makes, and at which cost."""
        seconds = [row.seconds for row in self.rows if row.way is not None]
        if not seconds:
            return "nothing is missing" if not self.rows else "nothing can be made yet"
        known = None if None in seconds else sum(second or 0 for second in seconds)
        cost = cost_of(sum(row.megabytes for row in self.rows), known)
        return f"{sum(row.count for row in self.rows)} pictures, {cost}"

    def lacking(self) -> list[str]:
        """Return the label sets that lack pictures and that nothing makes."""
        return [row.labels for row in self.rows if row.way is None]

    def settings(self, dataset: Dataset, *, skip: bool = False) -> dict[str, Any]:
        """Return the settings of one `synthesize` run that carries the plan out.

        Args:
            dataset: Whose plan it is.
            skip: Whether to leave out label sets that nothing makes.

        Raises:
            ConfigError: Nothing makes some of them, or nothing is to be made.
        """
        return {"dataset": dataset.ref, "plan": parts_of_plan(self.model_dump(mode="json"), skip=skip)}


def cost_of(megabytes: float, seconds: float | None) -> str:
    """Return a cost for people; a time that was never measured on this machine is not guessed."""
    if seconds is None:
        return f"about {megabytes:.3g} MB, time unknown until the first synthesis here"
    return f"about {megabytes:.3g} MB and {duration(max(1.0, seconds))}"


def make_plan(
    counts: Mapping[str, int],
    translators: Iterable[Checkpoint],
    wanted: Mapping[str, int],
    *,
    replaces: bool = False,
    seconds_per_pixel: float | None = None,
) -> BalancePlan:
    """Plan which pictures to make.

    A source serves a label set once. Where sources are replaced, it serves once in all, and its own label set is never
    brought below what is wanted of it.

    Args:
        counts: Train pictures per label set.
        translators: What can translate.
        wanted: Train pictures per label set there should be; label sets that are missing here are left alone.
        replaces: Whether a source leaves train when its translation joins, so that over-represented label sets shrink.
        seconds_per_pixel: How long a step takes for a pixel on this machine, if that is known.
    """
    known = list(translators)
    sizes = {step.name: chain_size([step]) for step in all_steps(known)}
    free = {name: max(0, count - wanted.get(name, 0)) if replaces else count for name, count in counts.items()}
    after = dict(counts)
    rows = []
    for labels in sorted(wanted, key=lambda name: counts.get(name, 0) - wanted[name]):
        have, missing = counts.get(labels, 0), wanted[labels] - counts.get(labels, 0)
        if missing <= 0:
            continue
        row = PlanRow(labels=labels, have=have, wanted=wanted[labels])
        way = find_way(labels, {name: count for name, count in free.items() if count}, known)
        if way is None:
            rows.append(row.model_copy(update=_obstacle(labels, counts, known)))
            continue
        count = min(missing, free[way.source])
        if replaces:
            free[way.source] -= count
            after[way.source] -= count
        after[labels] = after.get(labels, 0) + count
        pixels = count * sizes[way.chain[0]] ** 2
        seconds = None if seconds_per_pixel is None else round(pixels * len(way.chain) * seconds_per_pixel, 1)
        spare = f"only {count} train pictures of {words(way.source)} to {'spare' if replaces else 'translate'}"
        made = {
            "way": way,
            "count": count,
            "reason": "" if count == missing else spare,
            "megabytes": round(pixels * BYTES_PER_PIXEL / 1e6, 1),
            "seconds": seconds,
        }
        rows.append(row.model_copy(update=made))
    return BalancePlan(rows=tuple(rows), before=dict(counts), after=after, replaces=replaces)


def _obstacle(labels: str, counts: Mapping[str, int], translators: list[Checkpoint]) -> dict[str, object]:
    """Say why nothing makes a label set, and which trainings would change that."""
    if find_way(labels, counts, translators) is not None:
        return {"reason": "its sources have no train picture to spare"}
    needed = needed_trainings(labels, counts, translators)
    if needed:
        runs = " and ".join(f"{words(domains.a)} → {words(domains.b)}" for domains in needed)
        return {"train": needed, "reason": f"no generator makes it; train LeafGAN {runs}"}
    return {"reason": f"no chain of {MAX_STEPS} steps, all of one size, makes it from the pictures there are"}


def plan_dataset(
    workspace: Workspace, dataset: Dataset, target: Target = "median", cap: int | None = None
) -> BalancePlan:
    """Plan a dataset's train split with the translators that the workspace has.

    With a cap, every label set below it is raised to it, and every source leaves train as its translation joins, so
    that a label set above the cap shrinks by what was made of it, and never below the cap.

    Args:
        workspace: Where checkpoints and past runs are.
        dataset: What to balance.
        target: See `wanted_counts`; unused where there is a cap.
        cap: Train pictures of every label set.

    Raises:
        ConfigError: See `wanted_counts` and `capped_counts`.
    """
    train = dataset.select(split="train")["labels"].value_counts()
    counts = {str(labels): int(count) for labels, count in train.items()}
    wanted = wanted_counts(counts, target) if cap is None else capped_counts(counts, cap)
    translators = [checkpoint for checkpoint in list_checkpoints(workspace) if checkpoint.is_translator]
    return make_plan(
        counts, translators, wanted, replaces=cap is not None, seconds_per_pixel=seconds_per_pixel(workspace)
    )


def seconds_per_pixel(workspace: Workspace) -> float | None:
    """Return how long a step took for a pixel in this machine's newest translations; None if nothing was made yet."""
    for run in list_runs(workspace, "synthesize"):
        status = run.status()
        steps = len(run.record.settings["chain"])
        if not steps or status.state != "done" or status.started is None or status.finished is None:
            continue
        result = run.result()
        if result["count"]:
            seconds = status.seconds_per_unit or (status.finished - status.started) / result["count"]
            return float(seconds / (steps * result["size_px"] ** 2))
    return None
