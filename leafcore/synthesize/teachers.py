"""Who may label which pictures. Free of torch, so that what does not fit is refused before a run is queued."""

from leafcore.checkpoints import Checkpoint
from leafcore.data.manifest import Dataset
from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.errors import CheckpointError, DatasetError


def require_teacher(checkpoint: Checkpoint, dataset: Dataset, what: str = "teacher") -> None:
    """Refuse a model that cannot label pictures of a dataset.

    Args:
        checkpoint: The model.
        dataset: Whose classes its labels must be.
        what: The setting that names it, for the message.

    Raises:
        CheckpointError: It is no classifier, or knows other labels.
    """
    if checkpoint.card.recipe != "classifier":
        raise CheckpointError(
            f"{what}: {checkpoint.name} is a {checkpoint.card.recipe} model, expected a classifier of {dataset.name}."
        )
    known, wanted = tuple(sorted(checkpoint.card.description["labels"])), dataset.classes().names
    if known != tuple(sorted(wanted)):
        raise CheckpointError(
            f"{what}: {checkpoint.name} tells apart {', '.join(known)}, but {dataset.ref} has {', '.join(wanted)}; "
            "train a classifier on that dataset."
        )


def require_unlabelled(pictures: SyntheticSet) -> None:
    """Refuse a set whose pictures have labels.

    Raises:
        DatasetError: They have.
    """
    if pictures.has_labels:
        labels = ", ".join(sorted(set(pictures.manifest["labels"])))
        raise DatasetError(
            f"run: the pictures of {pictures.id} have labels already ({labels}); expected a set of an unconditional "
            "model. Evaluate this one as it is."
        )
