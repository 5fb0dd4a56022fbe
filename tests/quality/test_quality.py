"""The verb on the journey's six rust leaves, so few that distances are withheld; judged and mixed sets made by hand."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leafcore.data.manifest import load, save
from leafcore.data.seen import save_seen
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.jobs import build_config
from leafcore.measure.interpretation import Rate
from leafcore.measure.witness import Witness
from leafcore.quality import quality as verb
from leafcore.quality.configs import QualityConfig
from leafcore.quality.result import ALL, REAL, QualityResult
from leafcore.runs import Run, create_run
from leafcore.workspace import Workspace
from tests.conftest import carrier
from tests.states import write_state
from tests.watcher import Watcher

TINY = {"backbone": "test_resnet", "pretrained": False}


@pytest.fixture
def own(journey, tmp_path) -> Workspace:
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


def set_of(workspace: Workspace, journey, rows: list[dict[str, str]], **seen: list[str]) -> Run:
    """Write a synthetic set of the journey's pictures under other labels."""
    made = open_synthetic_set(workspace, journey.runs["synthesize"].id)
    run = create_run(workspace, "synthesize", build_config("synthesize", made_as(journey)))
    shutil.copytree(made.folder / "images", run.folder / "images")
    manifest = made.manifest.iloc[: len(rows)].assign(**{key: [row[key] for row in rows] for key in rows[0]})
    manifest.to_csv(run.folder / "manifest.csv", index=False)
    save_seen(run.folder, seen)
    write_state(run, "done")
    return run


def made_as(journey) -> dict[str, object]:
    return dict(journey.runs["synthesize"].record.settings)


def measured(workspace: Workspace, dataset: str, *runs: Run, **values) -> QualityResult:
    run = carrier(workspace)("quality", dataset=dataset, synthetic=tuple(one.id for one in runs), **{**TINY, **values})
    return QualityResult.model_validate(run.result())


def names_all(monkeypatch, labels: str, accuracy: float = 0.95, n: int = 40) -> None:
    """Let a judge say the same of every picture."""

    class Judge:
        def __call__(self, pictures):
            return [labels] * len(pictures)

    rate = Rate(value=accuracy, low=0, high=1, n=n)
    monkeypatch.setattr(verb, "open_witness_of_chain", lambda *rest: Witness(Judge(), "judge@3", rate, "", {}))


def test_photographs_are_not_enlarged_beside_larger_synthetic_pictures(own, journey):
    run = journey.runs["synthesize"]
    table = own.runs / run.id / "manifest.csv"
    pd.read_csv(table, dtype=str, keep_default_na=False).assign(size_px="512").to_csv(table, index=False)
    side = int(load(own, journey.dataset).records[["width", "height"]].min(axis=None))
    assert measured(own, journey.dataset, run).size_px == side // 32 * 32 < 512


def test_a_set_stands_beside_real_train_pictures_at_its_own_size(own, journey):
    found = measured(own, journey.dataset, journey.runs["synthesize"])
    assert [(cell.set, cell.labels, cell.fakes) for cell in found.cells] == [
        (REAL, "rust", 6),
        (journey.runs["synthesize"].id, "rust", 6),
    ]
    val = load(own, journey.dataset).select(split="val", labels="rust")
    assert {cell.reals for cell in found.cells} == {len(val)}
    assert (found.size_px, found.features, found.judge) == (32, ("test_resnet, untrained",), "")
    assert found.cells[1].scores.keys() == {"nearest_train"}
    assert "from 20 pictures on each side; there are 6" in found.cells[1].withheld["kid"]


def test_no_test_picture_is_looked_at(own, journey):
    shutil.rmtree(own.cache / "features", ignore_errors=True)  # what other tests of the journey looked at
    measured(own, journey.dataset, journey.runs["synthesize"], reals="train-and-val")
    kept = {name for path in own.cache.glob("features/*/*.npz") for name in np.load(path)["sha256"].tolist()}
    records = load(own, journey.dataset).select(labels="rust")
    assert kept & set(records["sha256"]) == set(records.loc[records["split"] != "test", "sha256"])


def test_sets_are_cut_to_the_smallest_so_that_their_numbers_compare(own, journey):
    small = set_of(own, journey, [{"labels": "rust"}] * 4)
    found = measured(own, journey.dataset, journey.runs["synthesize"], small)
    assert {cell.fakes for cell in found.cells} == {4}
    titles = [found.titles[cell.set] for cell in found.cells]
    assert len(set(titles)) == 3, "called the same, they are told apart"


def test_a_set_of_several_classes_is_measured_by_class_and_as_a_whole(own, journey):
    mixed = set_of(own, journey, [{"labels": name} for name in ("rust", "rust", "rust", "scab", "scab", "scab")])
    found = measured(own, journey.dataset, mixed, journey.runs["synthesize"])
    counts = {(cell.labels, cell.set): cell.fakes for cell in found.cells}
    one = journey.runs["synthesize"].id
    assert counts == {
        (ALL, REAL): 6, (ALL, mixed.id): 6, ("rust", REAL): 3, ("rust", mixed.id): 3, ("rust", one): 3,
        ("scab", REAL): 3, ("scab", mixed.id): 3,
    }  # fmt: skip


def test_what_has_no_labels_is_held_against_what_its_generator_learned_of(own, journey):
    records = load(own, journey.dataset).select(split="train", labels="scab")
    unlabelled = set_of(own, journey, [{"labels": ""}] * 6, generator=list(records["sha256"]))
    found = measured(own, journey.dataset, unlabelled)
    val = load(own, journey.dataset).select(split="val", labels="scab")
    assert [(cell.labels, cell.reals) for cell in found.cells] == [(ALL, len(val))] * 2


