"""What pages ask a warm worker, and where its answers are.

A question is a small config; its answer is a file in the workspace's cache, named by the question's hash, so that what
was answered before costs nothing. The server asks through `ask.py`; the worker is `answers.py`.
"""

import hashlib
import json
from pathlib import Path
from typing import ClassVar

from leafcore.chains import Sizing
from leafcore.config import Config, setting
from leafcore.denoising import GUIDANCE, SAMPLER, SAMPLING_STEPS, STRENGTH, Sampler
from leafcore.files import write_bytes
from leafcore.masks.configs import CamConfig
from leafcore.predict.configs import ViewsConfig
from leafcore.workspace import Workspace

IDLE_S = 600.0  # how long a worker lives without a question
KEY_VARIABLE = "LEAF_ASK_KEY"  # how a worker learns the key that its server speaks with


class Question(Config):
    """Something a page wants to know now.

    Attributes:
        NAME: Which function of `answers.py` answers it.
    """

    NAME: ClassVar[str]


class LookQuestion(CamConfig, Question):
    """What does LFLSeg see in these pictures? Answer: npz with `maps` (N, h, w) and `probabilities` (N, 3)."""

    NAME: ClassVar[str] = "look"

    model: str = setting(..., "LFLSeg weights.")
    weights_sha256: str = setting(..., "Their hash, so that a new model under an old name is asked anew.")
    dataset: str = setting(..., "name@version.")
    images: tuple[str, ...] = setting(..., "Paths of pictures in the dataset.", max_length=96)


class PhotoQuestion(Question):
    """What does LFLSeg see in an uploaded photo? Answer: npz with `map` (h, w) and `probabilities` (3,)."""

    NAME: ClassVar[str] = "photo"

    model: str = setting(..., "LFLSeg weights.")
    weights_sha256: str = setting(..., "Their hash, so that a new model under an old name is asked anew.")
    photo: str = setting(..., "The SHA-256 of the file, see `keep_photo`.", pattern="[0-9a-f]{64}")


class PredictQuestion(ViewsConfig, Question):
    """What does a classifier say of an uploaded photo? Answer: npz.

    Over the classes: `classes` text, `probabilities` float32, `thresholds`, and `named` bool, those that the photo is
    given; `map` (h, w) in [0, 1] is what speaks for the most probable one.
    """

    NAME: ClassVar[str] = "predict"

    model: str = setting(..., "The classifier.")
    weights_sha256: str = setting(..., "Its hash, so that a new model under an old name is asked anew.")
    photo: str = setting(..., "The SHA-256 of the file, see `keep_photo`.", pattern="[0-9a-f]{64}")


class WishQuestion(Question):
    """Something that may be drawn from a prompt; see `wish.Wish`."""

    prompt: str = setting("", "What to draw, in words; empty: what was taught.")
    negative: str = setting("", "What is not wanted, in words.")
    guidance: float = GUIDANCE
    sampler: Sampler = SAMPLER
    sampling_steps: int = SAMPLING_STEPS
    lora_strength: float = setting(1.0, "How much of what LoRA learned is added.", ge=0, le=2)
    seed: int = setting(0, "Seed of the noise.", ge=0, le=2**63 - 1)
    strength: float = setting(STRENGTH, "How much of a source is drawn anew.", ge=0.05, le=1)


class PreviewQuestion(WishQuestion):
    """What does a chain make of these pictures? Answer: npz, `steps` (steps + 1, N, S, S, 3) uint8, sources first."""

    NAME: ClassVar[str] = "preview"

    chain: tuple[str, ...] = setting(..., "Steps in order, see `chain_steps`.", max_length=8)
    weights_sha256: tuple[str, ...] = setting(..., "Their hashes, in order.")
    dataset: str = setting(..., "name@version.")
    masks: str = setting("", "Mask set for steps that change the leaf only; empty: the dataset's exact masks.")
    images: tuple[str, ...] = setting(..., "Paths of pictures in the dataset.", max_length=24)
    size_px: int = setting(0, "Side of the pictures; 0: the size of the steps.", ge=0, le=4096)
    sizing: Sizing = setting("resize", "How another size is reached.")


