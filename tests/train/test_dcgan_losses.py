import math

import pytest
import torch

from leafcore.train.dcgan_losses import gradient_penalty, says


def test_what_scores_say_is_binary_cross_entropy():
    scores = torch.tensor([0.0, 2.0])
    p = [1 / (1 + math.exp(-score)) for score in scores.tolist()]
    by_hand = -sum(0.9 * math.log(q) + 0.1 * math.log(1 - q) for q in p) / 2
    assert says(scores, 0.9).item() == pytest.approx(by_hand)
    assert says(scores.bfloat16(), 1.0).dtype == torch.float32


@pytest.mark.parametrize("slope", [[3.0, 4.0], [0.6, 0.8]])
def test_the_gradient_of_a_linear_critic_is_its_slope(slope):
    weight = torch.tensor(slope).repeat(6).view(3, 2, 2) / math.sqrt(6)  # |w| = |slope|
    real, fake = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2)
    penalty, norm = gradient_penalty(lambda x: (x * weight).sum((1, 2, 3)), real, fake, torch.rand(5))
    length = math.hypot(*slope)
    assert norm.item() == pytest.approx(length, rel=1e-5)
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-5)


def test_the_gradient_is_taken_at_the_mixture_of_real_and_fake():
    real, fake, mix = torch.ones(2, 1, 1, 1), torch.zeros(2, 1, 1, 1), torch.tensor([0.25, 1.0])
    _, norm = gradient_penalty(lambda x: x.square().sum((1, 2, 3)), real, fake, mix)  # whose gradient is 2 x
    assert norm.item() == pytest.approx((0.5 + 2.0) / 2)


def test_the_penalty_reaches_the_critics_weights():
    weight = torch.full((1,), 3.0, requires_grad=True)
    penalty, _ = gradient_penalty(
        lambda x: (x * weight).sum((1, 2, 3)), torch.ones(2, 1, 1, 1), torch.zeros(2, 1, 1, 1), torch.rand(2)
    )
    penalty.backward()
    assert weight.grad.item() == pytest.approx(2 * (3 - 1))
