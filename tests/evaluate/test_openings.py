import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from leafcore.data.manifest import list_datasets, load, save, versions
from leafcore.evaluate.evaluate import evaluate
from leafcore.evaluate.openings import count_opening
from tests.conftest import carrier
from tests.watcher import Watcher


@pytest.fixture
def dataset(own, journey):
    """The journey's dataset, whose test split its own comparison has opened."""
    return load(own, journey.dataset)


def test_every_comparison_counts_once(own, dataset, journey):
    assert [count_opening(own, dataset, run) for run in ("a", "b", "a", "c")] == [2, 3, 3, 4]
    note = own.dataset(dataset.name) / f"{dataset.version}.opened.json"
    assert json.loads(note.read_text()) == {"comparisons": [journey.runs["evaluate"].id, "a", "b", "c"]}


def test_the_note_is_no_version(own, dataset):
    count_opening(own, dataset, "a")
    assert list_datasets(own) == ["leaves"] and versions(own, "leaves") == [dataset.version]


def test_another_version_has_a_test_split_of_its_own(own, dataset, leaf_folders):
    other = load(own, carrier(own)("import", source=leaf_folders, name="leaves", seed=5).result()["dataset"])
    assert (count_opening(own, other, "a"), count_opening(own, dataset, "a")) == (1, 2)


def test_an_edited_version_does_not_begin_anew(own, dataset):
    records = dataset.records.drop(index=dataset.records.index[0])
    edited = save(own, "leaves", records, dataset.card.model_copy(update={"parent": dataset.version}))
    assert (count_opening(own, edited, "a"), count_opening(own, edited, "b")) == (2, 3)
    back = save(own, "leaves", dataset.records, dataset.card.model_copy(update={"parent": edited.version}))
    assert back.ref == dataset.ref and count_opening(own, back, "c") == 4, "the same test split"


def test_comparisons_at_the_same_time_are_all_counted(own, dataset):
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda number: count_opening(own, dataset, f"run-{number}"), range(24)))
    assert sorted(counts) == list(range(2, 26))


def test_a_comparison_says_how_often_its_test_split_was_opened(own, config, journey, tmp_path):
    assert journey.runs["evaluate"].result()["test_opened"] == 1
    counts = [evaluate(config, own, Watcher(tmp_path / name)) for name in ("second", "third")]
    assert [found.test_opened for found in counts] == [2, 3]
    assert "test split opened 3 times so far" in counts[-1].verdict
