import pytest
import torch

from leafcore.train.losses import adversarial_loss, background_loss, cycle_loss, identity_loss, leaf_change


def test_adversarial_loss_is_the_mean_squared_distance_to_real_or_fake():
    scores = torch.tensor([[[[0.5, 2.0]]], [[[-1.0, 1.0]]]])
    assert adversarial_loss(scores, is_real=True).item() == pytest.approx((0.25 + 1 + 4 + 0) / 4)
    assert adversarial_loss(scores, is_real=False).item() == pytest.approx((0.25 + 4 + 1 + 1) / 4)


@pytest.mark.parametrize("loss", [cycle_loss, identity_loss])
def test_cycle_and_identity_loss_are_the_mean_absolute_difference(loss):
    made, real = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    made[0, 0, 0, 0], real[0, 2, 1, 1] = 0.6, -0.3
    assert loss(made, real).item() == pytest.approx((0.6 + 0.3) / 12)


def test_background_loss_counts_only_what_lies_outside_the_mask():
    fake, real = torch.full((1, 3, 2, 2), 0.5), torch.zeros(1, 3, 2, 2)
    mask = torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]])
    assert background_loss(fake, real, mask).item() == pytest.approx(0.5 / 4), "one pixel of four, all channels"
    assert background_loss(fake, real, torch.ones_like(mask)).item() == 0


def test_the_change_on_the_leaf_does_not_depend_on_how_much_of_the_picture_the_leaf_is():
    fake, real = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    fake[..., 0, :], fake[..., 1, :] = 0.25, 1.0
    mask = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    assert leaf_change(fake, real, mask).item() == pytest.approx(0.25)
    assert leaf_change(fake, real, torch.zeros_like(mask)).item() == 0


def test_losses_of_half_precision_outputs_are_computed_in_full_precision():
    scores = torch.full((1, 1, 4, 4), 0.1, dtype=torch.bfloat16)
    for loss in (adversarial_loss(scores, is_real=True), cycle_loss(scores, scores.float() + 1)):
        assert loss.dtype == torch.float32
