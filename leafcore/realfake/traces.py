"""What JPEG left in a picture, and how another picture gets the like.

Of photographs kept as PNG and as JPEGs of quality 70, both of the size the machines see, a probe told 74 % of 300 apart
(68 to 79) though all were encoded once more with quality 50; once each also had the traces of one of the other kind,
49 % (43 to 54). At quality 40 it was 63 %, and 51 % then.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin

from leafcore.images import resize_square

TRACELESS = 4  # a picture shrunk to so small a part of its side shows nothing of its blocks of 8 pixels


@dataclass(frozen=True)
class Compression:
    """How a JPEG was written.

    Attributes:
        size: Width and height, px.
        tables: Quantization tables by number, 64 divisors each (ITU-T T.81, annex K).
        sampling: How coarse its colour is, as Pillow numbers it; -1 if it has none.
    """

    size: tuple[int, int]
    tables: dict[int, list[int]]
    sampling: int


def compression_of(path: Path, size_px: int) -> Compression | None:
    """Return how a file was compressed, if a square of `size_px` made of it can show that.

    None of a file that is no JPEG, that cannot be read, or that is `TRACELESS` times as large.
    """
    try:
        with Image.open(path) as picture:
            if not isinstance(picture, JpegImagePlugin.JpegImageFile) or min(picture.size) >= TRACELESS * size_px:
                return None
            return Compression(picture.size, picture.quantization, JpegImagePlugin.get_sampling(picture))
    except (OSError, Image.DecompressionBombError):
        return None


def with_traces(picture: np.ndarray, compression: Compression) -> np.ndarray:
    """Return a picture with the errors that it would have, had it been a JPEG like that before it was squashed.

    Only the errors are brought to its size, so that it is not blurred by going there and back.

    Args:
        picture: (S, S, 3) uint8.
        compression: That of another file.

    Returns:
        (S, S, 3) uint8.
    """
    large = Image.fromarray(picture).resize(compression.size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", qtables=compression.tables, subsampling=compression.sampling)
    with Image.open(buffer) as coded:
        errors = np.asarray(coded.convert("RGB"), np.int16) - np.asarray(large, np.int16)
    shown = np.clip(128 + errors, 0, 255).astype(np.uint8)
    if shown.shape != picture.shape:
        shown = resize_square(shown, len(picture))
    traced: np.ndarray = np.clip(picture.astype(np.int16) + shown - 128, 0, 255).astype(np.uint8)
    return traced
