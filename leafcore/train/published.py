"""Weights that other programs saved: read without running any code, and matched to a network of ours.

Known so far: LFLSeg as IyatomiLab/LeafGAN publishes it (`LFLSeg_resnet101.pth`), a torchvision ResNet, whose parameters
timm calls the same, with three classes in our order that sees pictures between -1 and 1.
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from leafcore.errors import CheckpointError
from leafcore.nets.backbones import InputScale
from leafcore.train.lflseg_data import CLASSES

Tensors = dict[str, torch.Tensor]

WRAPPERS = ("state_dict", "model_state_dict", "model")  # the keys under which programs put the weights
COUNTER = "num_batches_tracked"  # of a BatchNorm; older files have none, and nothing depends on it
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
LFLSEG_PX = 224  # the side of the pictures that the published LFLSeg sees


@dataclass(frozen=True)
class PublishedLFLSeg:
    """The published LFLSeg, or one saved in its form.

    Attributes:
        backbone: What timm calls its network.
        tensors: Its weights, as timm calls them.
        scale: How it wants its pictures.
    """

    backbone: str
    tensors: Tensors
    scale: InputScale = InputScale((0.5,) * 3, (0.5,) * 3)


def read_tensors(path: Path) -> Tensors:
    """Read a file of weights; nothing in it is executed.

    A wrapping such as {"state_dict": ...} and the prefix "module." of torch's DataParallel are taken away.

    Args:
        path: A .pth or .pt file that torch saved, or a .safetensors file.

    Raises:
        CheckpointError: It is missing or damaged, or holds anything but tensors by name.
    """
    try:
        held = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such weights file.") from None
    except IsADirectoryError:
        raise CheckpointError(f"{path}: a folder, expected a weights file.") from None
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path}: no weights can be read from it ({type(error).__name__}); expected a state_dict that torch.save "
            "wrote, nothing but tensors by name, or a .safetensors file. Download it again, or save its state_dict."
        ) from None
    for key in WRAPPERS:
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not held or not all(map(torch.is_tensor, held.values())):
        raise CheckpointError(f"{path}: holds no tensors by name; expected a state_dict that torch.save wrote.")
    return {str(name).removeprefix("module."): tensor for name, tensor in held.items()}


def read_lflseg(path: Path) -> PublishedLFLSeg:
    """Read the published LFLSeg, whichever ResNet it is.

    Raises:
        CheckpointError: The file cannot be read, is no ResNet of torchvision's, or tells other classes.
    """
    tensors = read_tensors(path)
    for name in RESNETS:
        with torch.device("meta"):  # only names and shapes are wanted
            wanted = timm.create_model(name, num_classes=len(CLASSES)).state_dict()
        if _named(wanted) == _named(tensors):
            _require_shapes(path, tensors, wanted, name)
            counters = {key: torch.tensor(0) for key in wanted if key.endswith(COUNTER)}
            return PublishedLFLSeg(name, {**counters, **tensors})
    first = ", ".join(list(tensors)[:2])
    raise CheckpointError(
        f"{path}: holds {len(tensors)} tensors ({first}, ...) that are no ResNet's; expected the names of "
        f"torchvision's ResNets, conv1.weight to fc.bias, such as {', '.join(RESNETS)}."
    )


def _named(tensors: Mapping[str, Any]) -> set[str]:
    return {name for name in tensors if not name.endswith(COUNTER)}


def _require_shapes(path: Path, tensors: Tensors, wanted: Tensors, name: str) -> None:
    """Refuse another number of classes, then any other shape."""
    classes = tensors["fc.weight"].shape[0]
    if classes != len(CLASSES):
        raise CheckpointError(
            f"{path}: a {name} that tells {classes} classes, expected LFLSeg's {len(CLASSES)}: {', '.join(CLASSES)}."
        )
    for key in sorted(_named(wanted)):
        if tensors[key].shape != wanted[key].shape:
            got, expected = (" x ".join(map(str, part[key].shape)) for part in (tensors, wanted))
            raise CheckpointError(f"{path}: {key} is {got}, expected {expected} of a {name}; this is another network.")
