import pytest

from leafcore.data import leaks
from leafcore.data.manifest import load, save
from leafcore.data.seen import load_seen
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.children import open_children
from tests.watcher import Watcher


def moved(own, config, sources, split):
    """Return a version of the dataset in which the groups of some pictures are in another split."""
    dataset = load(own, config.dataset)
    groups = dataset.records.loc[dataset.records["sha256"].isin(sources), "group"]
    records = dataset.records.copy()
    records.loc[records["group"].isin(groups), "split"] = split
    return save(own, dataset.name, records, dataset.card.model_copy(update={"parent": dataset.version}))


def test_all_children_of_train_pictures_are_learned_from(own, config):
    whole, dataset = open_synthetic_set(own, config.synthetic[0]), load(own, config.dataset)
    children = open_children(own, whole.id, dataset)
    assert children.pictures.files == whole.files and children.left_out == 0
    assert children.seen == load_seen(whole.folder)


@pytest.mark.parametrize("split", ["val", "test"])
def test_children_of_pictures_that_came_to_judge_are_left_out(own, config, tmp_path, split):
    whole = open_synthetic_set(own, config.synthetic[0])
    source = whole.manifest["source_sha256"].iloc[0]
    dataset = moved(own, config, [source], split)
    gone = int((whole.manifest["source_sha256"] == source).sum())
    children = open_children(own, whole.id, dataset)
    assert children.left_out == gone and set(children.pictures.manifest["source_sha256"]).isdisjoint({source})
    told = leaks.check(dataset, children.seen)
    assert (told.test["source"], told.val["source"], told.outside["source"]) == (0, 0, 0)
    assert told.outside["generator"] > 0, "the generator learned from it, which is told"
    watcher = Watcher(tmp_path / "run")
    material = load_material(config.model_copy(update={"dataset": dataset.ref}), own, watcher)
    assert (material.synthetic, material.left_out) == (len(whole.files) - gone, gone)
    assert watcher.warnings[0].startswith(f"Left out {gone} synthetic pictures, for their sources are in validation")


def test_a_set_whose_sources_all_judge_is_refused(own, config):
    whole = open_synthetic_set(own, config.synthetic[0])
    dataset = moved(own, config, set(whole.manifest["source_sha256"]), "test")
    with pytest.raises(DatasetError, match=r"synthetic: the sources of all 6 pictures of .* are in validation or test"):
        open_children(own, whole.id, dataset)
