from typing import get_args

import numpy as np
import pytest
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, LayerCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from leafcore.errors import CheckpointError, ConfigError
from leafcore.masks.cam import explainer
from leafcore.masks.configs import CamConfig, CamMethod
from leafcore.nets.backbones import build_backbone
from tests.masks.test_cam import pictures

LIBRARY = {"gradcam": GradCAM, "gradcam++": GradCAMPlusPlus, "layercam": LayerCAM, "eigencam": EigenCAM}
SIZE = 96


@pytest.fixture
def model():
    torch.manual_seed(0)
    network = build_backbone("resnet18").eval().requires_grad_(False)
    network.fc.weight.mul_(1e4)  # lest the 1e-7 count that the library adds to each maximum
    return network


def test_every_method_that_a_config_knows_is_tried_here():
    assert set(LIBRARY) == set(get_args(CamMethod))


@pytest.mark.parametrize("layer", ["layer2", "layer3.0.downsample"])
@pytest.mark.parametrize("method", LIBRARY)
def test_a_map_is_the_librarys_once_it_is_stretched_and_enlarged_like_one(model, method, layer):
    ours = explainer(model, CamConfig(method=method, layer=layer), SIZE)(pictures())
    assert ours.maps.min() >= 0 and set(ours.maps.max((1, 2)).tolist()) <= {0.0, 1.0} and ours.maps.any()
    with LIBRARY[method](model.requires_grad_(True), [model.get_submodule(layer)]) as cam:
        wanted = cam(pictures(), [ClassifierOutputTarget(0)] * 4)
    stretched = scale_cam_image(scale_cam_image(ours.maps, (SIZE, SIZE)))
    assert np.abs(stretched - wanted).max() < 2e-4


def test_methods_and_layers_make_different_maps(model):
    drawn = {
        (method, layer): explainer(model, CamConfig(method=method, layer=layer), SIZE)(pictures()).maps
        for method in LIBRARY
        for layer in ("", "layer3")
    }
    assert {maps.shape for (_, layer), maps in drawn.items() if not layer} == {(4, 3, 3)}
    assert {maps.shape for (_, layer), maps in drawn.items() if layer} == {(4, 6, 6)}
    last = [maps for (_, layer), maps in drawn.items() if layer]
    assert all(not np.allclose(a, b, atol=1e-3) for i, a in enumerate(last) for b in last[:i])


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "convnext_atto"])
def test_a_network_without_a_closed_form_has_its_map_drawn_by_the_library(name):
    torch.manual_seed(0)
    network = build_backbone(name).eval().requires_grad_(False)
    cams = explainer(network, CamConfig(), SIZE)(pictures())
    assert cams.maps.shape == (4, 3, 3) and cams.probabilities.sum(1) == pytest.approx(1)
    assert torch.is_grad_enabled() and not any(parameter.requires_grad for parameter in network.parameters())


def test_no_hook_stays_on_the_network(model):
    explain = explainer(model, CamConfig(method="layercam"), SIZE)
    explain(pictures())
    assert not any(layer._forward_hooks for layer in model.modules())


@pytest.mark.parametrize("layer", ["layer9", "fc", "global_pool"])
def test_a_layer_that_gives_no_maps_is_refused_with_those_that_do(model, layer):
    with pytest.raises(ConfigError, match=f"layer: got '{layer}', expected .*layer1, layer2, layer3, layer4") as raised:
        explainer(model, CamConfig(layer=layer), SIZE)
    assert "\n" not in str(raised.value)


def test_a_transformer_is_refused():
    with pytest.raises(CheckpointError, match="VisionTransformer does not end in maps"):
        explainer(build_backbone("test_vit").eval(), CamConfig(), SIZE)
