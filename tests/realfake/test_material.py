"""Who learns and who judges: tables made by hand over the journey's dataset, nothing decoded."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.material import FAKE, REAL, choose_sides, decode, evened, is_fake, one_way
from leafcore.realfake.traces import compression_of
from tests.conftest import draw_leaf
from tests.watcher import Watcher


@pytest.fixture
def dataset(journey):
    return load(journey.workspace, journey.dataset)


def config_of(**values) -> RealFakeConfig:
    return RealFakeConfig(dataset="leaves", synthetic=("run",), **values)


def set_of(groups: list[str], labels: str | list[str] = "rust") -> SyntheticSet:
    named = [labels] * len(groups) if isinstance(labels, str) else labels
    files = [f"{row:03d}.png" for row in range(len(groups))]
    return SyntheticSet("run", Path("run"), pd.DataFrame({"file": files, "labels": named, "group": groups}))


def test_photographs_go_by_their_split_and_none_of_test_takes_part(dataset):
    sides = choose_sides(dataset, set_of([f"own-{row}" for row in range(40)]), config_of())
    for side, split in ((sides.learn, "train"), (sides.judge, "val")):
        reals = set(side.loc[side["kind"] == REAL, "path"])
        rust = dataset.select(split=split, labels="rust")
        assert reals and reals <= {str(path) for path in dataset.paths(rust)}


def test_there_are_as_many_of_a_kind_as_of_the_other_of_every_label_set(dataset):
    groups = [f"own-{row}" for row in range(60)]
    sides = choose_sides(dataset, set_of(groups, ["rust"] * 40 + ["scab"] * 20), config_of())
    for side in (sides.learn, sides.judge):
        counts = side.value_counts(["labels", "kind"])
        for labels in ("rust", "scab"):
            assert counts[labels, REAL] == counts[labels, FAKE] > 0


def test_a_child_goes_where_the_photographs_of_its_group_are(dataset):
    rust = dataset.select(labels="rust")
    groups = {split: str(rust.loc[rust["split"] == split, "group"].iloc[0]) for split in ("train", "val", "test")}
    for seed in range(8):
        pictures = set_of([*groups.values(), *(f"own-{row}" for row in range(30))])
        sides = choose_sides(dataset, pictures, config_of(seed=seed))
        learned, judged = (set(side.loc[side["kind"] == FAKE, "group"]) for side in (sides.learn, sides.judge))
        assert groups["train"] not in judged and groups["val"] not in learned
        assert groups["test"] not in learned | judged


def test_children_of_one_source_are_never_on_both_sides_and_one_of_them_judges(dataset):
    sides = choose_sides(dataset, set_of([f"leaf-{row // 5}" for row in range(100)]), config_of())
    learned, judged = (side[side["kind"] == FAKE] for side in (sides.learn, sides.judge))
    assert not set(learned["group"]) & set(judged["group"])
    assert judged["group"].is_unique and len(judged)


def test_without_labels_photographs_of_anything_take_part(dataset):
    sides = choose_sides(dataset, set_of([f"own-{row}" for row in range(80)], ""), config_of())
    shown = {Path(path).parent.name for path in sides.learn.loc[sides.learn["kind"] == REAL, "path"]}
    assert shown == {"healthy", "rust", "scab"}


def test_no_more_are_taken_than_asked_for(dataset):
    sides = choose_sides(dataset, set_of([f"own-{row}" for row in range(80)], ""), config_of(count=8))
    assert len(sides.learn) == 16 and sides.learn["kind"].value_counts().to_dict() == {REAL: 8, FAKE: 8}


def test_too_few_pictures_say_how_many_there_are(dataset):
    few = choose_sides(dataset, set_of(["a", "b", "c"]), config_of())
    assert few.too_few.startswith("it takes 8 pictures of each kind to learn from and 8 to judge; there are 2 and 1")
    enough = pd.DataFrame({"path": ["x"] * 16})
    assert type(few)(enough, enough).too_few == ""


def test_what_is_left_is_as_many_of_a_kind_as_of_the_other_of_each_label_set():
    drawn = [
        ("rust", REAL, "a"), ("rust", FAKE, "b"), ("rust", FAKE, "c"), ("scab", FAKE, "d"), ("rust", REAL, "e"),
        ("rust", FAKE, "f"), ("wilt", REAL, "g"),
    ]  # fmt: skip
    rows = pd.DataFrame(drawn, columns=["labels", "kind", "path"])
    assert "".join(rows.loc[evened(rows), "path"]) == "abce", "the first that were drawn stay"
    assert evened(rows[rows["path"].isin(["d"])]).tolist() == [False]


def test_no_picture_gets_the_traces_of_one_that_is_gone(tmp_path):
    """Else the other kind would be told by the traces that it lacks."""
    leaf = Image.fromarray(draw_leaf("rust", 1))
    paths = [tmp_path / name for name in ("gone.jpg", "a.jpg", "b.png", "c.png", "d.png", "e.png")]
    for path in paths[1:]:
        leaf.save(path)
    table = pd.DataFrame({"path": [str(path) for path in paths], "kind": [REAL] * 2 + [FAKE] * 4})
    config = config_of(size_px=32)
    pictures, rows = decode(table, config, Watcher(tmp_path / "run"))
    traced = one_way(paths[2], 32, config.quality, compression_of(paths[1], 32))
    assert all(np.array_equal(picture, traced) for picture in pictures[is_fake(rows)])


def test_a_picture_that_is_gone_is_left_out_with_its_row(tmp_path):
    Image.fromarray(draw_leaf("rust", 1)).save(tmp_path / "a.png")
    table = pd.DataFrame({"path": [str(tmp_path / "gone.png"), str(tmp_path / "a.png")], "kind": [REAL, FAKE]})
    pictures, rows = decode(table, config_of(size_px=32), Watcher(tmp_path / "run"))
    assert pictures.shape == (1, 32, 32, 3) and rows["kind"].tolist() == [FAKE]
