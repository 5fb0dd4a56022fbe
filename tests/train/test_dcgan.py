"""DCGAN's steps against ones written out plainly, and what its settings make of them."""

import copy
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from leafcore.errors import ConfigError, Stopped
from leafcore.jobs import build_config
from leafcore.train.checkpointing import load_state
from leafcore.train.configs import DCGANConfig
from leafcore.train.dcgan import DCGAN, RealBatch
from leafcore.train.loop import train
from leafcore.train.noise_data import ClassPictures
from tests.conftest import TINY
from tests.watcher import Watcher

VARIANTS = {
    "wgan-gp": {"loss": "wgan-gp", "critic_steps": 2},
    "projection": {"conditional": "projection", "spectral_norm": True, "ema_decay": 0.5},
    "acgan": {"conditional": "acgan", "diffaug": True, "precision": "bf16"},
    "acgan critic": {"conditional": "acgan", "loss": "wgan-gp", "critic_steps": 1, "diffaug": True},
}


@pytest.fixture
def make():
    """Return a function that makes a recipe over six random pictures of two classes, the same one each time."""

    def build(count=6, **values):
        torch.manual_seed(0)
        config = build_config("dcgan", {**TINY["dcgan"], "dataset": "none", "device": "cpu", **values})
        pixels = np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
        pictures = ClassPictures(pixels, np.arange(count) % 2, torch.Generator().manual_seed(0), flip=config.flip)
        return DCGAN(config, pictures, ("healthy", "rust"), torch.device("cpu"))

    return build


def latents_of(recipe):
    """Return the latent vectors that its next step will draw."""
    generator = torch.Generator()
    generator.set_state(recipe.generator.get_state())
    return torch.randn(recipe.config.batch_size, recipe.config.latent, generator=generator)


def test_the_published_step_is_followed(make):
    recipe = make()
    batch = recipe.next_batch()
    z, real = latents_of(recipe), batch[0].images
    gen, disc = copy.deepcopy(recipe.gen), copy.deepcopy(recipe.disc)
    adam_gen, adam_disc = (torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999)) for net in (gen, disc))
    ones = torch.ones(len(real))
    fake = gen(z)
    on_real, on_fake = disc(real).scores, disc(fake.detach()).scores
    wanted = {
        "disc": F.binary_cross_entropy_with_logits(on_real, 0.9 * ones)
        + F.binary_cross_entropy_with_logits(on_fake, 0 * ones),
        "probability_real": on_real.sigmoid().mean(),
        "probability_fake": on_fake.sigmoid().mean(),
    }
    wanted["disc"].backward()
    adam_disc.step()
    wanted["adversarial"] = F.binary_cross_entropy_with_logits(disc(fake).scores, ones)
    adam_gen.zero_grad()
    wanted["adversarial"].backward()
    adam_gen.step()

    got = recipe.step(batch)
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(got[name], value.detach(), msg=name)
    for ours, plain in ((recipe.gen, gen), (recipe.disc, disc)):
        for name, value in plain.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-4, atol=2e-6, msg=name)


def test_the_critic_steps_as_often_as_asked_and_the_generator_once(make, monkeypatch):
    recipe = make(loss="wgan-gp", critic_steps=3)
    steps = []
    for name in ("optimizer_gen", "optimizer_disc"):
        original = getattr(recipe, name).step
        monkeypatch.setattr(getattr(recipe, name), "step", lambda n=name, s=original: steps.append(n) or s())
    losses = recipe.step(recipe.next_batch())
    assert steps == ["optimizer_disc"] * 3 + ["optimizer_gen"]
    assert losses.keys() == {"disc", "gradient_penalty", "gradient_norm", "adversarial"}
    assert recipe.steps_per_epoch == 1 and make(batch_size=2).steps_per_epoch == 3


def test_the_penalty_holds_the_critics_gradients(make):
    def last_norm(weight):
        recipe = make(loss="wgan-gp", critic_steps=2, learning_rate=1e-3, beta1=0.0, weight_penalty=weight)
        return [recipe.step(recipe.next_batch()) for _ in range(12)][-1]["gradient_norm"].item()

    assert last_norm(0.0) > 3 * last_norm(10.0)


def test_an_auxiliary_classifier_is_descended_by_both(make):
    losses = make(conditional="acgan").step(make(conditional="acgan").next_batch())
    assert {"class_real", "class_fake", "class_made"} <= losses.keys()
    assert losses["class_real"].item() == pytest.approx(np.log(2), rel=0.2), "at first it guesses between two"


def test_a_fake_is_judged_as_of_the_class_that_it_was_made_for(make, monkeypatch):
    recipe = make(conditional="projection")
    told = []
    for net in (recipe.gen, recipe.disc):
        net.register_forward_pre_hook(lambda _, given: told.append(given[1].tolist()))
    batch = [RealBatch(torch.zeros(4, 3, 64, 64), torch.tensor([1, 0, 0, 1]))]
    recipe.step(batch)
    assert told == [[1, 0, 0, 1]] * 4, "made, then judged: real, fake, and the fake again"


@pytest.mark.parametrize(("decay", "share"), [(0.1, 0.1), (0.999, 2 / 11)])
def test_the_kept_generator_is_a_moving_average_that_warms_up(make, decay, share):
    recipe, seen = make(ema_decay=decay), []
    for _ in range(2):
        recipe.step(recipe.next_batch())
        seen.append({name: value.clone() for name, value in recipe.gen.state_dict().items()})
    kept = recipe.export()["generator"].state_dict()
    for name in ("ups.0.weight", "norms.1.weight", "norms.1.running_mean"):
        torch.testing.assert_close(kept[name], share * seen[0][name] + (1 - share) * seen[1][name], msg=name)


