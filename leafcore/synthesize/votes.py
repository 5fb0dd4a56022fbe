"""What teachers say of pictures without labels, and which pass a threshold. Free of torch, so that pages may ask.

```
runs/<id>/
  votes.csv     a row per picture that was looked at, whether it was accepted or not: a `Votes`
```
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leafcore.files import write_bytes

FILE = "votes.csv"


@dataclass(frozen=True)
class Votes:
    """What a teacher, and a co-teacher if there is one, say of every picture of a set.

    Attributes:
        table: Columns `file`, `labels` and `probability`, the teacher's; with a co-teacher also `co_labels` and
            `co_probability`.
    """

    table: pd.DataFrame

    def accepted(self, min_confidence: float) -> pd.Series:
        """Return of each picture whether it is kept: the teacher is sure enough, and the co-teacher agrees.

        Args:
            min_confidence: The least probability of the teacher's label set, from 0 to 1.

        Returns:
            (N,) bool, on the table's index.
        """
        passed = self.table["probability"] >= min_confidence
        return passed & (self.table["labels"] == self.table["co_labels"]) if self.has_co_teacher else passed

    @property
    def has_co_teacher(self) -> bool:
        """Whether two classifiers were asked."""
        return "co_labels" in self.table

    def counts(self, min_confidence: float, known: Sequence[str] = ()) -> pd.DataFrame:
        """Return how many pictures of each label set pass.

        Args:
            min_confidence: As `accepted` takes it.
            known: Label sets that are listed although the teacher gave them to no picture.

        Returns:
            Index: label sets, those that the teacher gave most often first; columns: accepted, rejected.
        """
        passed = self.accepted(min_confidence)
        given = self.table["labels"].value_counts()
        listed = given.reindex(sorted({*given.index, *known}), fill_value=0)
        every = listed.sort_values(ascending=False, kind="stable")
        kept = self.table.loc[passed, "labels"].value_counts().reindex(every.index, fill_value=0)
        return pd.DataFrame({"accepted": kept, "rejected": every - kept}).rename_axis("labels")

    def save(self, folder: Path) -> None:
        """Write the votes into a run's folder."""
        write_bytes(folder / FILE, self.table.to_csv(index=False, lineterminator="\n").encode())


def load_votes(folder: Path) -> Votes:
    """Read the votes of a `pseudo-label` run.

    Raises:
        FileNotFoundError: It has not voted yet.
    """
    text = ("file", "labels", "co_labels")
    return Votes(pd.read_csv(folder / FILE, dtype=dict.fromkeys(text, str), keep_default_na=False))
