"""What JPEG left in pictures of one kind is left in those of the other, so that it tells nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.measure.features import FeatureExtractor
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.machines import probe, tell
from leafcore.realfake.material import FAKE, REAL, decode, one_way
from leafcore.realfake.traces import compression_of, with_traces
from tests.conftest import draw_leaf
from tests.watcher import Watcher

SIDE = 96
CONFIG = RealFakeConfig(dataset="leaves", synthetic=("run",), size_px=SIDE)


def jpeg(path: Path, picture: np.ndarray, quality: int, **how) -> Path:
    Image.fromarray(picture).save(path, quality=quality, **how)
    return path


def test_of_a_file_that_shows_no_blocks_nothing_is_told(tmp_path):
    leaf = draw_leaf("rust", 1, size_px=64)
    Image.fromarray(leaf).save(tmp_path / "a.png")
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    large = jpeg(tmp_path / "large.jpg", leaf, 50)
    assert compression_of(tmp_path / "a.png", 64) is None
    assert compression_of(tmp_path / "torn.jpg", 64) is None
    assert compression_of(tmp_path / "gone.jpg", 64) is None
    assert compression_of(large, 16) is None, "shrunk to a quarter of its side"
    assert compression_of(large, 17).size == (64, 64)


@pytest.mark.parametrize("how", [{"subsampling": 0}, {"subsampling": 2}])
def test_of_the_same_size_the_traces_are_those_of_saving_it_so(tmp_path, how):
    leaf = draw_leaf("rust", 2, size_px=64)
    path = jpeg(tmp_path / "a.jpg", leaf, 40, **how)
    with Image.open(path) as saved:
        assert np.array_equal(with_traces(leaf, compression_of(path, 64)), np.asarray(saved.convert("RGB")))


def test_the_traces_of_a_larger_grey_file_are_small_and_do_not_blur(tmp_path):
    leaf = draw_leaf("rust", 3, size_px=64)
    Image.fromarray(draw_leaf("rust", 4, size_px=100)).convert("L").save(tmp_path / "grey.jpg", quality=40)
    traced = with_traces(leaf, compression_of(tmp_path / "grey.jpg", 64)).astype(int)
    fine = jpeg(tmp_path / "fine.jpg", draw_leaf("rust", 4, size_px=100), 100, subsampling=0)
    assert 0.2 < np.abs(traced - leaf).mean() < 6
    assert np.abs(with_traces(leaf, compression_of(fine, 64)).astype(int) - leaf).max() <= 4


def test_a_jpeg_and_a_png_of_one_picture_come_out_alike(tmp_path):
    """The one was compressed, the other gets its traces: nothing is left to tell them by."""
    leaf = draw_leaf("rust", 5, size_px=SIDE)
    Image.fromarray(leaf).save(tmp_path / "a.png")
    jpeg(tmp_path / "b.jpg", leaf, 40)
    paths = [str(tmp_path / name) for name in ("a.png", "b.jpg")]
    pictures, _ = decode(pd.DataFrame({"path": paths, "kind": [FAKE, REAL]}), CONFIG, Watcher(tmp_path / "run"))
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(*(one_way(Path(path), SIDE, CONFIG.quality) for path in paths))


def test_the_draw_of_traces_is_the_seed_s(tmp_path):
    paths = []
    for number, quality in enumerate((20, 35, 50, 80)):
        paths.append(str(jpeg(tmp_path / f"{number}.jpg", draw_leaf("rust", number, size_px=SIDE), quality)))
    for number in range(4, 8):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(draw_leaf("rust", number, size_px=SIDE)).save(paths[-1])
    table = pd.DataFrame({"path": paths, "kind": [REAL] * 4 + [FAKE] * 4})
    first, again, other = (
        decode(table, CONFIG.model_copy(update={"seed": seed}), Watcher(tmp_path / f"run{turn}"))[0]
        for turn, seed in enumerate((0, 0, 1))
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_compression_at_the_machines_own_size_tells_a_probe_nothing(workspace, tmp_path):
    """Without the exchange of traces the same probe tells most of these apart."""
    kinds = np.array([FAKE, REAL] * 160)
    paths = []
    for index, kind in enumerate(kinds):
        path = tmp_path / f"{index}.{'png' if kind == FAKE else 'jpg'}"
        noisy = draw_leaf("rust", index, size_px=SIDE) + np.random.default_rng(index).normal(0, 8, (SIDE, SIDE, 3))
        image = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        image.save(path, **({} if kind == FAKE else {"quality": 40}))
        paths.append(str(path))
    table = pd.DataFrame({"path": paths, "kind": kinds})
    plain = np.stack([one_way(Path(path), SIDE, CONFIG.quality) for path in paths])
    traced, _ = decode(table, CONFIG, Watcher(tmp_path / "run"))
    extract = FeatureExtractor(workspace, "test_resnet", pretrained=False, through_px=SIDE)
    fake, learned = kinds == FAKE, np.arange(len(kinds)) < 200

    def told(pictures):
        learn = pictures[learned], fake[learned]
        return tell(probe(extract, learn, pictures[~learned], batch_size=50), fake[~learned])

    assert told(plain).low > 0.6
    assert told(traced).low < 0.5 < told(traced).high