class NoiseQuestion(Question):
    """Something about a model that makes pictures from noise."""

    checkpoint: str = setting(..., "The model.")
    weights_sha256: str = setting(..., "Its hash, so that a new model under an old name is asked anew.")
    seed: int = setting(0, "Seed of the noise.", ge=0, le=2**63 - 1)
    label: str = setting("", "Label set to make; empty: what the model makes, each class in turn.")
    truncation: float = setting(0.0, "Largest latent value, in standard deviations; 0: no limit.", ge=0, le=10)
    guidance: float = GUIDANCE
    sampler: Sampler = SAMPLER
    sampling_steps: int = SAMPLING_STEPS


class SampleQuestion(NoiseQuestion):
    """Which pictures does a seed make, and what do they show? Answer: npz.

    `pictures` is (N, S, S, 3) uint8; `made_as` and `called` are (N,) label sets, the latter what a judge sees in them,
    empty if it is not believed; `interpretation` is the JSON of an `Interpretation`.
    """

    NAME: ClassVar[str] = "sample"

    n: int = setting(8, "Pictures, from the seed's first on.", ge=1, le=256)
    judge: str = setting("none", "Classifier that names them, by its pinned name; none.")


class InterpolationQuestion(NoiseQuestion):
    """What lies between the first pictures of two seeds? Answer: npz with `pictures` (steps, S, S, 3) uint8."""

    NAME: ClassVar[str] = "interpolation"

    end_seed: int = setting(1, "The other seed.", ge=0, le=2**63 - 1)
    steps: int = setting(9, "Pictures, both ends included.", ge=2, le=64)


class GridQuestion(NoiseQuestion):
    """What is the same noise in every class? Answer: npz with `pictures` (classes, columns, S, S, 3) uint8."""

    NAME: ClassVar[str] = "grid"

    columns: int = setting(4, "Pictures of each class.", ge=1, le=16)


class DrawQuestion(WishQuestion):
    """What does a model draw of a prompt? Answer: npz with `pictures` (N, S, S, 3) uint8; over sources, those first."""

    NAME: ClassVar[str] = "draw"

    checkpoints: tuple[str, ...] = setting(..., "The models, drawn together.", min_length=1, max_length=5)
    weights_sha256: tuple[str, ...] = setting(..., "Their hashes, in order.")
    n: int = setting(2, "Pictures, from the seed's first on.", ge=1, le=8)
    dataset: str = setting("", "name@version of the sources; empty: none are drawn over.")
    images: tuple[str, ...] = setting((), "Paths of the sources in the dataset, as many as pictures.", max_length=8)
    masks: str = setting("", "Mask set; empty: the dataset's exact masks; all: the whole picture changes.")


class ExplainQuestion(Question):
    """What in pictures speaks for a class, to a classifier of a comparison? Answer: npz with `maps` (N, h, w)."""

    NAME: ClassVar[str] = "explain"

    run: str = setting(..., "The comparison.")
    arm: str = setting(..., "Whose classifier of the first seed is asked.")
    images: tuple[str, ...] = setting(..., "Paths of pictures in its dataset.", max_length=48)
    classes: tuple[str, ...] = setting(..., "What each heat map speaks for, in the same order.", max_length=48)


QUESTIONS: dict[str, type[Question]] = {
    kind.NAME: kind
    for kind in (
        LookQuestion,
        PhotoQuestion,
        PredictQuestion,
        PreviewQuestion,
        SampleQuestion,
        InterpolationQuestion,
        GridQuestion,
        DrawQuestion,
        ExplainQuestion,
    )  # fmt: skip
}


def answer_file(workspace: Workspace, question: Question) -> Path:
    """Return where the answer to a question is, or will be."""
    text = json.dumps([question.NAME, question.model_dump(mode="json")], sort_keys=True)
    return workspace.cache / "answers" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


def photo_file(workspace: Workspace, digest: str) -> Path:
    """Return where an uploaded photo is, by the SHA-256 of its file."""
    return workspace.cache / "photos" / digest


def keep_photo(workspace: Workspace, content: bytes) -> str:
    """Keep an uploaded photo where the worker finds it.

    Returns:
        The SHA-256 of the file, 64 hex digits.
    """
    digest = hashlib.sha256(content).hexdigest()
    target = photo_file(workspace, digest)
    if not target.exists():
        write_bytes(target, content)
    return digest
