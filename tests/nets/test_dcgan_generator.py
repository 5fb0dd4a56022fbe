import pytest
import torch
from torch import nn

from leafcore.errors import CheckpointError
from leafcore.nets import build
from leafcore.nets.dcgan_generator import ConditionalBatchNorm2d, DCGANGenerator


def test_the_published_generator_has_as_many_parameters_as_the_reference():
    with torch.device("meta"):
        generator = build({"type": "dcgan_generator", "args": {}})
    assert sum(parameter.numel() for parameter in generator.parameters()) == 3_576_704  # pytorch/examples, dcgan


@pytest.mark.parametrize("size_px", [64, 128, 256])
def test_latent_vectors_become_pictures_of_the_asked_side_in_range(size_px):
    pictures = DCGANGenerator(5, size_px, 4)(torch.randn(2, 5))
    assert pictures.shape == (2, 3, size_px, size_px) and pictures.abs().max() <= 1


def test_weights_are_drawn_as_published():
    torch.manual_seed(0)
    generator = DCGANGenerator(100, 64, 16, classes=40)
    for module in generator.modules():
        if isinstance(module, nn.ConvTranspose2d):
            assert module.weight.mean().abs() < 1e-3 and module.weight.std().item() == pytest.approx(0.02, rel=0.05)
        if isinstance(module, ConditionalBatchNorm2d):
            assert module.gain.weight.mean().item() == pytest.approx(1, abs=0.01) and not module.bias.weight.any()


def test_a_class_changes_the_picture_and_only_its_own():
    torch.manual_seed(0)
    generator, z = DCGANGenerator(5, 64, 4, classes=2).eval(), torch.randn(1, 5)
    first, second = (generator(z, torch.tensor([label])) for label in (0, 1))
    assert not torch.equal(first, second)
    with torch.no_grad():
        generator.norms[0].gain.weight[1] += 1
    assert torch.equal(generator(z, torch.tensor([0])), first)
    assert not torch.equal(generator(z, torch.tensor([1])), second)


def test_conditional_normalisation_scales_what_is_normalised():
    norm, x = ConditionalBatchNorm2d(3, 2), torch.randn(4, 3, 5, 5)
    norm.gain.weight.data.copy_(torch.tensor([[1.0, 1, 1], [2, 2, 2]]))
    norm.bias.weight.data.copy_(torch.tensor([[0.0, 0, 0], [7, 7, 7]]))
    plain = nn.BatchNorm2d(3)(x)
    out = norm(x, torch.tensor([0, 1, 0, 1]))
    torch.testing.assert_close(out[0::2], plain[0::2])
    torch.testing.assert_close(out[1::2], plain[1::2] * 2 + 7)


def test_a_model_of_classes_that_is_told_none_says_so_in_one_line():
    with pytest.raises(CheckpointError, match="labels: got none, expected one of 2 classes") as raised:
        DCGANGenerator(5, 64, 4, classes=2)(torch.randn(1, 5))
    assert "\n" not in str(raised.value)
