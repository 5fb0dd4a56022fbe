import math

import numpy as np
import pytest
import torch

from leafcore.generate import load_network
from leafcore.images import to_uint8
from leafcore.latent import NoiseModel, draw_latents, slerp
from tests.noise_models import CLASSES, plant_noise_model

CPU = torch.device("cpu")


@pytest.fixture
def model(workspace):
    return NoiseModel(plant_noise_model(workspace, "three", classes=CLASSES), CPU)


# --- latent vectors ---------------------------------------------------------------------------------------------------


def test_latents_are_standard_normal_numbers():
    drawn = draw_latents(range(200), 100)
    assert drawn.shape == (200, 100) and drawn.dtype == torch.float32
    assert abs(float(drawn.mean())) < 0.03 and abs(float(drawn.std()) - 1) < 0.03
    assert 0.02 < float((drawn.abs() > 2).float().mean()) < 0.07, "nothing is cut off"


def test_truncation_leaves_the_normal_distribution_between_its_ends():
    drawn = draw_latents(range(200), 100, truncation=1.0)
    assert float(drawn.abs().max()) <= 1.0
    # The standard deviation of a normal number between -1 and 1: sqrt(1 - 2 phi(1) / (2 Phi(1) - 1)).
    phi, mass = math.exp(-0.5) / math.sqrt(2 * math.pi), math.erf(1 / math.sqrt(2))
    assert float(drawn.std()) == pytest.approx(math.sqrt(1 - 2 * phi / mass), abs=0.01)


def test_a_seed_gives_a_like_vector_at_any_truncation():
    free, cut = draw_latents([7], 100)[0], draw_latents([7], 100, truncation=0.5)[0]
    assert torch.equal(free.sign(), cut.sign()) and torch.equal(free.argsort(), cut.argsort())


def test_the_great_circle_goes_through_both_ends_and_keeps_to_the_sphere():
    start, end = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 2.0, 0.0])
    path = slerp(start, end, torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(path, torch.tensor([[2.0, 0, 0], [2**0.5, 2**0.5, 0], [0, 2.0, 0]]))


def test_between_a_vector_and_itself_there_is_nothing_else():
    vector = torch.tensor([1.0, 2.0])
    torch.testing.assert_close(slerp(vector, vector, torch.tensor([0.0, 0.3])), vector.expand(2, 2))


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_of_a_seed_is_the_same_in_any_company(model):
    together = model.sample(3, range(7), batch_size=4)
    assert together.shape == (7, 16, 16, 3) and together.dtype == np.uint8
    for index in (0, 5):
        alone = model.sample(3, [index])[0].astype(int)
        assert np.abs(alone - together[index]).max() <= 1, "batches differ by rounding at most"
    assert np.abs(model.sample(4, [0])[0].astype(int) - together[0]).max() > 20, "another seed, another picture"


def test_a_picture_is_its_latent_vector_through_the_generator(model, workspace):
    vectors = torch.randn(2, 8)
    network = load_network(plant_noise_model(workspace, "again", classes=CLASSES), "generator", CPU)
    wanted = to_uint8(network(vectors, torch.tensor([2, 0])))
    assert (model(vectors, ["scab", "healthy"]) == wanted).all()


def test_a_label_is_made_of_all_pictures(model):
    asked = model.sample(3, range(4), "rust")
    in_turn = model.sample(3, range(4))
    same = [bool((asked[index] == in_turn[index]).all()) for index in range(4)]
    assert same == [False, True, False, False], "only picture 1 has the turn of rust"


def test_an_interpolation_begins_and_ends_with_the_pictures_of_its_seeds(model):
    frames = model.interpolate((3, 9), 5, "rust")
    ends = [model.sample(seed, [0], "rust")[0].astype(int) for seed in (3, 9)]
    assert frames.shape == (5, 16, 16, 3)
    assert max(np.abs(frames[0] - ends[0]).max(), np.abs(frames[-1] - ends[1]).max()) <= 1
    steps = [np.abs(one.astype(int) - other).mean() for one, other in zip(frames, frames[1:], strict=False)]
    assert max(steps) < np.abs(ends[0] - ends[1]).mean(), "no step goes all the way"


def test_a_column_of_the_class_grid_is_one_vector_in_every_class(model):
    grid = model.class_grid(3, 2)
    assert grid.shape == (3, 2, 16, 16, 3)
    assert (grid[1] == model.sample(3, range(2), "rust")).all() and not (grid[0] == grid[1]).all()


def test_an_unconditional_model_has_a_grid_of_one_row(workspace):
    model = NoiseModel(plant_noise_model(workspace, "free"), CPU)
    assert model.class_grid(0, 3).shape == (1, 3, 16, 16, 3)
