"""Chains of translators: which checkpoints, in which order, and what they make of a label. Free of torch."""

from collections.abc import Sequence

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.labels import label_set, union
from leafcore.errors import CheckpointError
from leafcore.workspace import Workspace


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
        if not checkpoint.is_translator:
            raise CheckpointError(
                f"chain: {checkpoint.name} is a {checkpoint.card.recipe} model and translates nothing; "
                "expected a LeafGAN or CycleGAN checkpoint."
            )
    sizes = {checkpoint.name: int(checkpoint.card.description["size_px"]) for checkpoint in checkpoints}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {size} px" for name, size in sizes.items())
        raise CheckpointError(f"chain: its steps work at different sizes ({listed}); choose steps of one size.")
    return next(iter(sizes.values()))


def chain_labels(source: str, checkpoints: Sequence[Checkpoint]) -> str:
    """Return the label set of what a chain makes of a source: see `labels.union`."""
    return union(source, [target_of(checkpoint) for checkpoint in checkpoints])


def source_of(checkpoint: Checkpoint) -> str:
    """Return the label set that a translator was trained to translate from."""
    return label_set(str(checkpoint.card.description["a"]))


def target_of(checkpoint: Checkpoint) -> str:
    """Return the label set that a translator was trained to translate to."""
    return label_set(str(checkpoint.card.description["b"]))
