"""What a `quality` run found, as it is written down; free of torch.

```
runs/<id>/
  result.json     a `QualityResult`
  quality.csv     the same, a row per set, class and measure
```
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from leafcore.measure.measured import Measure, Score, told_score

TABLE = "quality.csv"
REAL = "real"  # the set of real train pictures, which shows what a perfect score looks like
ALL = ""  # the label set that stands for all of them

MEASURES: dict[str, Measure] = {
    "kid": Measure("KID", "lower", "How unlike the real pictures (kernel distance); unbiased, so 0 means alike."),
    "fid": Measure("FID", "lower", "The same as a Fréchet distance; the fewer the pictures, the higher it is."),
    "inception_score": Measure("Inception score", "higher", "How sure and varied ImageNet's classes are; weak here."),
    "precision": Measure("Precision", "higher", "Share of synthetic pictures that lie among real ones: realism."),
    "recall": Measure("Recall", "higher", "Share of real pictures that lie among synthetic ones: variety."),
    "density": Measure("Density", "higher", "Precision by counts, robust to odd real pictures; 1 is as dense as real."),
    "coverage": Measure("Coverage", "higher", "Share of real pictures with a synthetic one among their neighbors."),
    "diversity": Measure("Feature diversity", "alike", "Mean distance of two pictures; LPIPS-style, but not LPIPS."),
    "nearest_train": Measure("Nearest train picture", "alike", "Mean distance to the nearest real train picture."),
    "near_copies": Measure("Near copies", "lower", "Share nearer to a train picture than 99% of real ones are."),
    "agreement": Measure("Class agreement", "higher", "Share that a classifier of real pictures calls as labelled."),
}
SHARES = frozenset({"precision", "recall", "coverage", "near_copies", "agreement"})  # from 0 to 1


class Cell(BaseModel):
    """The measures of one set and class.

    Attributes:
        set: The run that made the set; `REAL` for real train pictures.
        labels: The label set; `ALL` for all of the set's.
        features: The network in whose features distances are.
        fakes: How many pictures of the set were measured.
        reals: How many real pictures they were held against.
        scores: By measure.
        withheld: By measure, why there is none.
    """

    model_config = ConfigDict(frozen=True)

    set: str
    labels: str
    features: str
    fakes: int
    reals: int
    scores: dict[str, Score] = {}
    withheld: dict[str, str] = {}


class QualityResult(BaseModel):
    """What a `quality` run ended with.

    Attributes:
        dataset: The dataset version of the real pictures.
        reals: Which of its splits they are of, "val" or "train-and-val".
        size_px: The side at which all pictures were looked at.
        titles: By set, what people call it.
        features: The networks that looked.
        judge: The classifier that named the pictures; empty for none.
        judge_right: How many real validation pictures it names rightly, of as many of each label set; None if it could
            not be tried.
        seen: By set, how many of the real pictures a model behind it had seen; only those with some.
        cells: By network, class and set; the real pictures' before the sets'.
        seed: Of the choice of pictures and of KID's folds.
    """

    dataset: str
    reals: str
    size_px: int
    titles: dict[str, str]
    features: tuple[str, ...]
    judge: str = ""
    judge_right: Score | None = None
    seen: dict[str, int] = {}
    cells: list[Cell]
    seed: int = 0

    @property
    def label_sets(self) -> list[str]:
        """The classes that were measured, in order."""
        return list(dict.fromkeys(cell.labels for cell in self.cells))

    def row(self, labels: str, features: str) -> list[Cell]:
        """Return the cells of a class in the features of a network: real pictures, then each set."""
        return [cell for cell in self.cells if (cell.labels, cell.features) == (labels, features)]


def told(key: str, score: Score) -> str:
    """Return a score for people."""
    return told_score(score, is_share=key in SHARES)


def flat(result: QualityResult) -> Sequence[dict[str, str | int | float | None]]:
    """Return every score and every reason for none as a row of one table."""
    rows: list[dict[str, str | int | float | None]] = []
    for cell in result.cells:
        place: dict[str, str | int | float | None] = {
            "set": cell.set,
            "labels": cell.labels,
            "features": cell.features,
            "reals": cell.reals,
        }
        for key in MEASURES:
            if key in cell.scores:
                rows.append({**place, "measure": key, **cell.scores[key].model_dump(), "withheld": ""})
            elif key in cell.withheld:
                rows.append({**place, "measure": key, "n": cell.fakes, "withheld": cell.withheld[key]})
    return rows
