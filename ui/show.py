"""Pictures: galleries, samples, overlays."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from leafcore.images import encode_jpeg, encode_png

PAGE = 48


def thumbnails(pictures: Sequence[bytes | str], alts: Sequence[str], captions: Sequence[str] | None = None) -> None:
    """Draw small pictures in a grid that reflows.

    Args:
        pictures: Encoded pictures, or files' paths.
        alts: What each shows, for those who cannot see it.
        captions: A line below each, or None.
    """
    with st.grid("auto", min_column_width=104, gap="small"):
        for index, (picture, alt) in enumerate(zip(pictures, alts, strict=True)):
            st.image(picture, alt=alt, caption=captions[index] if captions else None, width="stretch")


def tiles(pictures: Sequence[np.ndarray], alts: Sequence[str], captions: Sequence[str], columns: int = 4) -> None:
    """Draw equal pictures in a grid that reflows.

    Args:
        pictures: (S, S, 3) uint8 each.
        alts: What each shows, for those who cannot see it.
        captions: A line below each; empty for none.
        columns: How many in a row on a wide screen.
    """
    with st.grid(columns, min_column_width=120, gap="small"):
        for picture, alt, caption in zip(pictures, alts, captions, strict=True):
            st.image(encode_jpeg(picture, 90), alt=alt, caption=caption or None, width="stretch")


def exact(picture: np.ndarray, alt: str, width: int | str = "stretch") -> None:
    """Draw a picture without loss, enlarged without smoothing if it is small."""
    factor = max(1, 192 // picture.shape[0])
    st.image(encode_png(picture.repeat(factor, 0).repeat(factor, 1)), alt=alt, width=width)


def cut(sheet: np.ndarray, row: int, column: int, size_px: int) -> np.ndarray:
    """Return one picture of a sample sheet."""
    return sheet[row * size_px : (row + 1) * size_px, column * size_px : (column + 1) * size_px]


def strip(sheet: np.ndarray, rows: Sequence[int], column: int, size_px: int) -> np.ndarray:
    """Return some pictures of one column of a sample sheet, below each other: (len(rows) * S, S, 3) uint8."""
    return np.concatenate([cut(sheet, row, column, size_px) for row in rows])
