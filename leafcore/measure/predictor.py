"""A trained classifier that names picture files: decoded in threads, looked at in several views, bad files named."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from leafcore.errors import DatasetError
from leafcore.images import open_rgb
from leafcore.measure.trained_classifier import TrainedClassifier
from leafcore.measure.views import large_px, vote
from leafcore.threads import in_order


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one picture.

    Attributes:
        path: The picture.
        probabilities: (classes,) float32 in [0, 1]; None if it could not be read.
        whole: It as the network sees it whole, (S, S, 3) uint8; None if it could not be read.
        problem: Why it could not be read; empty if it could.
    """

    path: Path
    probabilities: np.ndarray | None = None
    whole: np.ndarray | None = None
    problem: str = ""


@dataclass(frozen=True)
class _Decoded:
    path: Path
    whole: np.ndarray
    large: np.ndarray


class Predictor:
    """Looks at picture files.

    Args:
        model: What looks.
        tiles: Local crops beside the whole picture, see `views.vote`.
        tta: How often each is looked at.
    """

    def __init__(self, model: TrainedClassifier, tiles: int, tta: int) -> None:
        self.model, self.tiles, self.tta = model, tiles, tta
        self._large_px = large_px(model.size_px, tiles)

    def predict(self, paths: Sequence[Path], batch_size: int = 32) -> Iterator[Prediction]:
        """Yield what is said of pictures, in order; one that cannot be read is reported, not raised.

        Args:
            paths: Their files.
            batch_size: Pictures per forward pass.
        """
        decoded = in_order(self._decode, paths, ahead=2 * batch_size)
        for batch in iter(lambda: list(itertools.islice(decoded, batch_size)), []):
            yield from self._predict(batch)

    def _decode(self, path: Path) -> _Decoded | Prediction:
        try:
            image = open_rgb(path)
        except DatasetError as error:
            return Prediction(path, problem=str(error))
        whole, large = (
            np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0))
            for side in (self.model.size_px, self._large_px)
        )
        return _Decoded(path, whole, large)

    def _predict(self, batch: Sequence[_Decoded | Prediction]) -> Iterator[Prediction]:
        readable = [one for one in batch if isinstance(one, _Decoded)]
        said = iter(self._vote(readable) if readable else ())
        for one in batch:
            yield Prediction(one.path, next(said), one.whole) if isinstance(one, _Decoded) else one

    def _vote(self, pictures: Sequence[_Decoded]) -> np.ndarray:
        whole, large = (
            torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
            for squares in ([one.whole for one in pictures], [one.large for one in pictures])
        )
        return vote(self.model.probabilities, whole, large, self.tiles, self.tta).numpy()
