"""The verb on the journey's leaves: what is found is written down, and not found again."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import Stopped
from leafcore.files import read_json, write_json
from leafcore.realfake import material
from leafcore.realfake import realfake as verb
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.material import REAL, choose_sides
from leafcore.realfake.result import RESULT, RealFakeResult, SetTold, Told
from leafcore.workspace import Workspace
from tests.watcher import Watcher


def told(hits: int, n: int, low: float, high: float) -> Told:
    return Told(hits=hits, n=n, accuracy=hits / n, low=low, high=high, auroc=0.9)


@pytest.fixture
def config(journey):
    return RealFakeConfig(
        dataset=journey.dataset, synthetic=(journey.runs["synthesize"].id,), count=8, epochs=1, batch_size=2,
        backbone="test_resnet", pretrained=False, device="cpu",
    )  # fmt: skip


class Quiet(Watcher):
    """Counts nothing: phases count different things."""

    def report(self, done: int, total: int, **scalars: float) -> None:
        assert 0 < done <= total and not scalars


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(material, "LEAST", 2)


def test_both_machines_judge_held_out_pictures(journey, config, tmp_path, few):
    found = verb.realfake(config, journey.workspace, Quiet(tmp_path / "run"))
    one = found.sets[0]
    assert (found.size_px, one.labels, one.judged) == (32, ("rust",), 2)
    assert one.told.keys() == {"probe", "cnn"} and {machine.n for machine in one.told.values()} == {4}
    files = set(open_synthetic_set(journey.workspace, one.set).files)
    assert len(one.suspicion) == 2 and one.suspicion.keys() <= files
    assert all(0 <= said <= 1 for said in one.suspicion.values())


def test_the_probe_alone_where_no_epoch_is_asked_for(journey, config, tmp_path, few):
    found = verb.realfake(config.model_copy(update={"epochs": 0}), journey.workspace, Quiet(tmp_path / "run"))
    assert found.sets[0].told.keys() == {"probe"}


def test_of_too_few_pictures_nothing_is_told(journey, config, tmp_path):
    found = verb.realfake(config, journey.workspace, Quiet(tmp_path / "run"))
    assert found.sets[0].told == {} and "it takes 8 pictures of each kind" in found.sets[0].verdict()


@pytest.fixture
def thinned(journey, config, tmp_path):
    """Return a function that takes away, in a copy of the journey, all but some of the photographs of each side."""

    def thin(learn: int, judge: int) -> Workspace:
        shutil.copytree(journey.workspace.root, tmp_path / "own")
        own = Workspace(tmp_path / "own")
        folder = shutil.copytree(load(own, journey.dataset).root, tmp_path / "photographs")
        card = own.datasets / f"{journey.dataset.replace('@', '/')}.json"
        write_json(card, {**read_json(card), "root": str(folder)})
        pictures = open_synthetic_set(own, config.synthetic[0])
        sides = choose_sides(load(own, journey.dataset), pictures, config.model_copy(update={"size_px": 32}))
        for side, left in ((sides.learn, learn), (sides.judge, judge)):
            for path in side.loc[side["kind"] == REAL, "path"].iloc[left:]:
                Path(path).unlink()
        return own

    return thin


def test_where_photographs_are_gone_both_kinds_are_judged_in_equal_number(journey, config, tmp_path, few, thinned):
    own = thinned(learn=3, judge=2)
    watcher = Quiet(tmp_path / "run")
    one = verb.realfake(config.model_copy(update={"epochs": 0}), own, watcher).sets[0]
    assert (one.learned, one.judged, one.told["probe"].n) == (3, 2, 4)
    title = one.title
    assert watcher.warnings == [
        f"{title}: 1 of 8 pictures cannot be read (photographs 1, synthetic 0); left out too, so that there are as "
        "many of each kind: 1."
    ]


@pytest.mark.parametrize("left", [0, 1])
def test_where_too_few_photographs_are_left_nothing_is_told(journey, config, tmp_path, few, thinned, left):
    own = thinned(left, left)
    watcher = Quiet(tmp_path / "run")
    one = verb.realfake(config, own, watcher).sets[0]
    assert one.told == {} and len(watcher.warnings) == 2
    assert one.withheld == (
        "Nothing can be told: it takes 2 pictures of each kind to learn from and 2 to judge; there are "
        f"{left} and {left} in groups of their own that can be read."
    )


def test_the_side_is_one_that_photographs_have_too(journey, config, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    own = Workspace(tmp_path / "own")
    manifest = own.run(config.synthetic[0]) / "manifest.csv"
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    table.assign(size_px="128").to_csv(manifest, index=False)
    watcher = Quiet(tmp_path / "run")
    found = verb.realfake(config, own, watcher)
    assert (found.size_px, found.warning, watcher.warnings) == (32, "", []), "photographs have 48 px"


def test_a_side_that_enlarges_is_warned_of_in_the_result(journey, config, tmp_path):
    watcher = Quiet(tmp_path / "run")
    found = verb.realfake(config.model_copy(update={"size_px": 64}), journey.workspace, watcher)
    assert found.warning.startswith(
        "size_px: 64 px enlarges 100% of the photographs (from 48 px) and 100% of the synth"
    )
    assert watcher.warnings == [found.warning]


def test_a_resumed_run_keeps_the_sets_that_are_judged(journey, config, tmp_path, few, monkeypatch):
    folder = tmp_path / "run"
    first = verb.realfake(config, journey.workspace, Quiet(folder))
    monkeypatch.setattr(verb, "probe", lambda *rest, **values: pytest.fail("it is judged already"))
    assert verb.realfake(config, journey.workspace, Quiet(folder)) == first


def test_a_stop_keeps_what_was_found(journey, config, tmp_path, few):
    class StopsWhenFineTuning(Quiet):
        @property
        def should_stop(self) -> bool:
            return self.phases[-1].startswith("fine-tuning")

    kept = SetTold(set="earlier", title="Earlier", withheld="nothing")
    watcher = StopsWhenFineTuning(tmp_path / "run")
    before = RealFakeResult(dataset="leaves@1", size_px=32, quality=85, backbone="net", sets=[kept])
    write_json(watcher.folder / RESULT, before.model_dump(mode="json"))
    with pytest.raises(Stopped):
        verb.realfake(config, journey.workspace, watcher)
    assert RealFakeResult.model_validate_json((watcher.folder / RESULT).read_bytes()) == before


def test_the_verdict_claims_no_more_than_the_interval_allows():
    assert told(112, 120, 0.87, 0.97).verdict() == "told apart: 93% of 120, 87% to 97%"
    assert (
        told(66, 120, 0.46, 0.64).verdict() == "not shown to be told apart: 55% of 120, 46% to 64%; guessing gives 50%"
    )
    both = SetTold(set="r", title="t", told={"probe": told(66, 120, 0.46, 0.64), "cnn": told(112, 120, 0.87, 0.97)})
    assert (
        both.verdict().startswith("Linear probe: not shown to be told apart")
        and "network: told apart: 93%" in both.verdict()
    )


def test_sets_are_asked_about_once_each():
    config = RealFakeConfig.build({"dataset": "leaves", "synthetic": "a, b,a"})
    assert config.synthetic == ("a", "b")
