"""The warm worker's answer to what an uploaded photo shows."""

from functools import lru_cache

import numpy as np
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.errors import DatasetError
from leafcore.measure.predictor import Predictor
from leafcore.measure.trained_classifier import TrainedClassifier
from leafcore.predict.looking import heat_map
from leafcore.questions import PredictQuestion, photo_file
from leafcore.workspace import Workspace


def name_photo(workspace: Workspace, question: PredictQuestion, device: torch.device) -> dict[str, np.ndarray]:
    """Answer a `PredictQuestion`.

    Raises:
        DatasetError: The file is no picture that can be read.
        CheckpointError: The model is no classifier, or gives no maps.
    """
    model = _classifier(str(workspace.root), question.model, question.weights_sha256, str(device))
    (found,) = Predictor(model, question.tiles, question.tta).predict([photo_file(workspace, question.photo)])
    if found.probabilities is None or found.whole is None:
        raise DatasetError(f"The uploaded file: {found.problem.partition(': ')[2]}")
    return {
        "classes": np.array(model.classes.names),
        "probabilities": found.probabilities,
        "thresholds": model.thresholds,
        "named": model.decide(found.probabilities[None])[0],
        "map": heat_map(model, found.whole, int(found.probabilities.argmax())),
    }


@lru_cache(maxsize=2)
def _classifier(root: str, ref: str, weights_sha256: str, device: str) -> TrainedClassifier:
    del weights_sha256  # part of the key: other weights under the same name are loaded anew
    return TrainedClassifier(open_checkpoint(Workspace(root), ref), torch.device(device))
