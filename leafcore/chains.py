"""Chains of translators: which checkpoints, in which order, and what they make of a label. Free of torch."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from leafcore.chain_steps import How, LabelRule, Step, keeps_way_back, parse_step, target_of
from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.labels import is_healthy, label_set, split_labels, union
from leafcore.data.manifest import Dataset
from leafcore.data.mask_sets import newest_mask_set, require_masked
from leafcore.errors import CheckpointError, ConfigError
from leafcore.workspace import Workspace

Sizing = Literal["resize", "tiles"]
MAX_STEPS = 2  # of a chain that is proposed; a person may choose more


class Way(BaseModel):
    """How a label set can be made.

    Attributes:
        source: The label set of the pictures that are translated.
        chain: The steps in order, as they are written, see `chain_steps`.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    chain: tuple[str, ...]


class Domains(BaseModel):
    """What a translator would be trained on: from label set A to label set B."""

    model_config = ConfigDict(frozen=True)

    a: str
    b: str


def open_chain(workspace: Workspace, texts: Sequence[str]) -> list[Step]:
    """Return a chain's steps, in order.

    Args:
        workspace: Where their models are.
        texts: As `parse_step` reads them.

    Raises:
        NotFoundError: A name is unknown.
        ConfigError: An option of a step is none.
        CheckpointError: There is no step, one does not translate, or their sizes differ.
    """
    parsed = [parse_step(text) for text in texts]
    steps = [Step(open_checkpoint(workspace, ref), how) for ref, how in parsed]
    chain_size(steps)
    return steps


def chain_size(steps: Sequence[Step]) -> int:
    """Return the picture size in px that all steps of a chain share.

    Raises:
        CheckpointError: There is no step, one does not translate, or their sizes differ.
    """
    if not steps:
        raise CheckpointError("chain: empty, expected at least one translator, such as healthy-to-rust.")
    for step in steps:
        checkpoint = step.checkpoint
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
        if step.how.back and not keeps_way_back(checkpoint):
            raise CheckpointError(f"chain: {checkpoint.name} has no generator back; leave :back out.")
    sizes = {step.checkpoint.name: int(step.card.description["size_px"]) for step in steps}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {size} px" for name, size in sizes.items())
        raise CheckpointError(f"chain: its steps work at different sizes ({listed}); choose steps of one size.")
    return next(iter(sizes.values()))


def picture_size(steps: Sequence[Step], size_px: int, sizing: Sizing) -> int:
    """Return the side in px of what a chain makes.

    Args:
        steps: The chain.
        size_px: What is asked for; 0 for the size of its steps.
        sizing: How another size is reached.

    Raises:
        CheckpointError: See `chain_size`; or a step draws whole pictures, and no tiles.
        ConfigError: Tiles do not fit into a picture.
    """
    trained_px = chain_size(steps)
    if size_px in {0, trained_px}:
        return trained_px
    if sizing == "tiles":
        if size_px < trained_px:
            raise ConfigError(
                f"size_px: got {size_px}, but tiles are of {trained_px} px; ask for more, or say sizing resize."
            )
        drawing = [step.checkpoint.name for step in steps if step.checkpoint.is_prompt_model]
        if drawing:
            raise CheckpointError(f"sizing: {drawing[0]} draws whole pictures, no tiles; say resize.")
    return size_px


def overlap_of(tile_px: int) -> int:
    """Return how far tiles fade into each other: a quarter of their side, in px."""
    return tile_px // 4


def sizing_method(steps: Sequence[Step], size_px: int, sizing: Sizing) -> str:
    """Return in words how a chain makes pictures of a size, for their recipe; see `picture_size`."""
    trained_px = chain_size(steps)
    if size_px == trained_px:
        return "at the size of training"
    if sizing == "tiles":
        return f"tiles of {trained_px} px, feathered by {overlap_of(trained_px)} px"
    return f"change at {trained_px} px, enlarged and added to the source"


