"""The side at which pictures are shown: photographs that would be enlarged would be told by their blur."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.data.manifest import load
from leafcore.data.sides import common_side, enlarged
from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.measure.features import FeatureExtractor
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.machines import probe, tell
from leafcore.realfake.material import FAKE, REAL, choose_sides, decode
from tests.conftest import draw_leaf
from tests.watcher import Watcher

CONFIG = RealFakeConfig(dataset="leaves", synthetic=("run",))


@pytest.fixture
def dataset(journey):
    """The journey's photographs, as if all were of 200 x 260 px."""
    found = load(journey.workspace, journey.dataset)
    return replace(found, records=found.records.assign(width=200, height=260))


def set_of(size_px: int, labels: str = "rust") -> SyntheticSet:
    rows = [{"file": f"{row}.png", "labels": labels, "group": f"own-{row}", "size_px": size_px} for row in range(40)]
    return SyntheticSet("run", Path("run"), pd.DataFrame(rows))


def shrunk(dataset, rows, side: int):
    records = dataset.records.copy()
    records.loc[rows, ["width", "height"]] = side, 2 * side
    return replace(dataset, records=records)


def only(dataset, labels: str):
    return dataset.records["labels"] == labels


def test_the_smaller_of_both_kinds_decides(dataset):
    assert common_side(dataset, [set_of(128), set_of(256)]) == 128
    assert common_side(dataset, [set_of(256)]) == 192, "the photographs' 200 px, in steps of 32"
    assert common_side(shrunk(dataset, only(dataset, "rust"), 64), [set_of(128)]) == 64


def test_only_photographs_that_take_part_decide(dataset):
    others = shrunk(dataset, only(dataset, "scab") | (dataset.records["split"] == "test"), 64)
    assert common_side(others, [set_of(128)]) == 128
    assert common_side(others, [set_of(128, labels="")]) == 64, "of unlabelled pictures, photographs of anything"


def test_one_thumbnail_decides_nothing_and_is_left_out(dataset):
    many = replace(dataset, records=pd.concat([dataset.records] * 3, ignore_index=True))
    train = many.records.index[only(many, "rust") & (many.records["split"] == "train")]
    one = shrunk(many, train[:1], 20)
    assert common_side(one, [set_of(128)]) == 128 and not enlarged(one, [set_of(128)], 128)
    sides = partial(choose_sides, pictures=set_of(128), config=CONFIG.model_copy(update={"size_px": 128}))
    most = {name: (sides(each).learn["kind"] == REAL).sum() for name, each in (("all", many), ("without", one))}
    assert most["without"] == most["all"] - 1


def test_a_side_that_enlarges_either_kind_is_warned_of(dataset):
    assert not enlarged(dataset, [set_of(128)], 128)
    larger = enlarged(dataset, [set_of(128)], 256)
    assert "100% of the photographs (from 200 px) and 100% of the synthetic pictures (from 128 px)" in larger
    assert larger.endswith("128 px is the side that does not.")
    small = shrunk(dataset, only(dataset, "rust"), 64)
    assert "photographs (from 64 px), and blur" in enlarged(small, [set_of(128)], 128)
    tiny = shrunk(dataset, only(dataset, "rust"), 20)
    assert common_side(tiny, [set_of(128)]) == 32, "the smallest there is"
    assert enlarged(tiny, [set_of(128)], 32).endswith("(from 20 px), and blur may tell.")


def test_at_the_common_side_blur_tells_a_probe_nothing(workspace, dataset, tmp_path):
    """Leaves kept at 64 px, and the like kept at 128: enlarged, most are told apart."""
    kinds = np.array([REAL, FAKE] * 160)
    paths = [str(tmp_path / f"{index}.png") for index in range(len(kinds))]
    for index, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        leaf = Image.fromarray(draw_leaf("rust", index, size_px=128))
        (leaf.resize((64, 64), Image.Resampling.BICUBIC) if kind == REAL else leaf).save(path)
    table, learned = pd.DataFrame({"path": paths, "kind": kinds}), np.arange(len(kinds)) < 200

    def told(size_px: int):
        shown, _ = decode(table, CONFIG.model_copy(update={"size_px": size_px}), Watcher(tmp_path / f"{size_px}"))
        extract = FeatureExtractor(workspace, "test_resnet", pretrained=False, through_px=size_px)
        said = probe(extract, (shown[learned], kinds[learned] == FAKE), shown[~learned], batch_size=50)
        return tell(said, kinds[~learned] == FAKE)

    assert told(128).low > 0.6
    side = common_side(shrunk(dataset, only(dataset, "rust"), 64), [set_of(128)])
    assert told(side).low < 0.5 < told(side).high
