import pytest
import torch

from leafcore.errors import CheckpointError
from leafcore.nets import build
from leafcore.nets.unet_generator import UnetGenerator


@pytest.mark.parametrize(("downs", "parameters"), [(8, 54_409_603), (7, 41_825_667)])
def test_the_published_generators_have_as_many_parameters_as_the_reference(downs, parameters):
    with torch.device("meta"):
        generator = build({"type": "unet_generator", "args": {"filters": 64, "downs": downs}})
    assert sum(parameter.numel() for parameter in generator.parameters()) == parameters


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("downs", [1, 2, 5])
def test_a_picture_keeps_its_shape_and_stays_in_range(downs, upsampling):
    pictures = torch.rand(2, 3, 32, 64) * 2 - 1
    translated = UnetGenerator(4, downs, upsampling)(pictures)
    assert translated.shape == pictures.shape
    assert translated.abs().max() <= 1


def test_what_becomes_of_a_picture_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    generator, pictures = UnetGenerator(4, 4).double(), torch.rand(3, 3, 32, 32).double()
    alone = torch.cat([generator(picture[None]) for picture in pictures])
    torch.testing.assert_close(generator(pictures), alone, rtol=1e-9, atol=1e-12)


def test_every_level_is_handed_across():
    torch.manual_seed(0)
    generator, pictures = UnetGenerator(4, 4), torch.rand(1, 3, 32, 32)
    before = generator(pictures)
    for level, up in enumerate(generator.up[:-1]):
        across = up[1].weight[: up[1].in_channels // 2]
        kept = across.detach().clone()
        across.data.zero_()
        assert not torch.equal(generator(pictures), before), level
        across.data.copy_(kept)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_a_residual_generator_begins_as_the_identity_and_learns(upsampling):
    generator, pictures = UnetGenerator(4, 3, upsampling, residual=True), torch.rand(1, 3, 16, 16) * 2 - 1
    translated = generator(pictures)
    torch.testing.assert_close(translated, pictures)
    translated.mean().backward()
    head = next(layer for layer in generator.up[0] if hasattr(layer, "weight"))
    assert head.weight.grad.abs().sum() > 0


def test_a_size_that_cannot_be_halved_as_often_is_one_clear_line():
    with pytest.raises(CheckpointError, match="got pictures of 48 x 32 px, expected multiples of 32 px"):
        UnetGenerator(4, 5)(torch.rand(1, 3, 32, 48))
