import pytest
import torch
from torch import nn

from leafcore.nets import build
from leafcore.nets.dcgan_discriminator import DCGANDiscriminator


def test_the_published_discriminator_has_as_many_parameters_as_the_reference():
    with torch.device("meta"):
        discriminator = build({"type": "dcgan_discriminator", "args": {}})
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == 2_765_568  # pytorch/examples, dcgan


@pytest.mark.parametrize("size_px", [64, 128, 256])
def test_each_picture_gets_one_score(size_px):
    judgement = DCGANDiscriminator(size_px, 4)(torch.rand(3, 3, size_px, size_px))
    assert judgement.scores.shape == (3,) and judgement.class_logits is None


def test_a_projection_adds_the_class_times_the_pooled_maps():
    torch.manual_seed(0)
    disc, pictures = DCGANDiscriminator(64, 4, classes=3).eval(), torch.rand(2, 3, 64, 64)
    maps, labels = disc.body(pictures), torch.tensor([0, 2])
    by_hand = disc.score(maps).flatten() + torch.stack(
        [disc.embed.weight[label] @ maps[index].sum((1, 2)) for index, label in enumerate(labels)]
    )
    torch.testing.assert_close(disc(pictures, labels).scores, by_hand)


def test_an_auxiliary_classifier_tells_the_class_without_being_told():
    disc, pictures = DCGANDiscriminator(64, 4, classes=3, auxiliary=True).eval(), torch.rand(2, 3, 64, 64)
    told = disc(pictures, torch.tensor([0, 1]))
    assert told.class_logits.shape == (2, 3)
    assert torch.equal(told.scores, disc(pictures).scores)


def test_without_batch_normalisation_a_score_is_of_its_picture_alone():
    torch.manual_seed(0)
    pictures = torch.rand(3, 3, 64, 64)
    for batch_norm in (False, True):
        disc = DCGANDiscriminator(64, 4, batch_norm=batch_norm)
        alone = torch.cat([disc(picture[None]).scores for picture in pictures])
        assert torch.allclose(disc(pictures).scores, alone, atol=1e-6) is not batch_norm


def test_spectral_normalisation_bounds_every_layer_by_1():
    torch.manual_seed(0)
    disc = DCGANDiscriminator(64, 4, classes=3, batch_norm=False, spectral_norm=True)
    for _ in range(30):  # each forward pass is a step of the power iteration
        disc(torch.rand(1, 3, 64, 64), torch.tensor([1]))
    layers = [module for module in disc.modules() if isinstance(module, nn.Conv2d | nn.Embedding)]
    assert len(layers) == 6
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
