"""Asking the warm worker what a photo shows, as the Masks page and the API do. No torch."""

from dataclasses import dataclass

import numpy as np

from leafcore.checkpoints import open_checkpoint
from leafcore.classifier_checks import best_epoch_of, check_classifier
from leafcore.data.classes import Classes
from leafcore.questions import PredictQuestion
from leafcore.sampling import Worker
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Named:
    """What a classifier says of a photo.

    Attributes:
        labels: The label set that it is given.
        probabilities: By class, the most probable first.
        thresholds: From which probability each label is named; empty where only the most probable one is.
        cam: (h, w) float32 in [0, 1], what speaks for the most probable class.
    """

    labels: str
    probabilities: dict[str, float]
    thresholds: dict[str, float]
    cam: np.ndarray


def predict_question(workspace: Workspace, model: str, photo: str, tiles: int = 0, tta: int = 1) -> PredictQuestion:
    """Return the question what a photo shows, pinned to a classifier's weights as they are now.

    Args:
        workspace: Where the classifier is.
        model: What a config calls it, see `PredictConfig`.
        photo: As `keep_photo` returned it.
        tiles: See `ViewsConfig`.
        tta: The same.

    Raises:
        InputError: There is no such model, it is no classifier, or a setting is wrong.
    """
    check_classifier(workspace, None, model)
    checkpoint = open_checkpoint(workspace, best_epoch_of(workspace, model))
    pinned = {"model": checkpoint.ref, "weights_sha256": checkpoint.card.weights_sha256}
    return PredictQuestion.build({**pinned, "photo": photo, "tiles": tiles, "tta": tta})


def ask_for_labels(workspace: Workspace, worker: Worker, question: PredictQuestion) -> Named:
    """Return what a classifier says of a photo.

    Raises:
        LeafError: It cannot be told; the worker says why.
    """
    several = bool(open_checkpoint(workspace, question.model).card.description["multi_label"])
    with np.load(worker.ask(question)) as answer:
        names = tuple(answer["classes"].tolist())
        said, thresholds = (
            dict(zip(names, answer[key].tolist(), strict=True)) for key in ("probabilities", "thresholds")
        )
        return Named(
            labels=Classes(names, exclusive=not several).decode(answer["named"][None])[0],
            probabilities=dict(sorted(said.items(), key=lambda one: -one[1])),
            thresholds=thresholds if several else {},
            cam=answer["map"],
        )
