"""What the warm worker answers. Its models stay loaded between questions."""

from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch

from leafcore import devices
from leafcore.ask import LookQuestion, PreviewQuestion, Question, answer_file
from leafcore.chains import open_chain
from leafcore.data.manifest import Dataset, load
from leafcore.errors import DatasetError
from leafcore.files import write_atomic
from leafcore.generate import Chain
from leafcore.images import load_square, to_signed, to_uint8
from leafcore.jobs import lane_is_taken
from leafcore.masks.lflseg import LFLSegModel, open_lflseg
from leafcore.workspace import Workspace


def answer(workspace: Workspace, question: Question) -> None:
    """Write the answer to a question where `answer_file` says.

    Raises:
        LeafError: It cannot be answered.
    """
    if isinstance(question, LookQuestion):
        arrays = look(workspace, question)
    elif isinstance(question, PreviewQuestion):
        arrays = preview(workspace, question)
    else:
        raise TypeError(f"no answer to {type(question).__name__}")
    write_atomic(answer_file(workspace, question), lambda file: np.savez(file, **cast("dict[str, Any]", arrays)))


def look(workspace: Workspace, question: LookQuestion) -> dict[str, np.ndarray]:
    """Answer a `LookQuestion`; a picture that cannot be read has a map of zeros."""
    dataset = load(workspace, question.dataset)
    model = _lflseg(str(workspace.root), question.model, question.weights_sha256, str(_device(workspace)))
    looks = list(model.look([dataset.root / image for image in question.images]))
    maps = [one.cam for one in looks if one.cam is not None]
    if not maps:
        raise DatasetError(f"None of the {len(looks)} pictures can be read; first: {looks[0].problem}")
    blank = np.zeros_like(maps[0])
    return {
        "maps": np.stack([blank if one.cam is None else one.cam for one in looks]),
        "probabilities": np.stack([one.probabilities for one in looks]),
    }


def preview(workspace: Workspace, question: PreviewQuestion) -> dict[str, np.ndarray]:
    """Answer a `PreviewQuestion`."""
    dataset = load(workspace, question.dataset)
    chain = _chain(str(workspace.root), question.chain, question.weights_sha256, str(_device(workspace)))
    sources = _squares(dataset, question.images, chain.size_px)
    steps = chain(to_signed(torch.from_numpy(sources).permute(0, 3, 1, 2)))
    return {"steps": np.stack([sources, *(to_uint8(step) for step in steps)])}


def _squares(dataset: Dataset, images: tuple[str, ...], size_px: int) -> np.ndarray:
    return np.stack([load_square(dataset.root / image, size_px) for image in images])


def _device(workspace: Workspace) -> torch.device:
    """Return the GPU if no run computes on it, else the CPU."""
    for gpu in devices.gpus():
        if not lane_is_taken(workspace, gpu.device):
            return torch.device(gpu.device)
    return torch.device("cpu")


@lru_cache(maxsize=2)
def _lflseg(root: str, ref: str, weights_sha256: str, device: str) -> LFLSegModel:
    del weights_sha256  # part of the key: other weights under the same name are loaded anew
    return open_lflseg(Workspace(root), ref, torch.device(device))


@lru_cache(maxsize=2)
def _chain(root: str, refs: tuple[str, ...], weights_sha256: tuple[str, ...], device: str) -> Chain:
    del weights_sha256
    return Chain(open_chain(Workspace(root), refs), torch.device(device))
