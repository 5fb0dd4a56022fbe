import pytest
import torch
from torch import nn

from leafcore.nets import build
from leafcore.nets.patch_discriminator import PatchDiscriminator


def seen_by_one_score(layers: int, size_px: int) -> tuple[int, int]:
    """Return the height and width in px of what the middle score depends on, by gradient.

    Instance normalisation lets every pixel shift every score a little, so it is taken out first.
    """
    judge = PatchDiscriminator(4, layers)
    for index, module in enumerate(judge.body):
        if isinstance(module, nn.InstanceNorm2d):
            judge.body[index] = nn.Identity()
    picture = torch.randn(1, 3, size_px, size_px, requires_grad=True)
    scores = judge(picture)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    rows, columns = picture.grad[0].abs().sum(0).nonzero(as_tuple=True)
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


def test_the_published_discriminator_has_as_many_parameters_as_the_reference():
    judge = build({"type": "patch_discriminator", "args": {"filters": 64, "layers": 3}})
    assert sum(parameter.numel() for parameter in judge.parameters()) == 2_764_737


@pytest.mark.parametrize(("layers", "field_px"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_a_patch_of_the_published_size(layers, field_px):
    torch.manual_seed(0)
    assert seen_by_one_score(layers, size_px=128) == (field_px, field_px)


def test_a_picture_of_256_px_gets_30_by_30_scores():
    assert PatchDiscriminator(4)(torch.zeros(2, 3, 256, 256)).shape == (2, 1, 30, 30)


def test_five_layers_widen_no_further_than_eight_times():
    widths = [m.out_channels for m in PatchDiscriminator(8, 5).body if isinstance(m, nn.Conv2d)]
    assert widths == [8, 16, 32, 64, 64, 64, 1]