def test_a_judge_s_word_stands_beside_real_pictures_and_fakes(own, journey, monkeypatch):
    names_all(monkeypatch, "rust")
    monkeypatch.setattr(verb, "open_checkpoint", lambda *rest: journey_judge("a" * 64))
    found = measured(own, journey.dataset, journey.runs["synthesize"])
    assert found.judge == "judge@3" and (found.judge_right.value, found.judge_right.n) == (0.95, 40)
    assert [cell.scores["agreement"].value for cell in found.cells] == [1, 1]
    assert found.cells[0].scores["agreement"].n == found.cells[0].reals, "train pictures it learned from are not asked"


def journey_judge(weights: str):
    card = type("Card", (), {"weights_sha256": weights})
    return type("Checkpoint", (), {"card": card})


def test_a_judge_that_gave_the_labels_is_not_asked_about_them(own, journey, monkeypatch):
    names_all(monkeypatch, "rust")
    monkeypatch.setattr(verb, "open_checkpoint", lambda *rest: journey_judge("b" * 64))
    votes = json.dumps([{"teacher": "t", "weights_sha256": "b" * 64, "labels": "rust", "probability": 0.9}])
    taught = set_of(own, journey, [{"labels": "rust", "votes": votes}] * 6)
    found = measured(own, journey.dataset, taught, journey.runs["synthesize"])
    agreement = {cell.set: "agreement" in cell.scores for cell in found.cells}
    assert agreement == {REAL: True, taught.id: False, journey.runs["synthesize"].id: True}
    assert found.cells[1].withheld["agreement"] == "judge@3 itself gave this set its labels"


def test_a_judge_that_does_not_know_real_pictures_says_nothing(own, journey, monkeypatch):
    names_all(monkeypatch, "rust", accuracy=0.6)
    found = measured(own, journey.dataset, journey.runs["synthesize"])
    assert all("agreement" not in cell.scores for cell in found.cells)
    assert "names 60% of 40 real validation pictures rightly" in found.cells[1].withheld["agreement"]


def test_a_judge_that_was_hardly_tried_says_nothing_and_what_to_do(own, journey, monkeypatch):
    names_all(monkeypatch, "rust", accuracy=1.0, n=19)
    found = measured(own, journey.dataset, journey.runs["synthesize"])
    assert all("agreement" not in cell.scores for cell in found.cells) and found.judge_right.n == 19
    assert "was tried on 19 real validation pictures, expected at least 20" in found.cells[1].withheld["agreement"]


def test_a_generator_that_saw_the_real_pictures_is_named(own, journey, tmp_path):
    val = load(own, journey.dataset).select(split="val", labels="rust")
    leaky = set_of(own, journey, [{"labels": "rust"}] * 6, generator=list(val["sha256"]))
    watcher = Watcher(tmp_path / "run")
    watcher.report = lambda *counts, **scalars: None
    config = QualityConfig(dataset=journey.dataset, synthetic=(leaky.id,), judge="none", device="cpu", **TINY)
    found = verb.quality(config, own, watcher)
    assert found.seen == {leaky.id: len(val)}
    assert watcher.warnings == [
        f"{len(val)} of {len(val)} validation pictures were seen by the generator of {leaky.id}."
    ]


def test_labels_without_a_validation_picture_are_refused(own, journey):
    wilt = set_of(own, journey, [{"labels": "wilt"}] * 6)
    with pytest.raises(DatasetError, match="dataset: leaves@.* has no validation picture of wilt; choose the dataset"):
        measured(own, journey.dataset, wilt)


def test_without_labels_what_has_no_validation_picture_is_told_and_the_rest_is_measured(own, journey, tmp_path):
    dataset = load(own, journey.dataset)
    records = dataset.records.copy()
    records.loc[(records["labels"] == "scab") & (records["split"] == "val"), "split"] = "train"
    thin = save(own, "leaves", records, dataset.card.model_copy(update={"parent": dataset.version}))
    learned = thin.records[(thin.records["split"] == "train") & thin.records["labels"].isin(["rust", "scab"])]
    unlabelled = set_of(own, journey, [{"labels": ""}] * 6, generator=list(learned["sha256"]))
    watcher = Watcher(tmp_path / "run")
    watcher.report = lambda *counts, **scalars: None
    config = QualityConfig(dataset=thin.ref, synthetic=(unlabelled.id,), judge="none", device="cpu", **TINY)
    found = verb.quality(config, own, watcher)
    val = thin.select(split="val", labels="rust")
    assert [(cell.labels, cell.reals) for cell in found.cells] == [(ALL, len(val))] * 2
    assert found.cells[1].scores["nearest_train"].n == 6, "train pictures of both may have been copied"
    assert watcher.warnings == [
        f"{unlabelled.id} is held against validation pictures of rust: there is none of scab, which it may show too; "
        "split the dataset again to have some."
    ]

    scab = set_of(
        own, journey, [{"labels": ""}] * 6, generator=list(thin.select(split="train", labels="scab")["sha256"])
    )
    with pytest.raises(DatasetError, match="has no validation picture of scab"):
        measured(own, thin.ref, scab)


def test_every_number_is_a_row_of_a_table(own, journey):
    run = carrier(own)("quality", dataset=journey.dataset, synthetic=(journey.runs["synthesize"].id,), **TINY)
    table = pd.read_csv(Path(run.folder) / "quality.csv")
    found = QualityResult.model_validate(run.result())
    row = table[(table["set"] != REAL) & (table["measure"] == "nearest_train")].iloc[0]
    assert (row["value"], row["n"]) == (pytest.approx(found.cells[1].scores["nearest_train"].value), 6)
    assert table.loc[table["measure"] == "kid", "withheld"].str.startswith("from 20").all()
