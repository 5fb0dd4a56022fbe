import pytest
import torch
from torch import nn

from leafcore.nets.backbones import build_backbone
from leafcore.nets.trunk import fast_trunk, map_layer, map_layers


def stirred(name):
    """Return a network whose BatchNorms have something to do."""
    torch.manual_seed(0)
    network = build_backbone(name)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.weight.data, layer.running_var):
                values.uniform_(0.5, 1.5)
            for values in (layer.bias.data, layer.running_mean):
                values.uniform_(-0.2, 0.2)
    return network.eval()


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0"])
def test_a_fast_trunk_gives_the_same_maps(name):
    network, images = stirred(name), torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        wanted = network.forward_features(images)
        got = fast_trunk(network)(images)
    assert torch.allclose(got, wanted, atol=1e-4 * wanted.abs().max().item()), "untrained networks magnify rounding"


def test_a_resnets_fast_trunk_normalises_nothing_and_leaves_the_network_as_it_was():
    network = stirred("resnet18")
    trunk = fast_trunk(network)
    called = {node.target for node in trunk.graph.nodes}
    assert not any("bn" in str(name) for name in called), "folded into the convolutions"
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "last"), [("resnet18", "layer4"), ("tf_efficientnet_lite0", "bn2"), ("mobilenetv3_small_050", "blocks")]
)
def test_the_last_layer_that_gives_maps_is_what_the_pooling_gets(name, last):
    network = build_backbone(name).eval()
    layers = map_layers(network, 64)
    assert layers[-1] == last and map_layer(network, "", 64) is network.get_submodule(last)
    assert not any(layer._forward_hooks for layer in network.modules())
