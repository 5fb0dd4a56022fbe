import pytest
import torch

from leafcore.train.diversity import PICTURES, Diversity, pairwise_difference


def flat(*levels: float) -> torch.Tensor:
    """Return a picture of one level each."""
    return torch.tensor(levels)[:, None, None, None].expand(-1, 3, 4, 4)


def test_the_difference_is_the_mean_over_pairs():
    assert pairwise_difference(flat(0.0, 0.5, 1.0)).item() == pytest.approx((0.5 + 0.5 + 1.0) / 3)


def test_pictures_all_alike_have_no_diversity_and_ones_as_varied_as_real_have_one():
    diversity = Diversity({0: flat(-0.5, 0.5)}, latent=8)
    assert diversity.of(lambda z, _: flat(*[0.3] * len(z))) == 0.0
    real = torch.rand(PICTURES, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert Diversity({0: real}, latent=8).of(lambda *_: real) == pytest.approx(1.0)


def test_diversity_is_of_pictures_of_one_class():
    """Two classes far from each other, whose pictures are all alike: nothing is varied."""
    diversity = Diversity({0: flat(-1.0, -0.9), 1: flat(0.9, 1.0)}, latent=8)
    asked = []

    def make(z, classes):
        asked.append(classes.unique().tolist())
        return flat(*(classes * 2.0 - 1.0).tolist())

    assert diversity.of(make) == 0.0 and asked == [[0], [1]]


def test_the_same_latent_vectors_are_shown_each_time():
    shown = []
    for _ in range(2):
        Diversity({0: flat(0.0, 1.0)}, latent=8).of(lambda z, _: shown.append(z) or flat(*z[:, 0].tolist()))
    assert torch.equal(*shown) and shown[0].shape == (PICTURES, 8)


@pytest.mark.parametrize("reals", [{}, {0: flat(0.5)}, {0: flat(0.5, 0.5)}])
def test_without_real_pictures_that_differ_nothing_is_said(reals):
    assert Diversity(reals, latent=8).of(lambda z, _: flat(*z[:, 0].tolist())) is None
