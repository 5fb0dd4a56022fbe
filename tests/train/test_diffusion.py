"""The steps of diffusion against ones written out plainly, and what its settings make of them."""

import copy

import numpy as np
import pytest
import torch

from leafcore.errors import ConfigError
from leafcore.jobs import build_config
from leafcore.train.configs import DiffusionConfig
from leafcore.train.diffusion import Diffusion
from leafcore.train.loop import train
from leafcore.train.noise_data import ClassPictures
from tests.conftest import TINY, draw_leaf
from tests.watcher import Watcher


@pytest.fixture
def make():
    """Return a function that makes a recipe over six pictures of two classes, the same one each time."""

    def build(**values):
        torch.manual_seed(0)
        config = build_config("diffusion", {**TINY["diffusion"], "dataset": "none", "device": "cpu", **values})
        leaves = np.stack([draw_leaf(("healthy", "rust")[index % 2], index, size_px=32) for index in range(6)])
        pictures = ClassPictures(leaves, np.arange(6) % 2, torch.Generator().manual_seed(0))
        return Diffusion(config, pictures, ("healthy", "rust"), torch.device("cpu"))

    return build


def kept_shares(timesteps=20):
    """Return how much of a picture's variance is left at each timestep: a cosine (Nichol and Dhariwal 2021, eq. 17)."""
    share = torch.cos((torch.arange(timesteps + 1, dtype=torch.float64) / timesteps + 0.008) / 1.008 * torch.pi / 2)
    ratios = (share[1:] ** 2 / share[:-1] ** 2).clamp(min=1 - 0.999)
    return ratios.cumprod(0).float()


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
def test_pictures_are_noised_and_asked_for_as_published(make, prediction):
    recipe = make(prediction=prediction)
    images, _ = recipe.next_batch()
    timesteps, noise = recipe._draw(images)
    noisy, target = recipe._noised(images, noise, timesteps)
    kept = kept_shares()[timesteps].view(-1, 1, 1, 1)
    torch.testing.assert_close(noisy, kept.sqrt() * images + (1 - kept).sqrt() * noise)
    velocity = kept.sqrt() * noise - (1 - kept).sqrt() * images
    torch.testing.assert_close(target, velocity if prediction == "v" else noise)


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
def test_a_clear_picture_counts_less_by_min_snr(make, prediction):
    kept = kept_shares()
    snr = kept / (1 - kept)
    wanted = torch.minimum(snr, torch.tensor(5.0)) / (snr if prediction == "epsilon" else snr + 1)
    got = make(prediction=prediction, snr_gamma=5.0)._weights(torch.arange(20))
    torch.testing.assert_close(got, wanted)
    assert (make()._weights(torch.arange(20)) == 1).all()


def test_a_step_is_one_of_adamw_on_the_weighted_error(make):
    recipe = make(snr_gamma=5.0, max_gradient=0.5)
    batch, before = recipe.next_batch(), recipe.generator.get_state()
    images, classes = batch
    plain = copy.deepcopy(recipe.denoiser)
    adamw = torch.optim.AdamW(plain.parameters(), 1e-4, weight_decay=0.0)
    timesteps, noise = recipe._draw(images)
    noisy, target = recipe._noised(images, noise, timesteps)
    errors = ((plain(noisy, timesteps, recipe._told_classes(classes)) - target) ** 2).mean(dim=(1, 2, 3))
    (errors * recipe._weights(timesteps)).mean().backward()
    torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
    adamw.step()

    recipe.generator.set_state(before)
    torch.testing.assert_close(recipe.step(batch)["denoising"], errors.mean().detach())
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(recipe.denoiser.state_dict()[name], value, rtol=1e-4, atol=2e-6, msg=name)


def test_a_share_of_the_classes_is_not_told(make):
    told = make(class_dropout=0.25)._told_classes(torch.arange(4000) % 2)
    assert set(told.tolist()) == {0, 1, 2} and (told == 2).float().mean() == pytest.approx(0.25, abs=0.03)
    kept = told != 2
    assert (told[kept] == (torch.arange(4000) % 2)[kept]).all()
    assert make(conditional="none")._told_classes(torch.zeros(4, dtype=torch.int64)) is None


