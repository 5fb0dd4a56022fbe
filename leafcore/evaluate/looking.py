"""What the classifiers of a comparison got right and wrong, picture by picture; free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from leafcore.data.classes import Classes
from leafcore.errors import NotFoundError
from leafcore.evaluate.cells import cell_name, load_cell
from leafcore.evaluate.result import Comparison, read_comparison, read_planned
from leafcore.measure.scores import predicted_labels, set_probability

OTHER = "other"  # a label set that no test picture has


@dataclass(frozen=True)
class Picture:
    """A test picture as an arm's classifiers name it.

    Attributes:
        row: Which test picture.
        image: Its path in the dataset.
        sha256: Of its file.
        true: Its label set.
        said: What was said.
        votes: How many seeds say so.
        probability: How sure those are, the mean of exactly that set's probability, in [0, 1].
        said_class: What the heat map speaks for: of what is said, the class that is most sure to be wrong.
        true_class: Of what is true, the class that is least seen.
    """

    row: int
    image: str
    sha256: str
    true: str
    said: str
    votes: int
    probability: float
    said_class: str
    true_class: str

    @property
    def is_right(self) -> bool:
        """Whether what was said is true."""
        return self.said == self.true


@dataclass(frozen=True)
class Said:
    """What an arm's classifiers say of the test pictures.

    Attributes:
        sets: (seeds, N) str, label sets.
        sure: (seeds, N) float64, how probable exactly that set is.
        right: (seeds, N) bool.
        probabilities: (N, classes), mean over seeds.
    """

    sets: np.ndarray
    sure: np.ndarray
    right: np.ndarray
    probabilities: np.ndarray


class Looking:
    """A finished comparison, to be looked at.

    Args:
        folder: Of its run.

    Raises:
        NotFoundError: It is of an older version, which kept too little.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.comparison: Comparison = read_comparison(folder)
        planned = read_planned(folder)
        if planned is None:
            raise NotFoundError(
                "comparison: it was made before test pictures were kept for looking at; run it again to see them."
            )
        self._seeds = planned.seeds
        self.test = pd.read_parquet(folder / "test.parquet")
        names = tuple(self.comparison.arms[self.arms[0]].labels)
        exclusive = not self.comparison.arms[self.arms[0]].thresholds
        self.classes = Classes(names, exclusive)
        self._said: dict[str, Said] = {}

    @property
    def arms(self) -> list[str]:
        """The arms, the baseline first."""
        return list(self.comparison.arms)

    @cached_property
    def targets(self) -> np.ndarray:
        """What the test pictures show, (N, classes) bool."""
        return self.classes.encode([str(labels) for labels in self.test["labels"]]).astype(bool)

    @cached_property
    def true_sets(self) -> np.ndarray:
        """The label set of each test picture, (N,) str."""
        return np.array(self.classes.decode(self.targets), str)

    def said(self, arm: str) -> Said:
        """Return what an arm's classifiers say.

        Raises:
            NotFoundError: There is no such arm, or what its classifiers said is gone.
        """
        if arm not in self._said:
            self._said[arm] = self._read(arm)
        return self._said[arm]

    def _read(self, arm: str) -> Said:
        if arm not in self.comparison.arms:
            raise NotFoundError(f"arm: got {arm!r}, expected one of {', '.join(self.arms)}.")
        cells = []
        for seed in self._seeds:
            cell = load_cell(self.folder / "cells" / cell_name(arm, seed) / "test.npz")
            if cell is None:
                raise NotFoundError(f"arm: what the classifiers of {arm} said is gone; run the comparison again.")
            cells.append(cell)
        sets, sure, right = [], [], []
        for cell in cells:
            decided = predicted_labels(cell.probabilities, not self.classes.exclusive, cell.thresholds)
            sets.append(np.array(self.classes.decode(decided), str))
            sure.append(set_probability(cell.probabilities, decided, exclusive=self.classes.exclusive))
            right.append((decided == self.targets).all(1))
        mean = np.mean([cell.probabilities for cell in cells], axis=0)
        return Said(np.stack(sets), np.stack(sure), np.stack(right), mean)

    # --- which pictures --------------------------------------------------------------------------------------------

    def in_cell(self, arm: str, true: str, said: str) -> list[Picture]:
        """Return the pictures in a cell of an arm's confusion matrix, those that most seeds put there first.

        Args:
            arm: Which.
            true: A label set of `comparison.label_sets`.
            said: The same, or `OTHER`.
        """
        answers = self.said(arm)
        known = np.isin(answers.sets, self.comparison.label_sets)
        inside = (~known if said == OTHER else answers.sets == said) & (self.true_sets == true)
        return self._ranked(answers, inside)

    def failures(self, arm: str) -> list[Picture]:
        """Return the pictures that an arm gets wrong, those that most seeds get wrong first, then the surest."""
        answers = self.said(arm)
        return self._ranked(answers, ~answers.right)

    def gained(self, arm: str, over: str) -> list[Picture]:
        """Return the pictures that most seeds of an arm get right and most of another's get wrong.

        Args:
            arm: Which gets them right.
            over: Which gets them wrong; what is said is what it says.
        """
        better, worse = self.said(arm).right.mean(0) > 0.5, self.said(over)
        return self._ranked(worse, ~worse.right & (better & (worse.right.mean(0) < 0.5)))

    def _ranked(self, answers: Said, chosen: np.ndarray) -> list[Picture]:
        """Return the pictures that some seeds chose, (seeds, N) bool."""
        votes = chosen.sum(0)
        rows = np.flatnonzero(votes)
        sure = np.array([answers.sure[chosen[:, row], row].mean() for row in rows])
        order = rows[np.lexsort((-sure, -votes[rows]))] if len(rows) else rows
        return [self._picture(answers, int(row), chosen[:, row]) for row in order]

    def _picture(self, answers: Said, row: int, chosen: np.ndarray) -> Picture:
        sets, counts = np.unique(answers.sets[chosen, row], return_counts=True)
        said, true = str(sets[counts.argmax()]), str(self.true_sets[row])
        record = self.test.iloc[row]
        return Picture(
            row=row,
            image=str(record["image"]),
            sha256=str(record["sha256"]),
            true=true,
            said=said,
            votes=int(chosen.sum()),
            probability=float(answers.sure[chosen, row].mean()),
            said_class=self._class(answers, row, self._names(said), self._names(true), highest=True),
            true_class=self._class(answers, row, self._names(true), self._names(said), highest=False),
        )

    def _names(self, labels: str) -> set[str]:
        (encoded,) = self.classes.encode([labels]).astype(bool)
        return {name for name, on in zip(self.classes.names, encoded, strict=True) if on}

    def _class(self, answers: Said, row: int, of: set[str], unlike: set[str], *, highest: bool) -> str:
        """Return a class of a set, one that is not in the other set if there is any: the most or the least probable."""
        names: Sequence[str] = sorted(of - unlike) or sorted(of)
        told = {name: answers.probabilities[row, self.classes.names.index(name)] for name in names}
        return max(told, key=told.__getitem__) if highest else min(told, key=told.__getitem__)
