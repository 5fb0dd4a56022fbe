"""Prior preservation keeps what the base knows: measured on a tiny base that was first taught two rendered classes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from leafcore.base_models import accept, open_base
from leafcore.images import to_signed
from leafcore.train.dreambooth import DreamBooth
from leafcore.train.dreambooth_base import StableDiffusion, load_stable_diffusion
from tests.conftest import draw_leaf
from tests.stable_diffusion import teach, write_stable_diffusion
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")

CPU = torch.device("cpu")
CLASS = "a photo of a leaf"
TAUGHT = {CLASS: "healthy", "a painting": "scab"}
STEPS = 40


def rendered(labels: str) -> torch.Tensor:
    """Return pictures of a class, (12, 3, 32, 32) float32 in [-1, 1]."""
    drawn = np.stack([draw_leaf(labels, seed, size_px=32) for seed in range(12)])
    return to_signed(torch.from_numpy(drawn).permute(0, 3, 1, 2))


@pytest.fixture(scope="module")
def leaf_base(journey, tmp_path_factory) -> Path:
    """A tiny base that knows what two prompts look like, after 200 steps."""
    folder = write_stable_diffusion(tmp_path_factory.mktemp("taught") / "base")
    teach(folder, {prompt: rendered(labels) for prompt, labels in TAUGHT.items()}, steps=200)
    accept(journey.workspace, open_base(journey.workspace, str(folder)))
    return folder


@torch.no_grad()
def told_noise(model: StableDiffusion) -> torch.Tensor:
    """Return the noise that a model predicts on the class prompt: 12 leaves at ten timesteps, the same each time."""
    latents = model.encode(rendered(TAUGHT[CLASS]))[0].repeat(10, 1, 1, 1)
    timesteps = torch.arange(50, 1000, 100).repeat_interleave(12)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    noisy = model.scheduler.add_noise(latents, noise, timesteps)
    return model.predict(noisy, timesteps, model.embed(model.tokens([CLASS])).expand(len(timesteps), -1, -1))


@pytest.mark.parametrize("seed", range(3))
def test_prior_preservation_lowers_the_drift(journey, settings, leaf_base, tmp_path, seed):
    untouched = told_noise(load_stable_diffusion(leaf_base, CPU))

    def drifted(prior_weight: float) -> float:
        """Return how far leaves have drifted from the base once the token has come to mean rust."""
        drawing = {"prior_images": 16, "sample_steps": 15, "guidance": 1.0}  # as the base sees leaves, not exaggerated
        values = {"prior_weight": prior_weight, "batch_size": 4, "learning_rate": 3e-4, "method": "full", **drawing}
        config = settings("dreambooth", base=str(leaf_base), seed=seed, **values)
        recipe = DreamBooth.from_config(config, journey.workspace, CPU, Watcher(tmp_path / f"{prior_weight}"))
        for _ in range(STEPS):
            recipe.step(recipe.next_batch())
        return float((told_noise(recipe.model) - untouched).square().mean())

    assert drifted(1.0) < 0.8 * drifted(0.0)
