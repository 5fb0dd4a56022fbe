"""Which classes a classifier takes for which, on validation pictures; free of torch, so that a page can draw it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from leafcore.files import write_json


class Confusion(BaseModel):
    """A confusion matrix.

    Attributes:
        classes: Their names, in order.
        counts: Row i, column j: how many pictures of class i were taken for class j.
    """

    model_config = ConfigDict(frozen=True)

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def images(self) -> int:
        """How many pictures were judged."""
        return sum(map(sum, self.counts))

    @property
    def accuracy(self) -> float:
        """The share of them whose class was told right."""
        return sum(row[index] for index, row in enumerate(self.counts)) / self.images

    def recall(self, index: int) -> float | None:
        """Return the share of one class's pictures that was told right; None if it has none."""
        row = self.counts[index]
        return row[index] / sum(row) if any(row) else None


def confusion_path(folder: Path, epoch: int) -> Path:
    """Return where an epoch's confusion matrix is in a training run's folder."""
    return folder / "validation" / f"{epoch:04d}.json"


def save_confusion(folder: Path, confusion: Confusion, epoch: int) -> None:
    """Write an epoch's confusion matrix into a training run's folder."""
    write_json(confusion_path(folder, epoch), confusion.model_dump(mode="json"))


def load_confusion(folder: Path, epoch: int) -> Confusion | None:
    """Read what `save_confusion` wrote; None if the epoch has none, or a damaged one."""
    try:
        return Confusion.model_validate_json(confusion_path(folder, epoch).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
