"""What both ways of synthesis write: pictures with their recipe inside, and what came of a run."""

import hashlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from leafcore.checkpoints import Checkpoint
from leafcore.data.duplicates import perceptual_hash
from leafcore.data.ledger import Ledger
from leafcore.data.synthetic_sets import PNG_KEY, STEPS, ChainStep, Provenance
from leafcore.files import write_bytes
from leafcore.images import encode_png

TRANSLATING, MAKING = "translating", "making pictures"  # the phases that count the run's pictures
THREADS = 4  # that encode; each waits for the disk half of its time
MOST_UNDER_WAY = 16  # pictures that are computed and not yet written


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


class Writer:
    """Writes pictures while the next ones are computed: encoded and flushed to the disk in threads, rows in order.

    A row is appended when its file lies there, so that none is ever without. Leaving the context waits for all.

    Args:
        ledger: Where the rows go.
        folder: Of the run.
    """

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger, self._folder = ledger, folder
        self._pool = ThreadPoolExecutor(THREADS, "picture")
        self._under_way: deque[Future[tuple[Provenance, str, str]]] = deque()

    def write(
        self, row: Provenance, picture: np.ndarray, phash: str = "", on_the_way: Sequence[np.ndarray] = ()
    ) -> None:
        """Write a picture with its recipe inside, then its row, soon.

        Args:
            row: Its recipe.
            picture: (S, S, 3) uint8.
            phash: Its perceptual hash, if that is known already.
            on_the_way: What the steps made that name a file, (S, S, 3) uint8 each.

        Raises:
            OSError: An earlier picture could not be written.
        """
        self._under_way.append(self._pool.submit(self._write, row, picture, phash, on_the_way))
        self._append(MOST_UNDER_WAY)

    def _write(
        self, row: Provenance, picture: np.ndarray, phash: str, on_the_way: Sequence[np.ndarray]
    ) -> tuple[Provenance, str, str]:
        for file, made in zip(filter(None, (step.file for step in row.chain)), on_the_way, strict=True):
            write_bytes(self._folder / STEPS / file, encode_png(made))
        content = encode_png(picture, {PNG_KEY: row.model_dump_json()})
        write_bytes(self._folder / "images" / row.file, content)
        return row, hashlib.sha256(content).hexdigest(), phash or perceptual_hash(Image.fromarray(picture))

    def _append(self, most: int) -> None:
        """Append the rows of what is written, until so many pictures are under way."""
        while len(self._under_way) > most:
            self._ledger.append(*self._under_way.popleft().result())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what is under way; whatever broke off, pictures that are written get their rows."""
        try:
            self._append(0)
        finally:
            self._pool.shutdown(cancel_futures=True)
