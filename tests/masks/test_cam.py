import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from leafcore.errors import CheckpointError
from leafcore.masks.cam import class_activation_maps, explain_classes, explainer
from leafcore.masks.configs import CamConfig
from leafcore.masks.library import library_explainer
from leafcore.nets.backbones import build_backbone

ENDINGS = {  # the last layer of each network's trunk: what it gives is what the pooling gets
    "resnet18": lambda model: model.layer4,
    "tf_efficientnet_lite0": lambda model: model.bn2,
}


def network(name, pretrained=False):
    torch.manual_seed(0)
    return build_backbone(name, 3, pretrained).eval()


def pictures(count=4, size_px=96):
    """Return smooth blobs, so that no map is flat: (N, 3, S, S) in [-1, 1]."""
    coarse = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return F.interpolate(coarse, size=size_px, mode="bicubic").clamp(-1, 1)


def grad_cam(model, name, images, target):
    """Return the library's heat maps, as large as the pictures."""
    with GradCAM(model, [ENDINGS[name](model)]) as cam:
        return cam(images, [ClassifierOutputTarget(target)] * len(images))


@pytest.mark.parametrize("target", [0, 2])
@pytest.mark.parametrize(
    ("name", "pretrained"), [("resnet18", False), ("tf_efficientnet_lite0", False), ("tf_efficientnet_lite0", True)]
)
def test_the_closed_form_is_grad_cam(name, pretrained, target):
    model, images = network(name, pretrained), pictures()
    with torch.no_grad():
        model.get_classifier().weight.mul_(1e6)  # lest the 1e-7 count that the library adds to each maximum
    closed = class_activation_maps(model, images, target).maps
    assert closed.max() > 0
    # The library stretches each map to 0..1, enlarges it, and stretches it again: so is ours here.
    scaled = scale_cam_image(scale_cam_image(closed, (images.shape[3], images.shape[2])))
    assert np.abs(scaled - grad_cam(model, name, images, target)).max() < 1e-5


@pytest.mark.parametrize("name", ENDINGS)
def test_probabilities_are_the_networks_own(name):
    model, images = network(name), pictures()
    with torch.no_grad():
        wanted = model(images).softmax(1).numpy()
    assert np.allclose(class_activation_maps(model, images).probabilities, wanted, atol=1e-6)


def test_maps_lie_between_zero_and_one_and_reach_one():
    maps = class_activation_maps(network("resnet18"), pictures()).maps
    assert maps.min() >= 0 and maps.dtype == np.float32
    assert maps.max((1, 2)) == pytest.approx(1)


def test_a_map_where_nothing_speaks_for_the_class_is_zero():
    model, images = network("resnet18"), pictures()
    with torch.no_grad():
        model.fc.weight[0] = -1.0  # the maps are behind a ReLU, so this is negative everywhere
    with np.errstate(all="raise"):
        maps = class_activation_maps(model, images, target=0).maps
    assert not maps.any() and not np.isnan(maps).any()
    assert class_activation_maps(model, images, target=1).maps.any()


def test_a_very_faint_map_is_scaled_up_like_any_other():
    model, images = network("resnet18"), pictures()
    bright = class_activation_maps(model, images).maps
    with torch.no_grad():
        model.fc.weight.mul_(1e-30)
    assert np.abs(class_activation_maps(model, images).maps - bright).max() < 1e-4


@pytest.mark.parametrize("method", ["gradcam", "gradcam++"])
def test_the_class_that_each_picture_is_predicted_to_be_may_be_explained(method):
    model, images = network("resnet18"), pictures()
    with torch.no_grad():
        model.fc.bias.sub_(model(images).mean(0))  # so that predictions differ
    predicted = explainer(model, CamConfig(method=method, layer="", target="predicted"), 96)(images.clone())
    classes = predicted.probabilities.argmax(1)
    assert len(set(classes.tolist())) > 1
    for row, target in enumerate(classes):
        wanted = library_explainer(model, CamConfig(method=method), 96, int(target))(images)
        assert np.abs(predicted.maps[row] - wanted.maps[row]).max() < 1e-4


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050"])  # in closed form, and through the library
def test_each_picture_may_be_explained_for_a_class_of_its_own(name):
    model, images = network(name).requires_grad_(False), pictures()
    classes = [2, 0, 1, 0]
    maps = explain_classes(model, images, classes)
    for row, target in enumerate(classes):
        wanted = explain_classes(model, images[row : row + 1], [target])[0]
        assert np.abs(maps[row] - wanted).max() < 1e-4
    others = explain_classes(model, images, [0, 1, 2, 1])
    assert all(np.abs(maps[row] - others[row]).max() > 0.01 for row in range(4))


@pytest.mark.parametrize(("name", "pretrained"), [("resnet18", False), ("tf_efficientnet_lite0", True)])
def test_what_is_used_is_the_librarys_grad_cam_before_it_stretches_and_enlarges(name, pretrained):
    model, images = network(name, pretrained).requires_grad_(False), pictures(size_px=224)
    fast = explainer(model, CamConfig(), 224)(images)
    library = library_explainer(model, CamConfig(), 224, target=0)(images)
    assert fast.maps.shape == library.maps.shape == (4, 7, 7) and (fast.maps.max((1, 2)) == 1).all()
    assert np.abs(fast.maps - library.maps).max() < 1e-5
    assert np.allclose(fast.probabilities, library.probabilities, atol=1e-6)


@pytest.mark.parametrize("method", ["gradcam", "gradcam++"])
@pytest.mark.parametrize("broken", ["fc.weight", "layer4.0.conv1.weight"])
def test_weights_that_are_not_numbers_are_one_clear_line(method, broken):
    model = network("resnet18").requires_grad_(False)
    model.get_parameter(broken).fill_(torch.nan)
    with pytest.raises(CheckpointError, match="not finite, so no heat map can be drawn") as raised:
        explainer(model, CamConfig(method=method), 96)(pictures())
    assert "\n" not in str(raised.value)


def test_a_network_that_ends_otherwise_is_refused():
    model = build_backbone("mobilenetv3_small_050").eval()
    with pytest.raises(CheckpointError, match="does not end in global average pooling and one linear layer"):
        class_activation_maps(model, pictures())
