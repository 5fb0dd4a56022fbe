import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from leafcore.data.manifest import list_datasets, load, make_current, save, versions
from leafcore.errors import Stopped
from leafcore.evaluate.evaluate import evaluate
from leafcore.evaluate.openings import count_opening, count_shown
from tests.conftest import carrier
from tests.watcher import Watcher


@pytest.fixture
def dataset(own, journey):
    """The journey's dataset, whose test split its own comparison has opened."""
    return load(own, journey.dataset)


def test_every_comparison_counts_once(own, dataset, journey):
    assert [count_opening(own, dataset, run) for run in ("a", "b", "a", "c")] == [2, 3, 3, 4]
    (note,) = own.openings.glob("*.json")
    assert json.loads(note.read_text()) == {
        "test": sorted(dataset.select(split="test")["sha256"]),
        "versions": [dataset.ref],
        "runs": sorted([journey.runs["evaluate"].id, "a", "b", "c"]),
    }


def of_records(own, dataset, name, records):
    return save(own, name, records, dataset.card)


def test_the_same_test_pictures_under_another_name_do_not_begin_anew(own, dataset):
    records = dataset.records
    thin = of_records(own, dataset, "thin", records.drop(index=records.index[records["split"] == "train"][3:]))
    assert thin.name != dataset.name and len(thin.records) < len(records)
    assert (count_opening(own, thin, "a"), count_opening(own, dataset, "b")) == (2, 3)


@pytest.mark.parametrize(("kept", "counts"), [(4, (2, 3)), (3, (1, 2))])
def test_a_test_split_that_shares_half_its_pictures_is_the_same(own, dataset, kept, counts):
    """Seven test pictures each, of which some are train pictures of the other."""
    records = dataset.records.copy()
    test, train = (records.index[records["split"] == split] for split in ("test", "train"))
    records.loc[test[kept:], "split"], records.loc[train[: 7 - kept], "split"] = "train", "test"
    other = of_records(own, dataset, "other", records)
    assert len(other.select(split="test")) == 7
    assert (count_opening(own, other, "a"), count_opening(own, dataset, "b")) == counts


def test_what_older_workspaces_noted_is_counted_under_every_name(own, dataset):
    shutil.rmtree(own.openings)
    note = own.dataset(dataset.name) / f"{dataset.version}.opened.json"
    note.write_text('{"comparisons": ["first", "second"]}')
    assert list_datasets(own) == ["leaves"] and versions(own, "leaves") == [dataset.version], "the note is no version"
    thin = of_records(own, dataset, "thin", dataset.records.drop(index=dataset.records.index[0]))
    assert (count_opening(own, thin, "a"), count_opening(own, dataset, "second")) == (3, 3)


def test_a_dataset_that_is_gone_leaves_its_looks_behind(own, dataset):
    again = dataset.records
    shutil.rmtree(own.dataset("leaves"))
    assert count_opening(own, of_records(own, dataset, "again", again), "a") == 2


def test_files_that_are_test_pictures_are_known_by_what_they_hold_or_where_they_lie(own, dataset, tmp_path):
    test, train = (dataset.paths(dataset.select(split=split)) for split in ("test", "train"))
    copy = shutil.copy(test[0], tmp_path / "renamed.png")
    drawn = of_records(own, dataset, "leaves", dataset.records.assign(sha256="of a recipe"))
    assert count_shown(own, [*train, tmp_path / "gone.png"], "a") == 0
    assert count_shown(own, [*train, copy], "b") == 0 and count_shown(own, test[:1], "b") == 1
    make_current(own, "leaves", dataset.version)
    assert drawn.version != dataset.version and count_shown(own, [*train, copy], "c") == 2


def test_a_comparison_that_ends_before_it_looks_is_not_counted(own, config, dataset, tmp_path):
    with pytest.raises(Stopped):
        evaluate(config, own, Watcher(tmp_path / "run", stop_after=2))
    assert count_opening(own, dataset, "a") == 2, "the journey's comparison, and this look"
    with pytest.raises(Stopped):
        evaluate(config, own, Watcher(tmp_path / "run", stop_after=5))
    assert count_opening(own, dataset, "a") == 3, "its first classifier was judged"


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
