"""The verb that writes a translator as CycleGAN's and LeafGAN's own code loads it."""

from functools import partial

import torch
from pydantic import BaseModel

from leafcore.checkpoints import open_checkpoint, require_unchanged
from leafcore.errors import CheckpointError
from leafcore.files import require_space, write_atomic, write_json
from leafcore.progress import Progress
from leafcore.train.checkpointing import read_weights
from leafcore.train.published_gans import ROLES, flags_for, in_words, to_published
from leafcore.upstream.configs import WriteWeightsConfig, require_weights_target
from leafcore.workspace import Workspace


class WriteWeightsResult(BaseModel):
    """What was written.

    Attributes:
        folder: Where.
        files: Their names.
        network: What the generator is, in words.
        flags: Those by which the reference's code makes such a generator; empty if it has none for its size.
    """

    folder: str
    files: list[str]
    network: str
    flags: str


def write_weights(config: WriteWeightsConfig, workspace: Workspace, progress: Progress) -> WriteWeightsResult:
    """Write a translator's networks under the names by which CycleGAN's and LeafGAN's code loads them.

    Raises:
        NotFoundError: There is no such translator.
        CheckpointError: The weights are damaged, or that code has no such network; nothing was written.
        ConfigError: The folder holds weights already.
        DiskFull: There is no room.
    """
    progress.phase("reading weights")
    checkpoint = open_checkpoint(workspace, config.model)
    if not checkpoint.is_translator:
        raise CheckpointError(f"model: {checkpoint.name} is a {checkpoint.card.recipe} model and translates nothing.")
    require_unchanged(checkpoint)
    description, networks = read_weights(checkpoint.weights)
    described = description["nets"]
    renamed = {
        f"latest_net_{theirs}.pth": to_published(described[ours], networks[ours], f"model: {checkpoint.name}")
        for theirs, ours in ROLES.items()
        if ours in networks
    }
    begun = progress.folder / "begun.json"  # what a resumed run may write over, for it is its own
    if not begun.exists():
        require_weights_target(config.to)
        write_json(begun, list(renamed))
    progress.phase("writing")
    config.to.mkdir(parents=True, exist_ok=True)
    require_space(config.to, checkpoint.weights.stat().st_size)
    for done, (name, tensors) in enumerate(renamed.items(), start=1):
        write_atomic(config.to / name, partial(torch.save, tensors))
        progress.report(done, len(renamed))
    flags = flags_for(described["gen_ab"])
    if not flags:
        progress.warn(
            f"CycleGAN's --netG has no name for a {in_words(described['gen_ab'])}: add one to its networks.py."
        )
    network = in_words(described["gen_ab"])
    return WriteWeightsResult(folder=str(config.to), files=list(renamed), network=network, flags=flags)
