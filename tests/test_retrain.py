"""The script that trains the shipped models; only what it decides, not the hours of training."""

import shutil

import numpy as np
import pytest
from PIL import Image

from leafcore.checkpoints import promote
from leafcore.data.manifest import load, save
from leafcore.errors import ConfigError
from leafcore.masks.lflseg import Look
from leafcore.masks.maps import threshold
from leafcore.workspace import Workspace
from scripts import retrain


@pytest.fixture
def own(journey, tmp_path):
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


class Ramp:
    """A model whose heat maps rise evenly from left to right, so that every threshold gives another mask."""

    def look(self, paths):
        """Look at pictures without opening them."""
        cam = np.tile(np.linspace(0, 1, 41, dtype=np.float32), (41, 1))
        return (Look(path, cam, np.ones(3) / 3) for path in paths)


def with_exact_masks(own, journey, root, deltas):
    """Return the journey's leaves with exact masks: those that a threshold would give, another for each split."""
    leaves = load(own, journey.dataset)
    model = Ramp()
    records = leaves.records.assign(mask=[f"exact/{index}.png" for index in range(len(leaves.records))])
    shutil.copytree(leaves.root, root)
    (root / "exact").mkdir()
    for row, look in zip(leaves.rows(records), model.look(leaves.paths(records)), strict=True):
        mask = threshold(look.cam, deltas[row["split"]], row["width"], row["height"])
        Image.fromarray(mask.astype(np.uint8) * 255).save(root / row["mask"])
    return save(own, "exact", records, leaves.card.model_copy(update={"root": str(root)}))


def test_the_threshold_is_chosen_on_validation_pictures(own, journey, tmp_path, monkeypatch):
    monkeypatch.setattr(retrain, "open_lflseg", lambda *args: Ramp())
    dataset = with_exact_masks(own, journey, tmp_path / "exact", {"train": 0.1, "val": 0.4, "test": 0.1})
    assert retrain.best_delta(own, dataset.ref, journey.runs["lflseg"]) == 0.4


def test_what_was_done_is_found_again(own, journey, monkeypatch):
    monkeypatch.setattr(retrain, "build_config", lambda kind, settings, preset: own_config(journey, kind))
    assert retrain.carry_out(own, "masks", {}).id == journey.runs["masks"].id, "though its model was named by its run"


def own_config(journey, kind):
    from leafcore.jobs import build_config

    settings = {**journey.runs[kind].record.settings, "model": journey.runs["lflseg"].id}
    return build_config(kind, settings)


def test_a_name_that_another_run_has_is_refused_before_training(own, journey, monkeypatch):
    promote(own, journey.runs["leafgan"].id, "taken")
    monkeypatch.setattr(retrain, "submit", lambda *args: pytest.fail("nothing may be trained"))
    with pytest.raises(ConfigError, match="there is already a checkpoint 'taken'"):
        retrain.carry_out(own, "classifier", {"dataset": journey.dataset}, "taken")
