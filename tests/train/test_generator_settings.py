"""What the generators' settings beyond the paper do."""

import copy
from dataclasses import replace

import pytest
import torch

from leafcore.errors import ConfigError
from leafcore.nets import build
from leafcore.train.configs import CycleGANConfig
from leafcore.train.cyclegan import CycleGAN, describe_generator
from leafcore.train.leafgan import LeafGAN
from tests.watcher import Watcher

NEEDED = {"dataset": "d", "b": "rust"}


@pytest.fixture
def make(journey, settings, tmp_path):
    def made(kind="cyclegan", **values):
        torch.manual_seed(0)
        recipe = {"cyclegan": CycleGAN, "leafgan": LeafGAN}[kind]
        return recipe.from_config(settings(kind, **values), journey.workspace, torch.device("cpu"), Watcher(tmp_path))

    return made


def half_masked(batch):
    mask = torch.zeros_like(batch.mask_a)
    mask[..., :16] = 1
    return replace(batch, mask_a=mask, mask_b=mask.flip(-1))


@pytest.mark.parametrize("settings", [{}, {"upsampling": "resize"}, {"residual": True}])
def test_a_description_rebuilds_the_generator(settings):
    config = CycleGANConfig.build({**NEEDED, **settings}, preset="smoke")
    one, other = build(describe_generator(config)), build(describe_generator(config))
    other.load_state_dict(one.state_dict())
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    assert torch.equal(one(pictures), other(pictures))
    assert one(pictures).shape == pictures.shape


def test_what_is_as_in_the_paper_is_described_as_before():
    assert describe_generator(CycleGANConfig.build(NEEDED)) == {
        "type": "resnet_generator",
        "args": {"filters": 64, "blocks": 9},
    }


def test_a_residual_generator_begins_as_the_identity():
    generator = build({"type": "resnet_generator", "args": {"filters": 4, "blocks": 1, "residual": True}})
    pictures = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(generator(pictures), pictures)


def test_a_residual_generator_can_paint_anything_and_stays_in_range():
    generator = build({"type": "resnet_generator", "args": {"filters": 4, "blocks": 1, "residual": True}})
    torch.nn.init.constant_(generator.head[1].bias, 20.0)
    assert torch.equal(generator(-torch.ones(1, 3, 16, 16)), torch.ones(1, 3, 16, 16))


def test_blending_leaves_the_background_exactly_as_it_is(make):
    recipe = make("leafgan", blend=True)
    batch = half_masked(recipe.next_batch())
    losses = recipe.step(batch)
    assert losses["background_a"] == losses["background_b"] == 0
    fake = recipe.translated(recipe.gen_ab, batch.real_a, batch.mask_a)
    assert torch.equal(fake[..., 16:], batch.real_a[..., 16:])
    torch.testing.assert_close(fake[..., :16], recipe.gen_ab(batch.real_a)[..., :16])
    assert recipe.describe()["blend"] is True
    assert "blend" not in make("leafgan").describe()


@pytest.mark.parametrize(("decay", "share"), [(0.1, 0.1), (0.999, 2 / 11)])
def test_averaged_generators_warm_up_and_are_what_is_kept_and_shown(make, decay, share):
    recipe = make(ema_decay=decay, learning_rate=1e-2)
    after = []
    for _ in range(2):
        recipe.step(recipe.next_batch())
        after.append({key: value.clone() for key, value in recipe.gen_ab.state_dict().items()})
    kept = recipe.export()["gen_ab"].state_dict()
    for key, value in kept.items():
        torch.testing.assert_close(value, share * after[0][key] + (1 - share) * after[1][key], msg=key)
    assert set(kept) == set(recipe.gen_ab.state_dict())
    shown = recipe.preview().as_sheet()
    recipe.averaged.clear()
    assert (recipe.preview().as_sheet() != shown).any()


def test_averages_do_not_change_what_is_trained(make):
    averaged, plain = make(ema_decay=0.9), make()
    for _ in range(2):
        losses, wanted = averaged.step(averaged.next_batch()), plain.step(plain.next_batch())
    assert all(torch.equal(losses[name], loss) for name, loss in wanted.items())


@pytest.mark.parametrize("values", [{"ema_decay": 0.9}, {"discriminator": "aided", "size_px": 64}])
def test_training_goes_on_exactly_after_a_resume(make, values):
    recipe, resumed = make(**values), make(**values)
    recipe.step(recipe.next_batch())
    resumed.load_state_dict(copy.deepcopy(recipe.state_dict()))
    losses, again = (each.step(each.next_batch()) for each in (recipe, resumed))
    assert all(torch.equal(again[name], loss) for name, loss in losses.items())
    kept, again = (each.export()["gen_ba"].state_dict() for each in (recipe, resumed))
    assert all(torch.equal(again[key], value) for key, value in kept.items())


def test_pictures_are_loaded_at_the_side_that_is_asked_for(make):
    assert make(load_px=32, flip=False).data.next_batch(4, torch.device("cpu")).real_a.shape == (4, 3, 32, 32)
    whole = make(load_px=32, flip=False)
    crops, _ = whole.data.domain_a.crops(torch.arange(2), 32, torch.Generator(), flip=False)
    torch.testing.assert_close(crops, whole.data.domain_a.whole()[0][:2])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"size_px": 96, "generator": "unet", "downs": 6}, "downs: got 6, but 96 px cannot be halved as often"),
        ({"load_px": 100}, "load_px: got 100, expected 0 or at least size_px, 256 px."),
    ],
)
def test_what_cannot_fit_is_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        CycleGANConfig.build({**NEEDED, **settings})


def test_a_u_net_halves_as_often_as_the_side_allows():
    halvings = {px: CycleGANConfig.build({**NEEDED, "size_px": px}).halvings for px in (256, 128, 96)}
    assert halvings == {256: 8, 128: 7, 96: 5}
