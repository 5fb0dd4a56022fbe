"""What a classifier tells apart when a picture may show several labels: the user's choice, kept in the version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from leafcore.data.labels import split_labels
from leafcore.errors import DatasetError

LabelPolicy = Literal["multi-label", "single-only", "combination"]

MEANING: dict[LabelPolicy, str] = {
    "multi-label": "each label is told for itself",
    "single-only": "pictures of several labels are left out",
    "combination": "each combination of labels is a class of its own",
}
LEFT_OUT = "shows several labels, left out by single-only"  # the reason of a picture that the policy does not keep


def admitted(label_sets: Iterable[str], policy: LabelPolicy) -> list[bool]:
    """Return of each picture whether the policy keeps it."""
    return [policy != "single-only" or len(split_labels(labels)) == 1 for labels in label_sets]


@dataclass(frozen=True)
class Classes:
    """The classes of a classifier.

    Attributes:
        names: In the order of the targets' columns: labels, or label sets where each is a class of its own.
        exclusive: Whether a picture is of exactly one: a softmax, else a sigmoid each.
    """

    names: tuple[str, ...]
    exclusive: bool

    @classmethod
    def of(cls, policy: LabelPolicy, label_sets: Iterable[str]) -> "Classes":
        """Return the classes that some pictures need.

        Args:
            policy: What the dataset's version says.
            label_sets: Those of all pictures, synthetic ones too.

        Raises:
            DatasetError: A picture has several labels, and the version keeps those of one only.
        """
        occurring = set(label_sets)
        several = sorted(labels for labels in occurring if len(split_labels(labels)) > 1)
        if several and policy == "single-only":
            raise DatasetError(
                f"labels: got a picture of {several[0].replace(' ', '+')}, but this version keeps pictures of one "
                "label only; leave those pictures out, or choose another label policy."
            )
        if several and policy == "multi-label":
            return cls(tuple(sorted({name for labels in occurring for name in split_labels(labels)})), exclusive=False)
        return cls(tuple(sorted(occurring)), exclusive=True)

    def encode(self, label_sets: Sequence[str]) -> np.ndarray:
        """Return (N, classes) float32, 1 where a picture is of the class."""
        column = {name: index for index, name in enumerate(self.names)}
        targets = np.zeros((len(label_sets), len(self.names)), np.float32)
        for row, labels in enumerate(label_sets):
            for name in (labels,) if self.exclusive else split_labels(labels):
                targets[row, column[name]] = 1.0
        return targets

    def decode(self, targets: np.ndarray) -> list[str]:
        """Return the label set of each row of (N, classes) targets."""
        rows = np.asarray(targets, bool)
        return [" ".join(name for name, on in zip(self.names, row, strict=True) if on) for row in rows]
