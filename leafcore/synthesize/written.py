"""What both ways of synthesis write: pictures with their recipe inside, and what came of a run."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel

from leafcore.checkpoints import Checkpoint
from leafcore.data.duplicates import perceptual_hash
from leafcore.data.synthetic_sets import PNG_KEY, ChainStep, Ledger, Provenance
from leafcore.errors import DatasetError
from leafcore.files import write_bytes
from leafcore.images import encode_png
from leafcore.measure.interpretation import Interpretation
from leafcore.progress import Progress
from leafcore.synthesize.verdicts import Verification


class SynthesizeResult(BaseModel):
    """What a synthesis made.

    Attributes:
        count: Pictures in the set.
        labels: Their label set; empty if they have several, or none.
        size_px: Their side.
        skipped: Sources that could not be read, and why.
        made: Pictures by label set.
        interpretation: What a classifier calls the pictures, the rejected ones too; None if none was asked.
        verification: What was accepted and rejected of them, and why; None if nothing was verified.
    """

    count: int
    labels: str
    size_px: int
    skipped: dict[str, str] = {}
    made: dict[str, int] = {}
    interpretation: Interpretation | None = None
    verification: Verification | None = None


def step_of(checkpoint: Checkpoint, **how: Any) -> ChainStep:
    """Return what a picture's recipe says of a model that made it, and of how it was applied."""
    card = checkpoint.card
    return ChainStep(
        checkpoint=checkpoint.name,
        recipe=card.recipe,
        run=card.run,
        epoch=card.epoch,
        weights_sha256=card.weights_sha256,
        **how,
    )


def write_picture(row: Provenance, picture: np.ndarray, ledger: Ledger, progress: Progress, phash: str = "") -> None:
    """Write a picture with its recipe inside, then its row: no row is ever without its file.

    Args:
        row: Its recipe.
        picture: (S, S, 3) uint8.
        ledger: Where the row goes.
        progress: Of the run.
        phash: Its perceptual hash, if that is known already.
    """
    content = encode_png(picture, {PNG_KEY: row.model_dump_json()})
    write_bytes(progress.folder / "images" / row.file, content)
    phash = phash or perceptual_hash(Image.fromarray(picture))
    ledger.append(row, hashlib.sha256(content).hexdigest(), phash)


def nothing_accepted(lost: str, folder: Path) -> DatasetError:
    """Return the refusal of a run that is left without a picture, and which it keeps the reasons of."""
    return DatasetError(
        f"synthesize: nothing was accepted: {lost} The pictures and the reasons, rejected.csv, are in {folder}; choose "
        "another epoch or prompt, change the thresholds, or say verify no."
    )
