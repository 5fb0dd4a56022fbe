import pytest
import torch
from diffusers import DDPMScheduler

from leafcore.train.dreambooth_losses import denoising_loss, noise_of, target_of

BETAS = {"beta_start": 0.1, "beta_end": 0.2, "num_train_timesteps": 2}
KEPT = (0.9, 0.9 * 0.8)  # of the signal's variance, after one and after two steps


def scheduler(prediction: str) -> DDPMScheduler:
    return DDPMScheduler(**BETAS, prediction_type=prediction)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_noise_comes_back_from_what_is_taught(prediction):
    latents, noise = torch.randn(2, 1, 3, 3), torch.randn(2, 1, 3, 3)
    of, at = scheduler(prediction), torch.tensor([0, 1])
    noisy = of.add_noise(latents, noise, at)
    assert torch.allclose(noise_of(of, target_of(of, latents, noise, at), noisy, at), noise, atol=1e-6)


def test_a_velocity_is_noise_less_signal():
    taught = target_of(scheduler("v_prediction"), torch.ones(1, 1, 1, 1), 2 * torch.ones(1, 1, 1, 1), torch.tensor([1]))
    assert taught.item() == pytest.approx(KEPT[1] ** 0.5 * 2 - (1 - KEPT[1]) ** 0.5)
    assert target_of(scheduler("epsilon"), torch.ones(1), 2 * torch.ones(1), torch.tensor([1])).item() == 2


@pytest.mark.parametrize(("prediction", "over"), [("epsilon", 0), ("v_prediction", 1)])
def test_min_snr_weighs_by_the_clamped_ratio(prediction, over):
    ratios = [kept / (1 - kept) for kept in KEPT]  # 9 and 2.57
    weights = [min(ratio, 5.0) / (ratio + over) for ratio in ratios]
    output, target = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1), torch.zeros(2, 1, 1, 1)
    loss = denoising_loss(scheduler(prediction), output, target, torch.tensor([0, 1]), min_snr=5.0)
    assert loss.item() == pytest.approx((weights[0] * 1 + weights[1] * 4) / 2)
    assert denoising_loss(scheduler(prediction), output, target, torch.tensor([0, 1])).item() == pytest.approx(2.5)
