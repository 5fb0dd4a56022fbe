"""What a scarcity study found, as it is written down; free of torch."""

from pathlib import Path

from pydantic import BaseModel

from leafcore.evaluate.result import Estimate
from leafcore.files import read_json, write_json
from leafcore.measure.interpretation import Interpretation

STEPS = "steps.json"  # by step, the id of its run, written as it begins
STRIP = "strip.png"  # the way between two seeds

TITLES = {
    "scarce": "Make scarce",
    "teacher": "Train the teacher",
    "co_teacher": "Train the co-teacher",
    "gan": "Train the GAN",
    "synthesize": "Generate",
    "images": "Score the pictures",
    "pseudo-label": "Pseudo-label",
    "evaluate": "Compare",
}


class ScarcityResult(BaseModel):
    """What a study found, every number from its runs.

    Attributes:
        dataset: The thinned dataset, `name@version`.
        runs: By step, the run that made it.
        pictures: By label set and split, the pictures that were left.
        generated: How many pictures were made.
        interpretation: What the teacher calls all of them; nothing if it is not to be believed.
        accepted: By label set, how many joined the real ones.
        rejected: By the label set that the teacher gave them, how many did not.
        scores: Inception score, FID and KID, as text with their standard deviations; or why there is none.
        score_counts: How many generated and real pictures those were measured on.
        score_backbone: The network in whose features and classes they were measured.
        macro_f1: By arm, on the thinned dataset's test pictures.
        difference: Of macro-F1, real + synthetic minus real.
        test_images: Pictures that judge.
        verdict: The comparison's sentence.
        withheld: Whether that sentence gives no verdict, for something leaked.
        strip: The picture of the way between two seeds.
        improves: Whether that sentence says that synthetic pictures help; no in files from before this was told.
    """

    dataset: str
    runs: dict[str, str]
    pictures: dict[str, dict[str, int]]
    generated: int
    interpretation: Interpretation | None
    accepted: dict[str, int]
    rejected: dict[str, int]
    scores: dict[str, str]
    score_counts: dict[str, int]
    score_backbone: str
    macro_f1: dict[str, Estimate]
    difference: Estimate
    test_images: int
    verdict: str
    withheld: bool
    strip: str
    improves: bool = False


def load_steps(folder: Path) -> dict[str, str]:
    """Return the run of each step that a study has begun, in order."""
    try:
        steps: dict[str, str] = read_json(folder / STEPS)
        return steps
    except FileNotFoundError:
        return {}


def save_steps(folder: Path, steps: dict[str, str]) -> None:
    """Write down which runs a study has begun."""
    write_json(folder / STEPS, steps)
