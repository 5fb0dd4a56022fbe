"""What a comparison's classifier looks at: the heat maps of its own weights."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from leafcore import explaining
from leafcore.answers import answer
from leafcore.errors import ConfigError, NotFoundError
from leafcore.evaluate.cells import load_cell
from leafcore.explaining import explain
from leafcore.masks.cam import explain_classes
from leafcore.questions import ExplainQuestion, answer_file
from leafcore.workspace import Workspace

CPU = torch.device("cpu")


def asked(journey, arm="real", classes=("rust", "scab", "rust")):
    images = tuple(pd.read_parquet(journey.runs["evaluate"].folder / "test.parquet")["image"].head(len(classes)))
    return ExplainQuestion(run=journey.runs["evaluate"].id, arm=arm, images=images, classes=classes)


@pytest.mark.parametrize("arm", ["real", "real_plus_synthetic"])
def test_the_arms_first_classifier_is_asked_about_each_picture_and_its_class(journey, monkeypatch, arm):
    heard = []

    def listening(model, images, classes):
        with torch.no_grad():
            heard.append((model(images).softmax(1).numpy(), classes))
        return explain_classes(model, images, classes)

    monkeypatch.setattr(explaining, "explain_classes", listening)
    maps = explain(journey.workspace, asked(journey, arm), CPU)["maps"]
    ((said, classes),) = heard
    cell = load_cell(journey.runs["evaluate"].folder / "cells" / f"{arm}-0" / "test.npz")
    assert np.allclose(said, cell.probabilities[:3], atol=1e-5), "it says what it said of the test split"
    assert classes == [1, 2, 1] and len(maps) == 3 and maps.min() >= 0 and maps.max() <= 1


def test_the_answer_is_a_file_that_a_page_can_read(journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    own, question = Workspace(tmp_path / "own"), asked(journey)
    answer(own, question)
    with np.load(answer_file(own, question)) as file:
        assert np.array_equal(file["maps"], explain(own, question, CPU)["maps"])


def test_a_class_or_an_arm_that_is_not_known_is_named(journey):
    with pytest.raises(ConfigError, match="classes: got mildew, expected some of healthy, rust, scab"):
        explain(journey.workspace, asked(journey, classes=("mildew",)), CPU)
    with pytest.raises(NotFoundError, match="the weights of more-0 were not kept; run the comparison again"):
        explain(journey.workspace, asked(journey, arm="more"), CPU)
