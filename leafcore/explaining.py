"""The warm worker's answer to what a comparison's classifier looks at."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from leafcore.data.manifest import load
from leafcore.errors import ConfigError, NotFoundError
from leafcore.evaluate.cells import cell_name
from leafcore.images import load_square
from leafcore.masks.cam import explain_classes
from leafcore.nets import build
from leafcore.nets.backbones import InputScale
from leafcore.questions import ExplainQuestion
from leafcore.runs import open_run
from leafcore.train.checkpointing import read_weights
from leafcore.workspace import Workspace


def explain(workspace: Workspace, question: ExplainQuestion, device: torch.device) -> dict[str, np.ndarray]:
    """Answer an `ExplainQuestion`.

    Raises:
        NotFoundError: There is no such run, or no weights of that arm.
        ConfigError: The classifier knows no such class.
        DatasetError: A picture cannot be read.
    """
    run = open_run(workspace, question.run)
    model, description = _classifier(str(run.folder), cell_name(question.arm, run.record.settings["seed"]), str(device))
    names: list[str] = description["labels"]
    unknown = set(question.classes) - set(names)
    if unknown:
        raise ConfigError(f"classes: got {', '.join(sorted(unknown))}, expected some of {', '.join(names)}.")
    root = load(workspace, run.record.settings["dataset"]).root
    pictures = np.stack([load_square(root / image, int(description["size_px"])) for image in question.images])
    scaled = InputScale.described(description)(torch.from_numpy(pictures).permute(0, 3, 1, 2).to(device))
    return {"maps": explain_classes(model, scaled, [names.index(name) for name in question.classes])}


@lru_cache(maxsize=4)
def _classifier(folder: str, cell: str, device: str) -> tuple[nn.Module, dict[str, Any]]:
    """Return the best weights of a cell, which never change once they are written, and their description."""
    weights = Path(folder) / "cells" / cell / "best.safetensors"
    if not weights.exists():
        raise NotFoundError(
            f"arm: the weights of {cell} were not kept; run the comparison again to see where it looks."
        )
    description, networks = read_weights(weights)
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn only to be replaced
        model = build(description["nets"]["classifier"])
    model.load_state_dict(networks["classifier"])
    return model.to(device).eval().requires_grad_(False), description
