"""The warm worker's answers to questions about models that draw from prompts."""

from functools import lru_cache

import numpy as np
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.mask_sets import mask_files, require_masked
from leafcore.drawing import PromptModel
from leafcore.generate import Leaves
from leafcore.noise import picture_seed
from leafcore.progress import Progress
from leafcore.questions import DrawQuestion
from leafcore.synthesize.configs import WHOLE, WHOLE_OF_PROMPT
from leafcore.synthesize.sources import Sources
from leafcore.wish import AS_TAUGHT, require_steps, wish_of
from leafcore.workspace import Workspace


def draw(workspace: Workspace, question: DrawQuestion, device: torch.device) -> dict[str, np.ndarray]:
    """Return the arrays that answer a question; see there.

    Raises:
        LeafError: It cannot be answered.
    """
    require_steps(question, over=bool(question.images))
    model = _model(str(workspace.root), question.checkpoints, question.weights_sha256, str(device))
    model.wish(wish_of(question))
    indices = range(question.n)
    if not question.images:
        return {"pictures": model.sample(question.seed, indices, "", 0.0, question.n)}
    sources = _sources(workspace, question, model.facts.size_px)
    shown = np.stack([sources.picture(index) for index in indices])
    seeds = [picture_seed(question.seed, index) for index in indices]
    made = model.redraw(seeds, shown, sources.leaf(indices))
    return {"pictures": np.concatenate([shown, made])}


def _sources(workspace: Workspace, question: DrawQuestion, size_px: int) -> Sources:
    dataset = load(workspace, question.dataset)
    records = dataset.records.set_index("image", drop=False).loc[list(question.images)].reset_index(drop=True)
    if question.masks == WHOLE:
        return Sources(dataset, dataset.rows(records), None, size_px)
    files = mask_files(workspace, dataset, question.images, question.masks)
    require_masked(files, dataset, WHOLE_OF_PROMPT)
    return Sources(dataset, dataset.rows(records), Leaves(files, size_px), size_px)


@lru_cache(maxsize=1)  # gigabytes
def _model(root: str, refs: tuple[str, ...], weights_sha256: tuple[str, ...], device: str) -> PromptModel:
    del weights_sha256  # part of the key: other weights under the same name are loaded anew
    workspace = Workspace(root)
    checkpoints = [open_checkpoint(workspace, ref) for ref in refs]
    return PromptModel(checkpoints, AS_TAUGHT, workspace, torch.device(device), Progress(workspace.cache))
