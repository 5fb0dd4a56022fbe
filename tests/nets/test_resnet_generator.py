import torch
from torch import nn

from leafcore.nets import build
from leafcore.nets.resnet_generator import ResnetGenerator


def test_the_published_generator_has_as_many_parameters_as_the_reference():
    generator = build({"type": "resnet_generator", "args": {"filters": 64, "blocks": 9}})
    assert sum(parameter.numel() for parameter in generator.parameters()) == 11_378_179


def test_a_picture_keeps_its_shape_and_stays_in_range():
    pictures = torch.rand(2, 3, 24, 36) * 2 - 1
    translated = ResnetGenerator(4, 2)(pictures)
    assert translated.shape == pictures.shape
    assert translated.abs().max() <= 1


def test_what_becomes_of_a_picture_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    generator, pictures = ResnetGenerator(4, 2).double(), torch.rand(3, 3, 16, 16).double()
    alone = torch.cat([generator(picture[None]) for picture in pictures])
    torch.testing.assert_close(generator(pictures), alone, rtol=1e-9, atol=1e-12)


def test_convolutions_begin_at_a_standard_deviation_of_a_fiftieth():
    torch.manual_seed(0)
    layers = [m for m in ResnetGenerator(32, 2).modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    weights = torch.cat([layer.weight.flatten() for layer in layers])
    assert abs(weights.std().item() - 0.02) < 1e-4 and abs(weights.mean().item()) < 1e-4
    assert all(not layer.bias.any() for layer in layers)
