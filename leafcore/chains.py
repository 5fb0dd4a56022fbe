"""Chains of translators: which checkpoints, in which order, and what they make of a label. Free of torch."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

from pydantic import BaseModel, ConfigDict

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.labels import is_healthy, label_set, split_labels, union
from leafcore.data.manifest import Dataset
from leafcore.data.mask_sets import newest_mask_set
from leafcore.errors import CheckpointError
from leafcore.workspace import Workspace

MAX_STEPS = 2  # of a chain that is proposed; a person may choose more


class Way(BaseModel):
    """How a label set can be made.

    Attributes:
        source: The label set of the pictures that are translated.
        chain: Names of the translators in order.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    chain: tuple[str, ...]


class Domains(BaseModel):
    """What a translator would be trained on: from label set A to label set B."""

    model_config = ConfigDict(frozen=True)

    a: str
    b: str


def open_chain(workspace: Workspace, refs: Sequence[str]) -> list[Checkpoint]:
    """Return a chain's checkpoints, in order.

    Raises:
        NotFoundError: A name is unknown.
        CheckpointError: There is no step, one does not translate, or their sizes differ.
    """
    checkpoints = [open_checkpoint(workspace, ref) for ref in refs]
    chain_size(checkpoints)
    return checkpoints


def chain_size(checkpoints: Sequence[Checkpoint]) -> int:
    """Return the picture size in px that all steps of a chain share.

    Raises:
        CheckpointError: There is no step, one does not translate, or their sizes differ.
    """
    if not checkpoints:
        raise CheckpointError("chain: empty, expected at least one translator, such as healthy-to-rust.")
    for checkpoint in checkpoints:
        if not (checkpoint.is_translator or checkpoint.is_prompt_model):
            raise CheckpointError(
                f"chain: {checkpoint.name} is a {checkpoint.card.recipe} model and translates nothing; "
                "expected a LeafGAN or CycleGAN checkpoint."
            )
        if checkpoint.is_prompt_model and not target_of(checkpoint):
            raise CheckpointError(
                f"chain: {checkpoint.name} was taught several label sets, so that nobody knows which it adds; "
                "expected a model that was taught one."
            )
    sizes = {checkpoint.name: int(checkpoint.card.description["size_px"]) for checkpoint in checkpoints}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {size} px" for name, size in sizes.items())
        raise CheckpointError(f"chain: its steps work at different sizes ({listed}); choose steps of one size.")
    return next(iter(sizes.values()))


def chain_labels(source: str, checkpoints: Sequence[Checkpoint]) -> str:
    """Return the label set of what a chain makes of a source: see `labels.union`."""
    return union(source, [target_of(checkpoint) for checkpoint in checkpoints])


def blends(checkpoint: Checkpoint) -> bool:
    """Whether a step changes the leaf only, so that it wants a mask: trained to, or drawing over a picture."""
    return bool(checkpoint.card.description.get("blend", False)) or checkpoint.is_prompt_model


def masks_for(workspace: Workspace, dataset: Dataset, checkpoints: Sequence[Checkpoint]) -> str:
    """Return the mask set that a chain takes if none is named: the newest, or "" if it wants none or there are better.

    Better are exact masks, which came with the dataset.
    """
    return masks_of(workspace, dataset) if any(map(blends, checkpoints)) else ""


def masks_of(workspace: Workspace, dataset: Dataset) -> str:
    """Return a dataset's newest mask set; "" if it has exact masks, or none at all."""
    return "" if (dataset.records["mask"] != "").any() else newest_mask_set(workspace, dataset)


def source_of(checkpoint: Checkpoint) -> str:
    """Return the label set that a translator was trained to translate from; empty of a model that draws over any."""
    return label_set(str(checkpoint.card.description.get("a", "")))


def target_of(checkpoint: Checkpoint) -> str:
    """Return the label set that a step adds: what it translates to, or was taught to draw."""
    said = checkpoint.card.description
    return label_set(str(said["b"] if "b" in said else said.get("labels", "")))


def find_way(labels: str, counts: Mapping[str, int], translators: Iterable[Checkpoint]) -> Way | None:
    """Return the best chain that makes a label set.

    A first step that was trained on such sources goes before one that was not; then the fewest steps; then the label
    set with the most pictures to translate.

    Args:
        labels: What is to be made.
        counts: Train pictures per label set: possible sources.
        translators: What there is.
    """
    wanted = set(split_labels(labels))
    known = {  # one of each kind is enough
        (source_of(step), target_of(step), chain_size([step])): step
        for step in sorted(translators, key=lambda step: step.name, reverse=True)
        if is_healthy(target_of(step)) or wanted.issuperset(split_labels(target_of(step)))
    }
    found: list[tuple[tuple[bool, int, int, tuple[str, ...]], Way]] = []
    for length in range(1, MAX_STEPS + 1):
        for kinds in permutations(known, length):
            if len({size_px for _, _, size_px in kinds}) > 1:
                continue
            targets = [target for _, target, _ in kinds]
            for source, available in counts.items():
                if source == labels or not available or union(source, targets) != labels:
                    continue
                chain = tuple(known[kind].name for kind in kinds)
                rank = (kinds[0][0] != source, length, -available, chain)
                found.append((rank, Way(source=source, chain=chain)))
    return min(found, key=lambda entry: entry[0])[1] if found else None


def needed_trainings(labels: str, counts: Mapping[str, int], translators: Iterable[Checkpoint]) -> tuple[Domains, ...]:
    """Return the fewest trainings after which a chain would make a label set; none if no chain ever would.

    Args:
        labels: What is to be made.
        counts: Train pictures per label set: possible sources.
        translators: What there is.
    """
    targets = {target_of(checkpoint) for checkpoint in translators}
    healthy = max((name for name in counts if is_healthy(name)), key=lambda name: counts[name], default=None)
    wanted = set(split_labels(labels))
    found = []
    for source, count in counts.items():
        held = set(split_labels(source))
        if source == labels or not count or not (is_healthy(source) or is_healthy(labels) or held < wanted):
            continue
        steps = [name for name in split_labels(labels) if name not in held]
        a = source if healthy is None or is_healthy(labels) else healthy  # what it learns there, it does elsewhere too
        lacking = tuple(Domains(a=a, b=name) for name in steps if name not in targets)
        if lacking and len(steps) <= MAX_STEPS:
            found.append((len(lacking), not is_healthy(source), -count, lacking))
    return min(found, key=lambda entry: entry[:3])[3] if found else ()
