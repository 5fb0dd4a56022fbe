"""What LFLSeg's training starts from, besides ImageNet's weights: a model of ours, or the published one."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from leafcore.checkpoints import open_checkpoint, sha256
from leafcore.data.seen import UNKNOWN, Seen
from leafcore.errors import CheckpointError
from leafcore.generate import load_network
from leafcore.nets.backbones import InputScale, build_backbone
from leafcore.train.lflseg_data import CLASSES
from leafcore.train.published import read_lflseg
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Start:
    """A trained LFLSeg to go on from.

    Attributes:
        backbone: What timm calls its network.
        network: It.
        scale: How it wants its pictures.
        seen: What it has seen, which whatever is trained from it has seen too.
        origin: What people call it, and the weights' SHA-256.
    """

    backbone: str
    network: nn.Module
    scale: InputScale
    seen: Seen
    origin: dict[str, str]


def open_start(workspace: Workspace, init: str | Path, device: torch.device) -> Start:
    """Load the weights that training is to start from.

    Args:
        workspace: Where checkpoints and runs are.
        init: A file that another program saved, see `read_lflseg`; or what configs call LFLSeg weights of ours.
        device: Where the network goes.

    Raises:
        NotFoundError: There is nothing by that name.
        CheckpointError: The weights are damaged, or no LFLSeg's.
    """
    if isinstance(init, Path):
        published = read_lflseg(init)
        with torch.random.fork_rng(devices=[]):  # its first weights are drawn only to be replaced
            network = build_backbone(published.backbone, len(CLASSES))
        network.load_state_dict(published.tensors)
        origin = {"name": init.name, "sha256": sha256(init)}
        return Start(
            published.backbone, network.to(device), published.scale, {UNKNOWN: [f"{init.name} (lflseg)"]}, origin
        )
    checkpoint = open_checkpoint(workspace, init)
    description = checkpoint.card.description
    if checkpoint.card.recipe != "lflseg":
        raise CheckpointError(f"init: {init} is a {checkpoint.card.recipe} model, expected an lflseg model.")
    network = load_network(checkpoint, "classifier", device).requires_grad_(True)
    backbone = str(description["nets"]["classifier"]["args"]["name"])
    origin = {"name": checkpoint.name, "sha256": checkpoint.card.weights_sha256}
    return Start(backbone, network, InputScale.described(description), checkpoint.seen(), origin)
