import pytest

from leafcore.data.learned import learned_pictures
from leafcore.data.manifest import Dataset, load
from leafcore.errors import DatasetError


@pytest.fixture
def dataset(journey):
    return load(journey.workspace, journey.dataset)


def only(dataset, keep):
    """Return the dataset with some of its records."""
    return Dataset(dataset.name, dataset.version, dataset.records[keep(dataset.records)], dataset.card)


def test_all_label_sets_are_learned_unless_some_are_asked_for(dataset):
    labels, records = learned_pictures(dataset, ())
    assert labels == ("healthy", "rust", "scab") and set(records["split"]) == {"train"}
    labels, records = learned_pictures(dataset, ("scab", "rust"))
    assert labels == ("scab", "rust") and list(records["labels"].unique()) == ["scab", "rust"]


def test_an_empty_class_is_named(dataset):
    without = only(dataset, lambda records: ~((records["labels"] == "rust") & (records["split"] == "train")))
    with pytest.raises(DatasetError, match="'rust' has no train image in leaves@"):
        learned_pictures(without, ("healthy", "rust"))
    assert learned_pictures(without, ())[0] == ("healthy", "scab")


def test_a_label_set_that_nobody_knows_is_refused(dataset):
    with pytest.raises(DatasetError, match="got 'mildew', expected one of the label sets of leaves@"):
        learned_pictures(dataset, ("mildew",))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_pictures_are_enough(dataset, count):
    images = set(dataset.select(split="train", labels="rust")["image"][:count])
    few = only(dataset, lambda records: records["image"].isin(images))
    if count == 2:
        assert len(learned_pictures(few, ())[1]) == 2
        return
    with pytest.raises(DatasetError, match=f"has {count} train pictures of .*, expected at least 2") as raised:
        learned_pictures(few, ())
    assert "\n" not in str(raised.value)


def test_one_class_is_no_class(dataset):
    with pytest.raises(DatasetError, match="conditional: .* one label set, rust; classes need at least 2"):
        learned_pictures(dataset, ("rust",), as_classes=True)
