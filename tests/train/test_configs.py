import pytest
import torch

from leafcore.errors import ConfigError
from leafcore.nets.patch_discriminator import PatchDiscriminator
from leafcore.train.configs import RECIPES, CycleGANConfig


def test_the_defaults_of_the_translators_are_the_papers():
    config = CycleGANConfig.build({"dataset": "d", "b": "rust"}, preset="paper")
    assert (config.size_px, config.batch_size, config.filters, config.blocks) == (256, 1, 64, 9)
    assert (config.disc_filters, config.disc_layers, config.pool_size) == (64, 3, 50)
    assert (config.learning_rate, config.beta1, config.epochs, config.epochs_decay) == (2e-4, 0.5, 100, 100)
    assert (config.weight_cycle, config.weight_identity) == (10.0, 5.0)


@pytest.mark.parametrize(("a", "b"), [("rust", "rust"), ("rust scab", "scab+rust")])
def test_a_translation_between_the_same_labels_is_refused(a, b):
    with pytest.raises(ConfigError, match="a and b: got .* twice, expected two different label sets"):
        CycleGANConfig.build({"dataset": "d", "a": a, "b": b})


def test_all_epochs_count_the_decay():
    assert CycleGANConfig.build({"dataset": "d", "b": "x", "epochs": 3, "epochs_decay": 4}).all_epochs == 7


@pytest.mark.parametrize("kind", RECIPES)
def test_an_unknown_setting_is_refused_with_those_there_are(kind):
    with pytest.raises(ConfigError, match="colour: unknown setting. Known: dataset, "):
        RECIPES[kind].config.build({"dataset": "d", "b": "x", "masks": "m", "colour": 1})


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("name", ["../up", "a b", ".x"])
def test_a_name_that_cannot_be_promoted_is_refused_before_training(kind, name):
    given = {"dataset": "d", "b": "x", "masks": "m", "promote_as": name}
    config = RECIPES[kind].config
    with pytest.raises(ConfigError, match="promote_as: got .* expected 1 to 80 letters"):
        config.build({key: value for key, value in given.items() if key in config.model_fields})


@pytest.mark.parametrize("layers", range(1, 6))
@pytest.mark.parametrize("size_px", [32, 36, 48, 64, 92, 96, 128])
def test_a_discriminator_that_does_not_fit_its_pictures_is_refused(size_px, layers):
    def build():
        return CycleGANConfig.build({"dataset": "d", "b": "x", "size_px": size_px, "disc_layers": layers})

    try:
        PatchDiscriminator(4, layers)(torch.zeros(1, 3, size_px, size_px))
    except (ValueError, RuntimeError):
        with pytest.raises(ConfigError, match=f"disc_layers: got {layers}, too many for pictures of {size_px} px"):
            build()
    else:
        assert build().disc_layers == layers
