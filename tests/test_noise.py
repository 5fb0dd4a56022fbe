import pytest

from leafcore.errors import CheckpointError, ConfigError, DatasetError
from leafcore.noise import NoiseFacts, noise_facts, picture_seed
from tests.planted import plant_translator

CONDITIONAL = NoiseFacts("three", 64, 100, ("healthy", "rust", "rust scab"), "", "leaves@1")
FREE = NoiseFacts("free", 64, 100, (), "", "leaves@1")
SINGLE = NoiseFacts("rusty", 64, 100, (), "rust", "leaves@1")


def test_without_a_wish_every_class_has_its_turn():
    assert CONDITIONAL.labels_of([0, 1, 2, 3, 7]) == ["healthy", "rust", "rust scab", "healthy", "rust"]
    assert CONDITIONAL.labels_of([0, 1], "rust") == ["rust", "rust"]
    assert SINGLE.labels_of([5, 6]) == ["rust", "rust"] and FREE.labels_of([0]) == [""]


def test_labels_are_asked_for_in_any_notation():
    assert CONDITIONAL.require_label("scab+rust") == "rust scab"
    assert SINGLE.require_label("rust") == "rust" and FREE.require_label(" ") == ""


@pytest.mark.parametrize("facts", [CONDITIONAL, SINGLE])
def test_a_label_that_the_model_does_not_make_is_refused_with_those_it_makes(facts):
    with pytest.raises(
        DatasetError, match=f"label: got 'mould', expected one of the label sets of {facts.name}: .*rust"
    ):
        facts.require_label("mould")


def test_an_unconditional_model_cannot_be_asked_for_a_label():
    with pytest.raises(ConfigError, match="label: got 'rust', but free is unconditional"):
        FREE.require_label("rust")


def test_a_translator_is_no_noise_model(workspace):
    with pytest.raises(CheckpointError, match="x is a leafgan model and makes nothing from noise; expected a DCGAN"):
        noise_facts(plant_translator(workspace, "x"))


def test_the_seeds_of_pictures_depend_on_the_seed_and_on_the_number():
    seeds = {picture_seed(seed, index) for seed in range(3) for index in range(100)}
    assert len(seeds) == 300 and picture_seed(1, 2) == picture_seed(1, 2)