def test_the_kept_network_is_the_moving_average(make):
    recipe, seen = make(ema_decay=0.1), []
    for _ in range(2):
        recipe.step(recipe.next_batch())
        seen.append({name: value.clone() for name, value in recipe.denoiser.state_dict().items()})
    for name, value in recipe.export()["denoiser"].state_dict().items():
        torch.testing.assert_close(value, 0.1 * seen[0][name] + 0.9 * seen[1][name], msg=name)
    assert make(ema_decay=0.0).export()["denoiser"] is not recipe.export()["denoiser"]


@pytest.mark.parametrize(("conditional", "rows"), [("none", [""]), ("classes", ["healthy", "rust"])])
def test_a_preview_has_a_row_per_class_of_the_same_noise(make, conditional, rows):
    recipe = make(conditional=conditional, samples=3)
    preview = recipe.preview()
    assert [row["labels"] for row in preview.rows] == rows
    assert np.shape(preview.pictures) == (len(rows), 3, 32, 32, 3)
    assert np.array_equal(recipe.preview().pictures, preview.pictures)
    assert recipe.denoiser.training


def test_a_preview_of_few_levels_has_pictures(make):
    pictures = np.array(make(timesteps=10, conditional="none").preview().pictures)
    assert pictures.std() > 1, "not all black"


def test_it_learns_what_noise_hides(make):
    recipe = make(learning_rate=2e-3, batch_size=6, conditional="none")
    losses = [recipe.step(recipe.next_batch())["denoising"].item() for _ in range(40)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])


def test_an_extended_run_is_the_longer_run(journey, settings, tmp_path):
    longer, extended = tmp_path / "longer", tmp_path / "extended"
    train(settings("diffusion", epochs=2, max_steps_per_epoch=1), journey.workspace, Watcher(longer))
    for epochs in (1, 2):  # the second goes on with what the first has saved
        train(settings("diffusion", epochs=epochs, max_steps_per_epoch=1), journey.workspace, Watcher(extended))
    saved = [(folder / "weights" / "0002.safetensors").read_bytes() for folder in (longer, extended)]
    assert saved[0] == saved[1]


def test_a_state_from_before_betas_were_scaled_goes_on_without(make):
    recipe, older = make(schedule="linear"), make(schedule="linear")
    state = recipe.state_dict()
    older.load_state_dict({name: part for name, part in state.items() if name != "process"})
    assert torch.equal(older.process.betas, torch.linspace(1e-4, 0.02, 20))
    assert older.describe()["process"] == {"timesteps": 20, "schedule": "linear", "prediction": "v"}
    for wanted in (older, recipe):
        again = make(schedule="linear")
        again.load_state_dict(wanted.state_dict())
        assert torch.equal(again.process.betas, wanted.process.betas)
    assert recipe.process.alphas_cumprod[-1] < 1e-4 and recipe.describe()["process"]["beta_end"] == 0.999


# --- settings ---------------------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_publications():
    config = DiffusionConfig.build({"dataset": "d"}, preset="paper")
    assert (config.size_px, config.filters, config.batch_size, config.learning_rate) == (64, 128, 128, 1e-4)
    assert (config.timesteps, config.schedule, config.class_dropout, config.ema_decay) == (1000, "cosine", 0.1, 0.9999)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size_px": 100}, "size_px: got 100 px, expected a multiple of 8 px: 4 levels halve it 3 times"),
        ({"size_px": 72, "patch": 2}, "size_px: got 72 px, expected a multiple of 16 px"),
        ({"filters": 20}, "filters: got 20, expected a multiple of 8"),
        ({"labels": "rust"}, "conditional: got 'classes' with one label set; expected none, or several label sets"),
        ({"schedule": "square"}, "schedule: got 'square', expected 'cosine' or 'linear'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(values, said):
    with pytest.raises(ConfigError, match=said) as raised:
        DiffusionConfig.build({"dataset": "d", **values})
    assert "\n" not in str(raised.value)
