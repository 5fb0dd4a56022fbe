"""What the epochs of a translation or a noise model are worth, as a `score` run keeps it.

```
runs/<id>/
  scores.json     a `ScoreResult` of the epochs that are scored so far, written after each
```
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from leafcore.files import read_json
from leafcore.measure.interpretation import Interpretation
from leafcore.measure.measured import Measure, told_score
from leafcore.measure.measured import Score as Score
from leafcore.runs import Run, list_runs
from leafcore.workspace import Workspace

KIND = "score"
SCORES = "scores.json"

Direction = Literal["ab", "ba"]


MEASURES: dict[str, Measure] = {
    "kid": Measure("KID", "lower", "How unlike real target pictures the fakes look to a network (kernel distance)."),
    "fid": Measure("FID", "lower", "The same as a Fréchet distance; too high where pictures are few."),
    "target_rate": Measure(
        "Target rate", "higher", "Share of fakes that a classifier of real pictures calls the target."
    ),
    "agreement": Measure(
        "Class agreement", "higher", "Share of fakes that a classifier of real pictures calls what they were made as."
    ),
    "coverage": Measure("Coverage", "higher", "Share of real pictures that have a fake among their neighbors."),
    "classes": Measure("Classes", "higher", "How many equally frequent classes the fakes are as varied as."),
    "outside": Measure("Change outside", "lower", "Mean change outside the leaf, in levels of 255."),
    "inside": Measure("Change on the leaf", "higher", "Mean change on the leaf, in levels of 255."),
    "near_copies": Measure("Near copies", "lower", "Share of fakes nearer to a train picture than 99% of real ones."),
    "cycle": Measure("Cycle error", "lower", "Mean difference after there and back again, in levels of 255."),
}


SHARES = frozenset({"target_rate", "agreement", "coverage", "near_copies"})  # from 0 to 1


def told(key: str, score: Score) -> str:
    """Return a score for people: "0.021 ± 0.004", "91% (79% to 97%)", "3.1 (2.5 to 3.8)"."""
    return told_score(score, is_share=key in SHARES)


class EpochScores(BaseModel):
    """Every measure of one epoch, by its key in `MEASURES`; and what a noise model's pictures are called."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    scores: dict[str, Score]
    interpretation: Interpretation | None = None


class ScoreResult(BaseModel):
    """What a `score` run ended with.

    Attributes:
        run: The training run.
        direction: Which of its generators: A to B or B to A.
        dataset: The dataset version whose pictures were translated.
        split: Which of its splits they are of.
        features: What the backbone of the distances is called.
        reals: Which real target pictures the distances are to: "val", or "train and val" where those are too few.
        real_count: How many they are.
        judge: The classifier that names the fakes; empty for none.
        judged_right: By label set, how often it names real validation pictures rightly, at the fakes' size.
        from_noise: Whether the pictures are made from noise; if so, none of the sentences on sources holds.
        sources: How many pictures were translated or made, the same at every epoch.
        seed: Of their choice and of KID's folds.
        untranslated: The same measures of the sources as they are: what a generator that does nothing would get.
        epochs: In order.
        withheld: By measure, why there is none.
        recommended: The epoch to use; None if nothing speaks for one.
        reason: Why that one, and why not the last.
    """

    run: str
    direction: Direction
    dataset: str
    split: str
    features: str
    reals: str = ""
    real_count: int = 0
    judge: str = ""
    judged_right: dict[str, Score] = {}
    from_noise: bool = False
    sources: int = 0
    seed: int = 0
    untranslated: dict[str, Score] = {}
    epochs: list[EpochScores]
    withheld: dict[str, str] = {}
    recommended: int | None = None
    reason: str = ""

    @property
    def chosen(self) -> EpochScores:
        """The recommended epoch, or the last one where none is."""
        return next((one for one in self.epochs if one.epoch == self.recommended), self.epochs[-1])


def read_scores(run: Run) -> ScoreResult | None:
    """Return what a `score` run found so far; None before its first epoch."""
    try:
        return ScoreResult.model_validate(read_json(run.folder / SCORES))
    except FileNotFoundError:
        return None


def newest_scores(workspace: Workspace, run_id: str, direction: Direction) -> ScoreResult | None:
    """Return the newest scores of a training run's epochs in one direction; None if nobody scored them."""
    wanted = {"run": run_id, "direction": direction}
    for run in list_runs(workspace, KIND):
        settings = run.record.settings
        if wanted == {key: settings[key] for key in wanted} and (found := read_scores(run)) is not None:
            return found
    return None
