"""Checkpoints made on the spot, for tests of what uses them."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import save

from leafcore.checkpoints import Checkpoint, open_checkpoint, sha256
from leafcore.files import write_bytes, write_json
from leafcore.nets import build
from leafcore.workspace import Workspace

GENERATOR = {"type": "resnet_generator", "args": {"filters": 4, "blocks": 1}}


def plant(
    workspace: Workspace,
    name: str,
    description: dict[str, Any],
    seed: int = 0,
    told: dict[str, Any] | None = None,
    gain: float = 4,
    edited: Mapping[str, torch.Tensor] | None = None,
) -> Checkpoint:
    """Write a checkpoint of randomly initialised networks, with large enough weights to change a picture.

    Args:
        workspace: Where it goes.
        name: Its name.
        description: Which networks to make.
        seed: Of their weights.
        told: What the weights file says instead, if it lies.
        gain: Times the weights as they are drawn.
        edited: Tensors that are known, in place of those that are drawn.
    """
    torch.manual_seed(seed)
    tensors = {}
    for net, of in description["nets"].items():
        for key, value in build(of).state_dict().items():
            tensors[f"{net}.{key}"] = value * gain if value.is_floating_point() else value
    tensors |= edited or {}
    path = workspace.checkpoints / name / "weights.safetensors"
    write_bytes(path, save(tensors, {"leaf": json.dumps(told or description)}))
    card = {
        "name": name, "recipe": description["recipe"], "description": description, "run": "", "epoch": 1,
        "weights_sha256": sha256(path), "created": 0.0, "code_version": "0",
    }  # fmt: skip
    write_json(path.parent / "card.json", card)
    return open_checkpoint(workspace, name)


def plant_translator(
    workspace: Workspace, name: str, a: str = "healthy", b: str = "rust", size_px: int = 32, seed: int = 0, **said: Any
) -> Checkpoint:
    """Write a checkpoint that translates both ways.

    Args:
        workspace: Where it goes.
        name: Its name.
        a: The label set it translates from.
        b: The label set it translates to.
        size_px: The side of its pictures.
        seed: Of its weights.
        **said: What else its description says.
    """
    nets = {"gen_ab": GENERATOR, "gen_ba": GENERATOR}
    return plant(workspace, name, {"recipe": "leafgan", "a": a, "b": b, "size_px": size_px, "nets": nets, **said}, seed)


def plant_shift(
    workspace: Workspace, name: str, shift: float, b: str = "rust", size_px: int = 32, **said: Any
) -> Checkpoint:
    """Write a checkpoint that adds a number to every value, clipped to [-1, 1], and subtracts it on the way back.

    Args:
        workspace: Where it goes.
        name: Its name.
        shift: The number, more than -2 and less than 2.
        b: The label set it translates to, from healthy.
        size_px: The side of its pictures.
        **said: What else its description says.
    """
    net = {"type": "resnet_generator", "args": {"filters": 2, "blocks": 1, "residual": True}}
    bias = torch.full((3,), shift / 2).atanh()  # the last layer sees nothing else: x + 2 tanh(bias)
    described = {
        "recipe": "leafgan",
        "a": "healthy",
        "b": b,
        "size_px": size_px,
        "nets": {"gen_ab": net, "gen_ba": net},
    }
    edited = {"gen_ab.head.1.bias": bias, "gen_ba.head.1.bias": -bias}
    return plant(workspace, name, {**described, **said}, edited=edited)


def plant_lflseg(workspace: Workspace, name: str) -> Checkpoint:
    """Write an LFLSeg checkpoint, which translates nothing."""
    nets = {"classifier": {"type": "backbone", "args": {"name": "test_resnet", "num_classes": 3}}}
    return plant(workspace, name, {"recipe": "lflseg", "size_px": 64, "nets": nets})
