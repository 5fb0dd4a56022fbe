"""The way between two seeds of a noise model, and its classes side by side, as files that other programs show.

No torch: the pictures are made by whoever answers questions.
"""

from typing import Any, Literal, TypeVar

import numpy as np

from leafcore.checkpoints import open_checkpoint
from leafcore.images import encode_animation, encode_png, sheet
from leafcore.noise import noise_facts
from leafcore.questions import NoiseQuestion
from leafcore.sampling import Worker
from leafcore.workspace import Workspace

WayFormat = Literal["png", "webp", "gif"]

Asked = TypeVar("Asked", bound=NoiseQuestion)


def noise_question(kind: type[Asked], workspace: Workspace, checkpoint: str, **settings: Any) -> Asked:
    """Return a question about a noise model, pinned to its weights as they are now.

    Args:
        kind: Which question.
        workspace: Where the model is.
        checkpoint: Its name.
        **settings: The question's own.

    Raises:
        InputError: There is no such checkpoint, it makes nothing from noise, or a setting is wrong.
    """
    model = open_checkpoint(workspace, checkpoint)
    facts = noise_facts(model)
    question = kind.build({**settings, "checkpoint": model.ref, "weights_sha256": model.card.weights_sha256})
    return question.model_copy(update={"label": facts.require_label(question.label)})


def ask_for_pictures(worker: Worker, question: NoiseQuestion) -> np.ndarray:
    """Return an interpolation, (steps, S, S, 3) uint8, or a class grid, (classes, columns, S, S, 3) uint8.

    Raises:
        LeafError: They cannot be made; the worker says why.
    """
    with np.load(worker.ask(question)) as answer:
        pictures: np.ndarray = answer["pictures"]
        return pictures


def encode_way(frames: np.ndarray, format: WayFormat) -> bytes:
    """Return an interpolation as a file: a strip as PNG, or an animation there and back as WebP or GIF.

    Args:
        frames: (N, S, S, 3) uint8, N at least 2.
        format: Which of these.
    """
    return encode_png(sheet([list(frames)])) if format == "png" else encode_animation(list(frames), format=format)


def encode_grid(grid: np.ndarray) -> bytes:
    """Return a class grid, (classes, columns, S, S, 3) uint8, as a PNG with a row per class."""
    return encode_png(sheet([list(row) for row in grid]))
