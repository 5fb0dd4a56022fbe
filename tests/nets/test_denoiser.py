import pytest
import torch

from leafcore.nets import build


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    args = {"size_px": 32, "filters": 8, "levels": 2, "blocks": 1, "patch": 2, "classes": 3}
    return build({"type": "denoiser", "args": args}).eval()


@torch.no_grad()
def test_without_a_class_the_null_class_is_told(network):
    noisy, timesteps = torch.randn(2, 3, 32, 32), torch.tensor([3, 11])
    free = network(noisy, timesteps)
    assert free.shape == noisy.shape
    assert torch.equal(free, network(noisy, timesteps, torch.tensor([3, 3])))
    assert not torch.equal(free, network(noisy, timesteps, torch.tensor([0, 3])))


@torch.no_grad()
def test_what_it_says_depends_on_the_timestep(network):
    noisy = torch.randn(1, 3, 32, 32)
    assert not torch.equal(network(noisy, torch.tensor([3])), network(noisy, torch.tensor([11])))


def test_patches_have_fewer_positions_and_channels_grow_to_four_times(network):
    assert network.unet.conv_in.in_channels == 12 and network.unet.config.sample_size == 16
    deep = build({"type": "denoiser", "args": {"filters": 8, "levels": 4, "blocks": 1}})
    assert tuple(deep.unet.config.block_out_channels) == (8, 16, 32, 32)
    told = [block.__class__.__name__ for block in deep.unet.down_blocks]
    assert told == ["DownBlock2D"] * 3 + ["AttnDownBlock2D"]


@pytest.mark.parametrize("filters", range(8, 257, 8))
def test_any_width_that_is_offered_can_be_built(filters):
    with torch.device("meta"):
        unet = build({"type": "denoiser", "args": {"filters": filters, "levels": 2, "blocks": 1}}).unet
    groups = unet.config.norm_num_groups
    assert filters % groups == 0 and groups >= 2
    if filters <= 128 or filters % 32 == 0:
        assert groups == min(32, filters // 4)
