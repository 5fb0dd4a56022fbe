"""CycleGAN's step against one written out plainly; LeafGAN's is checked alike in test_leafgan.py."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from leafcore.train.cyclegan import CycleGAN
from leafcore.train.leafgan import LeafGAN
from leafcore.train.loop import fit
from leafcore.train.translation_data import Batch
from tests.watcher import Watcher

LOSSES = {
    "identity_a", "identity_b", "adversarial_ab", "adversarial_ba", "cycle_a", "cycle_b", "disc_a", "disc_b",
    "change_ab", "change_ba",
}  # fmt: skip


@pytest.fixture
def make(journey, settings, tmp_path):
    """Return a function that makes a recipe, the same one each time."""

    def build(kind, **values):
        torch.manual_seed(0)
        recipe = {"cyclegan": CycleGAN, "leafgan": LeafGAN}[kind]
        return recipe.from_config(settings(kind, **values), journey.workspace, torch.device("cpu"), Watcher(tmp_path))

    return build


def real_or_fake(scores, value):
    return ((scores - value) ** 2).mean()


def on_the_leaf(difference, mask):
    return difference.abs()[mask.expand_as(difference).bool()].mean()


def plain_step(recipe, batch):
    """Do what CycleGAN's and LeafGAN's papers say, with a network call of its own for each loss.

    Returns:
        The losses, and the sum that the generators descend. The networks' gradients are left in place.
    """
    gen_ab, gen_ba, disc_a, disc_b = (recipe.nets[name] for name in ("gen_ab", "gen_ba", "disc_a", "disc_b"))
    is_leafgan = isinstance(recipe, LeafGAN)
    mask_a, mask_b = (batch.mask_a, batch.mask_b) if is_leafgan else (1.0, 1.0)
    fake_b, fake_a = gen_ab(batch.real_a), gen_ba(batch.real_b)
    losses = {
        "adversarial_ab": real_or_fake(disc_b(fake_b * mask_a), 1),
        "adversarial_ba": real_or_fake(disc_a(fake_a * mask_b), 1),
        "cycle_a": F.l1_loss(gen_ba(fake_b), batch.real_a),
        "cycle_b": F.l1_loss(gen_ab(fake_a), batch.real_b),
        "identity_a": F.l1_loss(gen_ba(batch.real_a), batch.real_a),
        "identity_b": F.l1_loss(gen_ab(batch.real_b), batch.real_b),
    }
    if is_leafgan:
        losses["background_a"] = ((fake_b - batch.real_a) * (1 - mask_a)).abs().mean()
        losses["background_b"] = ((fake_a - batch.real_b) * (1 - mask_b)).abs().mean()
    weights = {"adversarial": 1.0, "cycle": 10.0, "identity": 5.0, "background": 5.0}
    total = sum(weights[name.split("_")[0]] * loss for name, loss in losses.items())
    total.backward()
    disc_a.zero_grad()
    disc_b.zero_grad()
    fake_a, fake_b = fake_a.detach(), fake_b.detach()
    losses["change_ab"] = on_the_leaf(fake_b - batch.real_a, batch.mask_a)
    losses["change_ba"] = on_the_leaf(fake_a - batch.real_b, batch.mask_b)
    losses["disc_a"] = (real_or_fake(disc_a(batch.real_a * mask_a), 1) + real_or_fake(disc_a(fake_a * mask_b), 0)) / 2
    losses["disc_b"] = (real_or_fake(disc_b(batch.real_b * mask_b), 1) + real_or_fake(disc_b(fake_b * mask_a), 0)) / 2
    (losses["disc_a"] + losses["disc_b"]).backward()
    return losses, total


@pytest.mark.parametrize("kind", ["cyclegan", "leafgan"])
def test_the_batched_step_has_the_plain_steps_losses(make, kind):
    recipe = make(kind)
    plain, batch = copy.deepcopy(recipe), recipe.next_batch()
    losses, (wanted, total) = recipe.step(batch), plain_step(plain, batch)
    assert set(losses) == set(wanted)
    for name, loss in wanted.items():
        torch.testing.assert_close(losses[name], loss.detach(), rtol=1e-5, atol=1e-7, msg=name)
    descended = {name: loss for name, loss in losses.items() if not name.startswith(("disc", "change"))}
    weighted = sum(recipe.weight(name) * loss for name, loss in descended.items())
    torch.testing.assert_close(weighted, total.detach(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("kind", ["cyclegan", "leafgan"])
def test_the_batched_step_has_the_plain_steps_parameters(make, kind):
    # In float64: a bias before instance normalisation has no gradient but rounding noise, which Adam would blow up.
    recipe = make(kind)
    for network in recipe.nets.values():
        network.double()
    batch = Batch(*(tensor.double() for tensor in vars(recipe.next_batch()).values()))
    plain = copy.deepcopy(recipe)
    recipe.step(batch)
    plain_step(plain, batch)
    for name, network in plain.nets.items():
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999)).step()
        nothing = 1e-7 * max(parameter.grad.abs().max().item() for parameter in network.parameters())
        for (key, want), got in zip(network.named_parameters(), recipe.nets[name].parameters(), strict=True):
            torch.testing.assert_close(got.grad, want.grad, rtol=1e-5, atol=nothing, msg=f"{name} {key}")
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6, msg=f"{name} {key}")


def test_every_loss_is_published_at_each_step(make):
    recipe = make("cyclegan")
    for _ in range(2):
        losses = recipe.step(recipe.next_batch())
        assert set(losses) == LOSSES
        assert all(loss.ndim == 0 and not loss.requires_grad for loss in losses.values())


def test_without_identity_weight_its_losses_are_not_computed(make):
    recipe = make("cyclegan", weight_identity=0.0)
    batch = recipe.next_batch()
    with_identity = make("cyclegan")
    losses, others = recipe.step(batch), with_identity.step(batch)
    assert set(losses) == LOSSES - {"identity_a", "identity_b"}
    for name, loss in losses.items():
        torch.testing.assert_close(loss, others[name], rtol=1e-5, atol=1e-7, msg=name)


def test_generators_learn_nothing_from_the_discriminators_update(make):
    recipe = make("cyclegan", learning_rate=1e-3)
    batch = recipe.next_batch()
    _, fake_a, fake_b = recipe._step_generators(batch)
    before = copy.deepcopy(recipe.gen_ab.state_dict())
    recipe._step_discriminators(batch, fake_a, fake_b)
    assert all(torch.equal(before[name], tensor) for name, tensor in recipe.gen_ab.state_dict().items())


def test_the_learning_rate_follows_the_reference_schedule(make, tmp_path):
    recipe = make("cyclegan", epochs=3, epochs_decay=4, max_steps_per_epoch=1, save_every=100)
    rates = {"gen": [], "disc": []}
    for name, optimizer in (("gen", recipe.optimizer_gen), ("disc", recipe.optimizer_disc)):
        note = partial(lambda name, optimizer, *_: rates[name].append(optimizer.param_groups[0]["lr"]), name)
        optimizer.register_step_pre_hook(note)
    fit(recipe, Watcher(tmp_path / "run"))
    reference = [2e-4 * (1 - max(0, epoch + 1 - 3) / (4 + 1)) for epoch in range(7)]
    assert rates["gen"] == rates["disc"] == pytest.approx(reference, rel=1e-12)


def test_an_epoch_passes_over_the_longer_domain(make):
    recipe = make("cyclegan", batch_size=4, max_steps_per_epoch=0)
    longer = max(len(recipe.data.domain_a), len(recipe.data.domain_b))
    assert recipe.steps_per_epoch == -(-longer // 4)


def test_only_a_recipe_that_looks_at_masks_shows_them(make):
    assert make("cyclegan").preview().columns == ("input", "fake", "reconstruction", "identity")


def test_a_preview_shows_every_probe_both_ways(make):
    recipe = make("leafgan", probes=2)
    preview = recipe.preview()
    assert preview.columns == ("input", "mask", "fake", "reconstruction", "identity")
    assert [row["direction"] for row in preview.rows] == ["ab", "ab", "ba", "ba"]
    assert preview.as_sheet().shape == (4 * 32, 5 * 32, 3)
    real, mask = recipe.data.probes_a.whole()
    with torch.no_grad():
        fake = recipe.gen_ab(real)
        shown = [real, mask.expand_as(real) * 2 - 1, fake, recipe.gen_ba(fake), recipe.gen_ba(real)]
    for column, pictures in enumerate(shown):
        pixels = ((pictures[0] + 1) * 127.5).round().clamp(0, 255).permute(1, 2, 0).numpy()
        assert (preview.pictures[0][column] == pixels).all(), preview.columns[column]
