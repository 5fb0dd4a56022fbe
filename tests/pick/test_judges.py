import pytest

from leafcore.checkpoints import open_checkpoint, promote
from leafcore.pick.judges import can_name, newest_judge
from tests.conftest import carrier


@pytest.fixture
def trained(own, journey):
    return carrier(own)("classifier", dataset=journey.dataset)


def test_the_newest_classifier_of_the_version_judges_at_its_best_epoch(own, journey, trained):
    found = newest_judge(own, journey.dataset, ["healthy", "rust"])
    assert found.name == f"{trained.id}@{trained.result()['best_epoch']}"
    promote(own, trained.id, "judge")
    assert newest_judge(own, journey.dataset, ["healthy", "rust"]).name == "judge"


def test_a_classifier_of_another_version_or_of_other_labels_is_no_judge(own, journey, trained):
    assert newest_judge(own, f"{journey.dataset.partition('@')[0]}@000000000000", ["rust"]) is None
    assert newest_judge(own, journey.dataset, ["healthy", "mildew"]) is None


def test_a_classifier_whose_weights_are_gone_is_passed_over(own, journey, trained):
    for weights in trained.folder.glob("weights/*"):
        weights.unlink()
    assert newest_judge(own, journey.dataset, ["rust"]) is None


@pytest.mark.parametrize(("several", "names"), [(True, {"rust", "scab", "rust scab"}), (False, {"rust", "scab"})])
def test_one_sigmoid_per_label_names_combinations_a_softmax_does_not(own, trained, several, names):
    checkpoint = open_checkpoint(own, trained.id)
    checkpoint.card.description["multi_label"] = several
    assert {labels for labels in ("rust", "scab", "rust scab", "mildew") if can_name(checkpoint, labels)} == names
