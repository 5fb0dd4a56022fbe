import pytest
import torch

from leafcore.nets import build
from leafcore.nets.aided_discriminator import AidedDiscriminator


@pytest.fixture
def judge() -> AidedDiscriminator:
    torch.manual_seed(1)
    return build({"type": "aided_discriminator", "args": {"filters": 4, "layers": 2}})


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_picture_is_judged_by_pixels_and_at_four_scales(judge, pictures):
    scores = judge(pictures)
    assert scores.shape == (2, 8, 16, 16)
    torch.testing.assert_close(
        scores[:, :4], torch.nn.functional.interpolate(judge.pixels(pictures), (16, 16)).expand(-1, 4, -1, -1)
    )
    for scale, side in enumerate((16, 8, 4, 2), start=4):
        own = torch.nn.functional.interpolate(scores[:, scale : scale + 1], (side, side))
        torch.testing.assert_close(own.mean(), scores[:, scale].mean())
        assert len(own.unique()) == own.numel(), "each scale has scores of its own, one a place"


def test_only_heads_and_pixels_are_trained_and_kept(judge):
    assert {name.split(".")[0] for name in judge.state_dict()} == {"heads", "pixels"}
    assert {name.split(".")[0] for name, _ in judge.named_parameters()} == {"heads", "pixels"}


def test_what_it_looks_with_is_never_changed(judge, pictures):
    (pyramid,) = judge._frozen
    before = {name: value.clone() for name, value in pyramid.state_dict().items()}
    judge.requires_grad_(True).train()
    judge(pictures).mean().backward()
    assert all(torch.equal(before[name], value) for name, value in pyramid.state_dict().items())
    assert not any(value.requires_grad for value in pyramid.parameters())


def test_two_of_them_look_alike_whatever_the_seed(judge, pictures):
    torch.manual_seed(2)
    other = AidedDiscriminator(4, 2)
    assert not torch.equal(other(pictures), judge(pictures)), "their heads start apart"
    other.load_state_dict(judge.state_dict())
    assert torch.equal(other.eval()(pictures), judge.eval()(pictures))


def test_a_picture_learns_from_it_what_to_change(judge, pictures):
    pictures.requires_grad_(True)
    judge(pictures).mean().backward()
    assert (pictures.grad.abs().sum(dim=(1, 2, 3)) > 0).all()


def test_it_moves_as_a_whole(judge, pictures):
    assert judge.double()(pictures.double()).dtype == torch.float64
