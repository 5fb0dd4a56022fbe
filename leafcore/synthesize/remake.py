"""Making one picture again from its recipe: a chain over its source, a latent vector, or a prompt."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from leafcore.chain_steps import How, Step, Where
from leafcore.chains import Sizing
from leafcore.checkpoints import Checkpoint, list_checkpoints, open_checkpoint
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import mask_files
from leafcore.data.synthetic_sets import ChainStep, Provenance
from leafcore.denoising import Denoising, Sampler, denoising_of
from leafcore.errors import CheckpointError, DatasetError, InputError
from leafcore.generate import Chain, Leaves
from leafcore.images import load_square, to_signed, to_uint8
from leafcore.latent import NoiseModel, draw_latents
from leafcore.noise import noise_facts
from leafcore.progress import Progress
from leafcore.synthesize.configs import WHOLE
from leafcore.train.train_config import Precision
from leafcore.wish import Wish
from leafcore.workspace import Workspace

if TYPE_CHECKING:
    from leafcore.drawing import PromptModel

NO_MASKS = ("none", WHOLE)
EXACT = "exact"


def remake(
    recipe: Provenance, workspace: Workspace, device: torch.device, progress: Progress, together: int = 1
) -> np.ndarray:
    """Make a picture again.

    Args:
        recipe: Of the picture.
        workspace: Where its models, its source and its mask are.
        device: Where to compute.
        progress: Told of the download, if a base model must be fetched.
        together: How often at once: libraries add numbers up in an order that hangs on the size of the batch, so that
            only a batch as large as the picture's was is sure to give the same bits.

    Returns:
        (S, S, 3) uint8.

    Raises:
        InputError: A model, the source or the mask is not here, or not as it was.
    """
    checkpoints = [open_as_used(workspace, step) for step in recipe.chain]
    if not checkpoints:
        raise DatasetError("picture: its recipe names no model; it was not made here.")
    if checkpoints[0].is_noise_model:
        return _from_noise(recipe, checkpoints[0], device, together)
    seeds = [recipe.seed] * together
    if not recipe.source:
        return _first(_open_drawing(recipe, checkpoints, workspace, device, progress).draw(seeds))
    dataset = load(workspace, recipe.dataset)
    sources = np.stack([_open_source(recipe, dataset)] * together)
    leaves = _open_leaf(recipe, workspace, dataset, together)
    if not any(step.where for step in recipe.chain) and all(one.is_prompt_model for one in checkpoints):
        model = _open_drawing(recipe, checkpoints, workspace, device, progress)
        may_change = None if leaves is None else leaves[:, 0].numpy() > 0.5
        return _first(model.redraw(seeds, sources, may_change))
    steps = [
        Step(checkpoint, How(step.back, step.strength, cast(Where, step.where)))
        for checkpoint, step in zip(checkpoints, recipe.chain, strict=True)
    ]
    sizing: Sizing = "tiles" if recipe.method.startswith("tiles") else "resize"
    precision: Precision = "bf16" if recipe.precision == "bf16" else "fp32"
    chain = Chain(steps, device, workspace, _wish(recipe, steps), recipe.size_px, sizing, precision)
    signed = to_signed(torch.from_numpy(sources).permute(0, 3, 1, 2))
    return _first(to_uint8(chain(signed, leaves, seeds)[-1]))


def open_as_used(workspace: Workspace, step: ChainStep) -> Checkpoint:
    """Return the weights that a step names, under whichever name they are here now.

    Raises:
        CheckpointError: They are not here.
    """
    for ref in (step.checkpoint, f"{step.run}@{step.epoch}"):
        try:
            found = open_checkpoint(workspace, ref)
        except InputError:
            continue
        if found.card.weights_sha256 == step.weights_sha256:
            return found
    for found in list_checkpoints(workspace):
        if found.card.weights_sha256 == step.weights_sha256:
            return found
    trained = f", epoch {step.epoch} of run {step.run}," if step.run else ""
    raise CheckpointError(
        f"checkpoint: {step.checkpoint}{trained} with the weights {step.weights_sha256[:12]} is not in this workspace; "
        "put it back, or reproduce the picture where it was made."
    )


def _from_noise(recipe: Provenance, checkpoint: Checkpoint, device: torch.device, together: int) -> np.ndarray:
    facts = noise_facts(checkpoint)
    sampler = "auto" if recipe.sampler == "none" else cast(Sampler, recipe.sampler)
    how = Denoising(recipe.guidance, sampler, recipe.sampling_steps)
    if not facts.diffuses or not recipe.sampling_steps:  # else it says how it was made, be it as nobody is let now
        how = denoising_of(facts, how, recipe.truncation)
    latents = draw_latents([recipe.seed] * together, facts.latent, recipe.truncation)
    return _first(NoiseModel(checkpoint, device, how)(latents, [recipe.labels] * together))


def _open_drawing(
    recipe: Provenance,
    checkpoints: Sequence[Checkpoint],
    workspace: Workspace,
    device: torch.device,
    progress: Progress,
) -> "PromptModel":
    from leafcore.drawing import PromptModel  # diffusers takes seconds to load, and GANs need none of it

    return PromptModel(checkpoints, _wish(recipe), workspace, device, progress)


def _wish(recipe: Provenance, steps: Sequence[Step] = ()) -> Wish:
    """Return what was drawn, and how; several steps of a chain drew each what it was taught."""
    return Wish(
        prompt="" if sum(step.draws for step in steps) > 1 else recipe.prompt,
        negative=recipe.negative,
        guidance=recipe.guidance,
        sampler=cast(Sampler, recipe.sampler),
        sampling_steps=recipe.sampling_steps,
        strength=recipe.strength,
        lora_strength=recipe.lora_strength,
    )


def _open_source(recipe: Provenance, dataset: Dataset) -> np.ndarray:
    """Return the source, (S, S, 3) uint8.

    Raises:
        DatasetError: It is gone, damaged, or another picture than it was.
    """
    if recipe.source not in set(dataset.records["image"]):
        raise DatasetError(f"picture: {dataset.ref} holds no {recipe.source!r}, which its recipe names as the source.")
    path = dataset.root / recipe.source
    picture = load_square(path, recipe.size_px)
    with path.open("rb") as file:
        is_drawn = dataset.card.format == "rendered"  # then the hash is of what was drawn, not of the file
        if not is_drawn and hashlib.file_digest(file, "sha256").hexdigest() != recipe.source_sha256:
            raise DatasetError(f"{path}: not the photograph that it was when the picture was made; put that one back.")
    return picture


def _open_leaf(recipe: Provenance, workspace: Workspace, dataset: Dataset, times: int) -> torch.Tensor | None:
    """Return the source's mask so many times, (N, 1, S, S) float32; None where the whole picture may change."""
    if recipe.masks in NO_MASKS:
        return None
    files = mask_files(workspace, dataset, [recipe.source], "" if recipe.masks == EXACT else recipe.masks)
    return Leaves(files, recipe.size_px)([recipe.source] * times)


def _first(pictures: np.ndarray) -> np.ndarray:
    return np.asarray(pictures[0])
