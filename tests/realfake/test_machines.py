"""What the machines can tell: a planted difference, but neither file format nor size nor compression."""

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from leafcore.measure.features import FeatureExtractor
from leafcore.measure.stats import exact_interval
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.machines import fine_tune, probe, tell
from leafcore.realfake.material import one_way
from tests.conftest import draw_leaf
from tests.watcher import Watcher

SIDE = 32
CPU = torch.device("cpu")
CONFIG = RealFakeConfig(
    dataset="leaves",
    synthetic=("run",),
    epochs=4,
    size_px=SIDE,
    backbone="test_resnet",
    pretrained=False,
    learning_rate=3e-3,
)


def save(folder, shift: int):
    """Save drawn leaves by turns as large PNGs and as smaller JPEGs; shift the red of the latter."""
    folder.mkdir()
    paths = []
    for index in range(160):
        picture = draw_leaf("rust", index, size_px=144).astype(int)
        picture[..., 0] += shift * (index % 2)
        image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
        path = folder / f"{index}.{'jpg' if index % 2 else 'png'}"
        if index % 2:
            image.resize((112, 112), Image.Resampling.BICUBIC).save(path, quality=90)
        else:
            image.save(path)
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Return pictures as the machines see them, by the shift that was planted in every other one."""
    root = tmp_path_factory.mktemp("saved")
    return {
        shift: np.stack([one_way(path, SIDE, CONFIG.quality) for path in save(root / str(shift), shift)])
        for shift in (0, 40)
    }


SAVED_AS_JPEG = np.arange(160) % 2 == 1
LEARNED = np.arange(160) < 100


def by_probe(workspace, pictures):
    extract = FeatureExtractor(workspace, "test_resnet", pretrained=False, through_px=SIDE)
    learn = pictures[LEARNED], SAVED_AS_JPEG[LEARNED]
    return tell(probe(extract, learn, pictures[~LEARNED], batch_size=50), SAVED_AS_JPEG[~LEARNED])


def by_network(pictures, tmp_path):
    learn, watcher = (pictures[LEARNED], SAVED_AS_JPEG[LEARNED]), Watcher(tmp_path / "run")
    return tell(fine_tune(CONFIG, learn, pictures[~LEARNED], CPU, watcher), SAVED_AS_JPEG[~LEARNED])


def test_format_size_and_compression_tell_a_probe_nothing(workspace, shown):
    told = by_probe(workspace, shown[0])
    assert told.low < 0.5 < told.high and told.n == 60


def test_format_size_and_compression_tell_a_network_nothing(shown, tmp_path):
    told = by_network(shown[0], tmp_path)
    assert told.low < 0.5 < told.high


def test_a_planted_difference_is_found_by_both(workspace, shown, tmp_path):
    for told in (by_probe(workspace, shown[40]), by_network(shown[40], tmp_path)):
        assert told.low > 0.5 and told.auroc > 0.8


def test_the_network_leaves_the_process_s_generator_alone_and_can_be_stopped(shown, tmp_path):
    before = torch.get_rng_state()
    learn = shown[0][LEARNED], SAVED_AS_JPEG[LEARNED]
    from leafcore.errors import Stopped

    with pytest.raises(Stopped):
        fine_tune(CONFIG, learn, shown[0][~LEARNED], CPU, Watcher(tmp_path / "run", stop_after=2))
    assert torch.equal(before, torch.get_rng_state())


def test_accuracy_has_the_exact_interval_and_auroc_is_worked_out_by_hand():
    fake = np.array([True, True, False, False])
    told = tell(np.array([0.9, 0.4, 0.45, 0.1]), fake)
    exact = exact_interval(3, 4)
    assert (told.hits, told.n, told.accuracy) == (3, 4, 0.75)
    assert (told.low, told.high) == (exact.low, exact.high)
    assert told.auroc == 0.75, "three of the four pairs are in order"


def test_every_picture_goes_one_way(tmp_path):
    picture = draw_leaf("rust", 3, size_px=64)
    Image.fromarray(picture).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a generator"
    Image.fromarray(picture).save(tmp_path / "b.webp", lossless=True, exif=exif)
    first, second = (one_way(tmp_path / name, SIDE, 50) for name in ("a.png", "b.webp"))
    assert first.shape == (SIDE, SIDE, 3) and np.array_equal(first, second)
    assert not np.array_equal(first, one_way(tmp_path / "a.png", SIDE, 90)), "the common encoding is lossy"
