from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from leafcore.errors import ConfigError, DatasetError, Stopped
from leafcore.images import load_square
from leafcore.measure.features import FeatureExtractor, Features
from leafcore.nets.backbones import BUNDLED, InputScale, build_backbone
from leafcore.progress import Progress
from tests.conftest import draw_leaf
from tests.watcher import Watcher


@pytest.fixture
def leaves(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{index}.png" for index in range(7)]
    for index, path in enumerate(paths):
        Image.fromarray(draw_leaf("rust" if index % 2 else "healthy", seed=index)).save(path)
    return paths


def look(workspace, paths, progress=None, **settings) -> Features:
    extract = FeatureExtractor(workspace, "test_resnet", pretrained=False)
    progress = progress or Progress(workspace.root)
    return extract(paths, [path.stem for path in paths], progress, **{"batch_size": 3, **settings})


def test_features_are_what_the_network_pools(workspace, leaves):
    """Against the bundled network called by hand, with its real weights."""
    features = FeatureExtractor(workspace)(leaves, [path.stem for path in leaves], Progress(workspace.root))
    network = build_backbone(BUNDLED, pretrained=True).eval()
    pictures = np.stack([load_square(path, 224) for path in leaves])
    with torch.inference_mode():
        maps = network.forward_features(InputScale.of(network)(torch.from_numpy(pictures).permute(0, 3, 1, 2)))
    assert features.values.shape == (7, 1280) and features.values.dtype == np.float32
    np.testing.assert_allclose(features.values, maps.mean((2, 3)).numpy(), atol=1e-4)


def test_a_second_look_costs_only_what_is_new(workspace, leaves):
    first = look(workspace, leaves[:4])
    for path in leaves[:4]:
        path.unlink()  # so that nobody can look at them again
    second = look(workspace, leaves)
    assert (first.reused, second.reused) == (0, 4)
    np.testing.assert_array_equal(second.values[:4], first.values)
    assert not np.isnan(second.values).any()


def test_batches_do_not_change_features(workspace, leaves, tmp_path):
    from leafcore.workspace import Workspace

    alone = look(Workspace(tmp_path / "other"), leaves, batch_size=1)
    np.testing.assert_allclose(look(workspace, leaves).values, alone.values, atol=1e-4)


def test_another_network_keeps_features_of_its_own(workspace, leaves):
    look(workspace, leaves)
    extract = FeatureExtractor(workspace, "test_efficientnet", pretrained=False)
    other = extract(leaves, [path.stem for path in leaves], Progress(workspace.root))
    assert other.reused == 0


def test_photographs_are_as_sharp_as_what_was_made_at_that_size(workspace, leaves):
    extract = FeatureExtractor(workspace, "test_resnet", pretrained=False, through_px=16)
    hashes = [path.stem for path in leaves]
    of_files = extract(leaves, hashes, Progress(workspace.root))
    of_arrays = extract.of([load_square(path, 16) for path in leaves])
    np.testing.assert_allclose(of_files.values, of_arrays, atol=1e-5)
    sharp = look(workspace, leaves)
    assert sharp.reused == 0 and np.abs(sharp.values - of_arrays).max() > 1e-3


def test_a_picture_that_cannot_be_read_is_named_and_the_others_go_on(workspace, leaves):
    leaves[2].write_bytes(b"no picture")
    features = look(workspace, leaves)
    assert list(features.unreadable) == [2] and features.unreadable[2].startswith("not a picture")
    assert np.isnan(features.values).all(1).tolist() == [False, False, True, False, False, False, False]


def test_pictures_none_of_which_can_be_read_are_refused(workspace, tmp_path):
    with pytest.raises(DatasetError, match=r"None of the 1 pictures can be read; first: there is no such file"):
        look(workspace, [tmp_path / "gone.png"])


def test_what_was_seen_before_a_stop_is_kept(workspace, leaves, tmp_path):
    with pytest.raises(Stopped):
        look(workspace, leaves, Watcher(tmp_path, stop_after=4))
    assert look(workspace, leaves).reused == 4


def test_an_unknown_backbone_is_refused(workspace):
    with pytest.raises(ConfigError, match="backbone: got 'resnet18x'"):
        FeatureExtractor(workspace, "resnet18x")
