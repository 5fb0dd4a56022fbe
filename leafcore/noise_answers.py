"""The warm worker's answers to questions about models that make pictures from noise."""

from functools import lru_cache

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.denoising import Denoising, denoising_of
from leafcore.latent import NoiseModel
from leafcore.measure.witness import Witness, open_witness
from leafcore.noise import noise_facts
from leafcore.questions import GridQuestion, InterpolationQuestion, NoiseQuestion, SampleQuestion
from leafcore.workspace import Workspace


def answer_from_noise(workspace: Workspace, question: NoiseQuestion, device: torch.device) -> dict[str, np.ndarray]:
    """Return the arrays that answer a question; see there.

    Raises:
        LeafError: It cannot be answered.
    """
    checkpoint = open_checkpoint(workspace, question.checkpoint)
    how = denoising_of(noise_facts(checkpoint), question, question.truncation)
    model = _model(str(workspace.root), question.checkpoint, checkpoint.card.weights_sha256, str(device), how)
    label = model.facts.require_label(question.label)
    if isinstance(question, InterpolationQuestion):
        seeds = (question.seed, question.end_seed)
        return {"pictures": model.interpolate(seeds, question.steps, label, question.truncation)}
    if isinstance(question, GridQuestion):
        return {"pictures": model.class_grid(question.seed, question.columns, question.truncation)}
    if isinstance(question, SampleQuestion):
        return _sample(workspace, question, checkpoint, model, label, device)
    raise TypeError(f"no answer to {type(question).__name__}")


def _sample(
    workspace: Workspace,
    question: SampleQuestion,
    checkpoint: Checkpoint,
    model: NoiseModel,
    label: str,
    device: torch.device,
) -> dict[str, np.ndarray]:
    indices = range(question.n)
    pictures = model.sample(question.seed, indices, label, question.truncation)
    made_as = model.facts.labels_of(indices, label)
    key = (question.checkpoint, checkpoint.card.weights_sha256, question.judge, str(device))
    witness = _witness(str(workspace.root), *key)
    called = witness.name_all(pictures)
    found = witness.interpret(called, made_as)
    return {
        "pictures": pictures,
        "made_as": np.array(made_as, dtype=str),
        "called": np.array([] if found.withheld else called, dtype=str),
        "interpretation": np.array(found.model_dump_json()),
    }


@lru_cache(maxsize=2)
def _model(root: str, ref: str, weights_sha256: str, device: str, how: Denoising) -> NoiseModel:
    del weights_sha256  # part of the key: other weights under the same name are loaded anew
    return NoiseModel(open_checkpoint(Workspace(root), ref), torch.device(device), how)


@lru_cache(maxsize=2)
def _witness(root: str, ref: str, weights_sha256: str, judge: str, device: str) -> Witness:
    del weights_sha256
    model = open_checkpoint(Workspace(root), ref)
    size_px = int(model.card.description["size_px"])
    return open_witness(Workspace(root), model, judge, size_px, torch.device(device))
