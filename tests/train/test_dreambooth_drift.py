"""Language drift is told while a model is taught: once of each prompt, and not of a model that did not move."""

import pytest

from leafcore.train.drift_rule import FAR, drift_warning
from leafcore.train.loop import train
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")

CLASS = "a photo of a leaf"


def test_a_run_warns_once_of_each_prompt_that_drifts(journey, settings, tmp_path):
    drifting = {"method": "full", "learning_rate": 1e-2, "prior_weight": 0.0}
    watcher = Watcher(tmp_path / "far")
    train(settings("dreambooth", **drifting), journey.workspace, watcher)
    first = next(row for row in watcher.scalars if "learned" in row)
    assert first["drift_a_dog"] > FAR
    for_dog = drift_warning("a dog", first["drift_a_dog"], first["learned"])
    assert watcher.warnings == [drift_warning(CLASS, first["drift_a_photo_of_a_leaf"], first["learned"]), for_dog]
    assert "“a dog” no longer means" in for_dog and f"({first['drift_a_dog']:.2g} from the base;" in for_dog
    still = Watcher(tmp_path / "still")
    train(settings("dreambooth", **{**drifting, "learning_rate": 1e-9}), journey.workspace, still)
    assert still.warnings == []