def chain_labels(source: str, steps: Sequence[Step], rule: LabelRule = "union", custom: str = "") -> str:
    """Return the label set of what a chain makes of a source.

    Args:
        source: The source's label set.
        steps: The chain; at least one.
        rule: See `chain_steps.LABEL_RULES`.
        custom: What the rule "custom" gives.
    """
    if rule == "custom":
        return label_set(custom)
    return steps[-1].target if rule == "last" else union(source, [step.target for step in steps])


def masks_for(workspace: Workspace, dataset: Dataset, steps: Sequence[Step]) -> str:
    """Return the mask set that a chain takes if none is named: the newest, or "" if it wants none or there are better.

    Better are exact masks, which came with the dataset.
    """
    return masks_of(workspace, dataset) if any(step.masked for step in steps) else ""


def masks_of(workspace: Workspace, dataset: Dataset) -> str:
    """Return a dataset's newest mask set; "" if it has exact masks, or none at all."""
    return "" if (dataset.records["mask"] != "").any() else newest_mask_set(workspace, dataset)


def require_leaves(steps: Sequence[Step], files: Mapping[str, Path | None], dataset: Dataset) -> None:
    """Refuse to draw inside leaves that are not known; a translator that was trained to may change such pictures.

    Args:
        steps: The chain.
        files: By source, the file of its mask, or None.
        dataset: Whose pictures the sources are.

    Raises:
        DatasetError: A step draws inside the leaf, and some sources have no mask.
    """
    for step in steps:
        if step.draws and step.masked:
            require_masked(files, dataset, f"{step.checkpoint.name}:all")


def all_steps(translators: Iterable[Checkpoint]) -> list[Step]:
    """Return what translators can do as they were trained: each there, and those that keep the way back, back."""
    there = list(translators)
    return [*map(Step, there), *(Step(one, How(back=True)) for one in there if keeps_way_back(one))]


def find_way(labels: str, counts: Mapping[str, int], translators: Iterable[Checkpoint]) -> Way | None:
    """Return the best chain that makes a label set.

    A first step that was trained on such sources goes before one that was not; then the fewest steps; then the label
    set with the most pictures to translate; then one's own generators before those that came along. A way back is
    taken from what it was trained on only, and alone: of other symptoms nobody knows that it removes them.

    Args:
        labels: What is to be made.
        counts: Train pictures per label set: possible sources.
        translators: What there is.
    """
    wanted = set(split_labels(labels))
    known = {  # one of each kind is enough, and one that was trained for it the best
        (step.source, step.target, chain_size([step]), step.how.back): step
        for step in sorted(all_steps(translators), key=lambda step: (step.checkpoint.shipped, step.name), reverse=True)
        if is_healthy(step.target) or wanted.issuperset(split_labels(step.target))
    }
    found: list[tuple[tuple[bool, int, int, bool, tuple[str, ...]], Way]] = []
    for length in range(1, MAX_STEPS + 1):
        for kinds in permutations(known, length):
            if len({size_px for _, _, size_px, _ in kinds}) > 1:
                continue
            targets = [target for _, target, _, _ in kinds]
            is_back = any(back for *_, back in kinds)
            if is_back and length > 1:
                continue
            for source, available in counts.items():
                if is_back and kinds[0][0] != source:
                    continue
                if source == labels or not available or union(source, targets) != labels:
                    continue
                chain = tuple(known[kind].name for kind in kinds)
                shipped = any(known[kind].checkpoint.shipped for kind in kinds)
                rank = (kinds[0][0] != source, length + is_back, -available, shipped, chain)
                found.append((rank, Way(source=source, chain=chain)))
    return min(found, key=lambda entry: entry[0])[1] if found else None


def suggestions(counts: Mapping[str, int], translators: Iterable[Checkpoint]) -> dict[str, Way]:
    """Return the best chain for everything that translators can make: a dataset's label sets, and pairs of targets.

    Args:
        counts: Train pictures per label set: possible sources.
        translators: What there is.
    """
    there = list(translators)
    targets = sorted({target_of(one) for one in there})
    wanted = {*counts, *targets, *(union(first, [second]) for first, second in combinations(targets, 2))}
    ways = {labels: find_way(labels, counts, there) for labels in sorted(wanted)}
    return {labels: way for labels, way in ways.items() if way is not None}


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
