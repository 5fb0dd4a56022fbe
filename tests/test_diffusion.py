"""Taking noise away, with networks whose answer is known."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from leafcore.denoising import AUTO_STEPS, Denoising, denoising_of, nearest_steps
from leafcore.diffusion import SCHEDULES, DiffusionGenerator, diffusion_process, process_settings
from leafcore.errors import ConfigError, RunError
from leafcore.latent import NoiseModel, draw_latents
from leafcore.noise import NoiseFacts
from leafcore.synthesize.configs import SynthesizeConfig
from tests.noise_models import CLASSES, plant_diffusion_model

CPU = torch.device("cpu")
PROCESS = {"timesteps": 100, "schedule": "cosine", "prediction": "v"}
SAMPLERS = ["dpm-solver", "ddim"]
GUIDED = NoiseFacts("three", 16, 768, CLASSES, "", "leaves@1", timesteps=100)
FREE = NoiseFacts("free", 16, 768, (), "", "leaves@1", timesteps=100)
AT_ONCE = NoiseFacts("gan", 16, 8, CLASSES, "", "leaves@1")


class Knowing:
    """Knows the picture behind any noise: a plain one, of another grey for each class."""

    def __init__(self, prediction="v"):
        self.prediction, self.asked = prediction, []
        self.kept = diffusion_process({**PROCESS, "prediction": prediction}).alphas_cumprod

    def __call__(self, x, timestep, classes):
        self.asked.append(None if classes is None else classes.tolist())
        grey = torch.zeros(len(x)) if classes is None else 0.2 * (classes + 1)
        kept = self.kept[timestep]
        picture = grey[:, None, None, None].expand_as(x)
        noise = (x - kept.sqrt() * picture) / (1 - kept).sqrt()
        return noise if self.prediction == "epsilon" else kept.sqrt() * noise - (1 - kept).sqrt() * picture


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("prediction", ["v", "epsilon"])
def test_a_network_that_knows_the_picture_is_believed(sampler, prediction):
    said = {**PROCESS, "prediction": prediction}
    generate = DiffusionGenerator(Knowing(prediction), said, Denoising(1.0, sampler, 12))
    made = generate(draw_latents([1, 2], 768), torch.tensor([0, 2]))
    assert made.shape == (2, 3, 16, 16)
    torch.testing.assert_close(made, torch.tensor([0.2, 0.6]).view(2, 1, 1, 1).expand_as(made), atol=0.01, rtol=0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_guidance_goes_beyond_the_class_by_as_much_as_asked(sampler):
    network = Knowing()
    made = DiffusionGenerator(network, PROCESS, Denoising(2.5, sampler, 8))(draw_latents([1], 768), torch.tensor([0]))
    assert network.asked == [[0], None] * 8, "of the class and of none, at each step"
    torch.testing.assert_close(made.mean(), torch.tensor(0.0 + 2.5 * 0.2), atol=0.01, rtol=0)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("timesteps", [10, 11, 20, 100, 1000])
def test_as_many_steps_as_are_allowed_make_pictures(timesteps, schedule):
    facts, said = replace(FREE, timesteps=timesteps), {**PROCESS, "timesteps": timesteps, "schedule": schedule}
    usual = denoising_of(facts)
    with pytest.raises(ConfigError, match=rf"free learned {timesteps} levels of noise; expected at most") as refused:
        denoising_of(facts, Denoising(sampling_steps=timesteps))
    most = int(re.search(r"at most (\d+)", str(refused.value)).group(1))
    assert usual.sampling_steps == min(most, AUTO_STEPS["dpm-solver"])
    for steps in (usual.sampling_steps, most):
        how = denoising_of(facts, Denoising(sampling_steps=steps))
        made = DiffusionGenerator(lambda x, timestep, classes: 0.1 * x, said, how)(draw_latents([1], 12))
        assert made.isfinite().all(), steps


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("timesteps", [10, 100, 1000, 4000])
def test_the_last_level_is_noise_however_many_there_are(timesteps, schedule):
    process = diffusion_process(process_settings({**PROCESS, "timesteps": timesteps, "schedule": schedule}))
    assert process.alphas_cumprod[-1] < 1e-4 and process.alphas_cumprod[0] > 0.9


def test_a_linear_schedule_of_a_thousand_levels_is_the_published_one():
    said = {**PROCESS, "timesteps": 1000, "schedule": "linear"}
    assert process_settings(said) == {**said, "beta_start": 1e-4, "beta_end": 0.02}
    assert torch.equal(diffusion_process(process_settings(said)).betas, torch.linspace(1e-4, 0.02, 1000))


def test_a_checkpoint_that_says_no_betas_was_trained_with_those_of_a_thousand_levels():
    older = diffusion_process({**PROCESS, "timesteps": 100, "schedule": "linear"})
    assert torch.equal(older.betas, torch.linspace(1e-4, 0.02, 100))


class Plain:
    """Knows that every picture is of one grey, whichever: what is left of the noise is between its pixels."""

    def __init__(self, said):
        self.kept = diffusion_process(said).alphas_cumprod

    def __call__(self, x, timestep, classes):
        kept, spread = self.kept[timestep], 0.4**2
        grey = kept.sqrt() * spread / (kept * spread + (1 - kept) / x[0].numel()) * x.mean(dim=(1, 2, 3), keepdim=True)
        return kept.sqrt() * (x - kept.sqrt() * grey) / (1 - kept).sqrt() - (1 - kept).sqrt() * grey


@pytest.mark.parametrize(("timesteps", "wanted"), [(20, 0), (60, 0), (72, 25), (997, 0), (1000, 60), (1000, 600)])
def test_ddim_takes_all_of_the_noise(timesteps, wanted):
    facts, said = replace(FREE, timesteps=timesteps), {**PROCESS, "timesteps": timesteps}
    steps = nearest_steps("ddim", wanted or AUTO_STEPS["ddim"], timesteps)
    how = denoising_of(facts, Denoising(0.0, "ddim", steps if wanted else 0))
    assert how.sampling_steps == steps
    made = DiffusionGenerator(Plain(said), said, how)(draw_latents([1], 768))
    assert made.std() < 1e-5, "of one grey"


def test_what_is_no_number_becomes_no_picture():
    generate = DiffusionGenerator(lambda x, timestep, classes: x * torch.nan, PROCESS, Denoising(0.0, "ddim", 4))
    with pytest.raises(RunError, match="pictures: 2 of 2 came out with values that are no numbers; take fewer"):
        generate(draw_latents([1, 2], 12))


def test_guidance_is_a_line_through_both_answers():
    x, timestep, classes = torch.randn(2, 3, 4, 4), torch.tensor(40), torch.tensor([1, 0])
    free, wanted = Knowing()(x, timestep, None), Knowing()(x, timestep, classes)
    got = DiffusionGenerator(Knowing(), PROCESS, Denoising(3.0, "ddim", 5))._predict(x, timestep, classes)
    torch.testing.assert_close(got, free + 3.0 * (wanted - free))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_picture_is_the_same_in_any_batch(workspace, sampler):
    model = NoiseModel(plant_diffusion_model(workspace, "three", classes=CLASSES), CPU, Denoising(2.0, sampler, 4))
    together = model.sample(3, range(5), batch_size=5).astype(int)
    assert np.abs(together - model.sample(3, range(5), batch_size=2)).max() <= 1
    assert np.abs(together[3:4] - model.sample(3, [3])).max() <= 1
    assert np.abs(together[0] - together[1]).max() > 10


def test_what_latent_vectors_can_do_noise_can_too(workspace):
    model = NoiseModel(plant_diffusion_model(workspace, "three", classes=CLASSES), CPU)
    way = model.interpolate((1, 2), 3, "rust").astype(int)
    assert np.abs(way[0] - model.sample(1, [0], "rust")[0]).max() <= 1
    assert model.class_grid(1, 2).shape == (3, 2, 16, 16, 3)


# --- settings ---------------------------------------------------------------------------------------------------------


def asked(**values):
    return SynthesizeConfig.build({"checkpoint": "x", **values})


@pytest.mark.parametrize(
    ("facts", "values", "wanted"),
    [
        (GUIDED, {}, Denoising(2.0, "dpm-solver", 20)),
        (GUIDED, {"sampler": "ddim"}, Denoising(2.0, "ddim", 50)),
        (GUIDED, {"guidance": 4, "sampling_steps": 7}, Denoising(4.0, "dpm-solver", 7)),
        (FREE, {}, Denoising(0.0, "dpm-solver", 20)),
        (AT_ONCE, {"truncation": 0.5}, Denoising()),
    ],
)
def test_what_is_left_to_the_model_is_settled_once(facts, values, wanted):
    config = asked(**values)
    settled = denoising_of(facts, config, config.truncation)
    assert settled == wanted == denoising_of(facts, settled)


@pytest.mark.parametrize(
    ("facts", "values", "said"),
    [
        (FREE, {"guidance": 3}, "guidance: got 3, but free has no classes to be guided to"),
        (GUIDED, {"truncation": 0.5}, "truncation: got 0.5, but three is a diffusion model"),
        (
            GUIDED,
            {"sampling_steps": 51},
            "sampling_steps: got 51, but three .* 100 levels .* expected at most 50",
        ),
        (
            GUIDED,
            {"sampler": "ddim", "sampling_steps": 101},
            "got 101, .* expected what divides them, of ddim, such as 100",
        ),
        (
            GUIDED,
            {"sampler": "ddim", "sampling_steps": 30},
            "got 30, .* expected what divides them, of ddim, such as 25",
        ),
        (AT_ONCE, {"guidance": 3}, "guidance: got 3.0, but gan makes pictures in one step"),
        (AT_ONCE, {"sampler": "ddim"}, "sampler: got ddim, but gan makes pictures in one step"),
    ],
)
def test_what_a_model_cannot_do_is_refused_in_one_line(facts, values, said):
    config = asked(**values)
    with pytest.raises(ConfigError, match=said) as raised:
        denoising_of(facts, config, config.truncation)
    assert "\n" not in str(raised.value)