@pytest.mark.parametrize("conditional", ["none", "projection"])
def test_an_epoch_ends_with_how_varied_its_pictures_are_and_draws_nothing_for_it(make, conditional):
    recipe = make(conditional=conditional)
    before = recipe.generator.get_state()
    assert 0 < recipe.end_epoch()["diversity"] < 1, "an untrained generator makes nearly one grey"
    assert torch.equal(before, recipe.generator.get_state()) and recipe.gen.training
    with torch.no_grad():
        recipe.gen.ups[0].weight.zero_()
    assert recipe.end_epoch()["diversity"] == 0.0


@pytest.mark.parametrize(("conditional", "rows"), [("none", [""]), ("projection", ["healthy", "rust"])])
def test_a_preview_has_a_row_per_class_of_the_same_latent_vectors(make, conditional, rows):
    recipe = make(conditional=conditional, samples=3)
    preview = recipe.preview()
    assert [row["labels"] for row in preview.rows] == rows and len(preview.columns) == 3
    assert np.shape(preview.pictures) == (len(rows), 3, 64, 64, 3)
    assert np.array_equal(recipe.preview().pictures, preview.pictures)
    assert recipe.gen.training


def test_the_description_says_how_to_make_pictures(make):
    plain, classes = make().describe(), make(conditional="acgan").describe()
    assert (plain["classes"], plain["labels"], plain["latent"], plain["size_px"]) == ([], "", 8, 64)
    assert classes["classes"] == ["healthy", "rust"] and json.dumps(classes)
    assert classes["nets"]["generator"]["args"] == {"latent": 8, "size_px": 64, "filters": 4, "classes": 2}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_goes_on_exactly_where_it_stopped(journey, settings, tmp_path, variant):
    config = settings("dcgan", epochs=1, max_steps_per_epoch=2, **VARIANTS[variant])
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(config, journey.workspace, Watcher(whole))
    with pytest.raises(Stopped):
        train(config, journey.workspace, Watcher(broken, stop_after=1))
    train(config, journey.workspace, Watcher(broken))
    first, second = (load_state(folder)["recipe"] for folder in (whole, broken))
    for name in ("generator", "discriminator"):
        for key, value in first["nets"][name].items():
            assert torch.equal(value, second["nets"][name][key]), key
    assert (whole / "weights" / "0001.safetensors").read_bytes() == (
        broken / "weights" / "0001.safetensors"
    ).read_bytes()


def test_an_extended_run_is_the_longer_run(journey, settings, tmp_path):
    longer, extended = tmp_path / "longer", tmp_path / "extended"
    train(settings("dcgan", epochs=2, max_steps_per_epoch=1), journey.workspace, Watcher(longer))
    for epochs in (1, 2):  # the second goes on with what the first has saved
        train(settings("dcgan", epochs=epochs, max_steps_per_epoch=1), journey.workspace, Watcher(extended))
    saved = [(folder / "weights" / "0002.safetensors").read_bytes() for folder in (longer, extended)]
    assert saved[0] == saved[1]


# --- settings ---------------------------------------------------------------------------------------------------------


def test_every_preset_is_what_it_is_called():
    preset = {name: DCGANConfig.build({"dataset": "d"}, preset=name) for name in DCGANConfig.PRESETS}
    assert preset["paper"] == DCGANConfig.build({"dataset": "d"}), "the defaults are the publication's"
    assert preset["conditional"].conditional == "projection" and preset["wgan-gp"].loss == "wgan-gp"
    assert preset["128px"].size_px == 128 and preset["small-data"].diffaug


def test_the_defaults_are_those_of_the_publications():
    config = DCGANConfig.build({"dataset": "d"}, preset="paper")
    assert (config.latent, config.size_px, config.batch_size, config.filters) == (100, 64, 128, 64)
    assert (config.loss, config.real_label, config.save_every) == ("bce", 0.9, 50)
    assert (config.learning_rate, config.beta1, config.beta2) == (2e-4, 0.5, 0.999)
    critic = DCGANConfig.build({"dataset": "d"}, preset="wgan-gp")
    assert (critic.weight_penalty, critic.critic_steps) == (10.0, 5)
    assert (critic.learning_rate, critic.beta1, critic.beta2) == (1e-4, 0.0, 0.9)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size_px": 48}, "size_px: got 48, expected 64, 128 or 256 px"),
        ({"size_px": "192"}, "size_px: got 192, expected 64, 128 or 256 px"),
        ({"latent": 0}, "latent: got 0, expected greater than or equal to 1"),
        ({"labels": "rust", "conditional": "acgan"}, "conditional: got 'acgan' with one label set"),
        ({"loss": "wgan-gp", "compiled": True}, "compiled: got true with wgan-gp, expected false"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(values, said):
    with pytest.raises(ConfigError, match=said) as raised:
        DCGANConfig.build({"dataset": "d", **values})
    assert "\n" not in str(raised.value)


def test_label_sets_come_as_text_or_as_a_list():
    for given in ("scab rust, healthy,", ["rust+scab", "healthy", "healthy"]):
        assert DCGANConfig.build({"dataset": "d", "labels": given}).labels == ("rust scab", "healthy")
