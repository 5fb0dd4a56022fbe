"""Reading, resizing and writing pictures, and the only conversions between uint8 and [-1, 1].

Whatever a file holds (grey, palette, alpha, CMYK, 16 bits, a rotation in its EXIF) becomes upright (H, W, 3) uint8 RGB.
Pictures are resized to a square as the published studies do: squashed, not cropped, so that no lesion is cut away.
"""

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from leafcore.errors import DatasetError, RunError

if TYPE_CHECKING:
    import torch

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
THUMBNAIL_PX = 256

# Pillow warns of odd metadata and large pictures; what counts is whether the pixels can be read. Once and for all,
# because changing the filters for the length of a call is not safe in threads.
warnings.filterwarnings("ignore", module="PIL")

# What turns a picture upright, by its EXIF orientation. Pillow's own `exif_transpose` also rewrites the EXIF, and fails
# where a camera wrote it wrongly.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_rgb(path: Path) -> Image.Image:
    """Decode a whole picture into upright RGB.

    Args:
        path: A picture in any format that Pillow reads.

    Returns:
        A loaded picture in mode RGB.

    Raises:
        DatasetError: The file is missing, is no picture, may not be read, is too large, or ends too early.
    """
    try:
        with Image.open(path) as file:
            file.load()
            turn = _UPRIGHT.get(file.getexif().get(ExifTags.Base.Orientation, 1))
            return _as_rgb(file if turn is None else file.transpose(turn))
    except FileNotFoundError:
        raise DatasetError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DatasetError(f"{path}: a folder, not a picture.") from None
    except PermissionError:  # on Windows, a folder too
        raise DatasetError(f"{path}: may not be read; allow this user to read it.") from None
    except UnidentifiedImageError:
        raise DatasetError(f"{path}: not a picture that can be read; expected JPEG, PNG, WebP, BMP or TIFF.") from None
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise DatasetError(f"{path}: too large a picture, over {limit} million pixels; make it smaller.") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise DatasetError(f"{path}: damaged picture ({error}); copy it again from its source.") from None


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        values = np.asarray(image, dtype=np.float32)
        brightest = values.max(initial=0.0)
        scale = 65535.0 if brightest > 255 else 1.0 if image.mode == "F" and brightest <= 1 else 255.0
        return Image.fromarray((np.clip(values / scale, 0, 1) * 255).round().astype(np.uint8)).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        on_white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(on_white, rgba).convert("RGB")
    return image.convert("RGB")


def load_square(path: Path, size_px: int) -> np.ndarray:
    """Decode a picture and squash it to a square.

    Returns:
        (size_px, size_px, 3) uint8.

    Raises:
        DatasetError: As `open_rgb`.
    """
    image = open_rgb(path)
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BICUBIC, reducing_gap=3.0))


def resize_square(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Return a (S, S, 3) uint8 picture in another size, (size_px, size_px, 3) uint8; bicubic, as `load_square`."""
    return np.asarray(Image.fromarray(picture).resize((size_px, size_px), Image.Resampling.BICUBIC))


def load_mask(path: Path, size_px: int | None = None) -> np.ndarray:
    """Decode a mask.

    Args:
        path: A grey picture, bright on the leaf.
        size_px: The side of the square to resize to (nearest pixel), or None for the mask's own size.

    Returns:
        (H, W) bool, True on the leaf.

    Raises:
        DatasetError: As `open_rgb`.
    """
    image = open_rgb(path).convert("L")
    if size_px is not None:
        image = image.resize((size_px, size_px), Image.Resampling.NEAREST)
    return np.asarray(image) >= 128


def encode_png(image: np.ndarray, text: dict[str, str] | None = None) -> bytes:
    """Encode losslessly; compression level 1 is 2.5 times faster than Pillow's default and no larger on leaves.

    Args:
        image: (H, W, 3) or (H, W) uint8.
        text: Entries for the file's iTXt chunks.
    """
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1, pnginfo=info)
    return buffer.getvalue()


def encode_animation(
    frames: Sequence[np.ndarray], frame_ms: int = 80, format: Literal["webp", "gif"] = "webp"
) -> bytes:
    """Encode an animation that goes through the frames, back again, and on for ever.

    Args:
        frames: (S, S, 3) uint8 each; at least two.
        frame_ms: How long each is shown, in milliseconds.
        format: WebP, without loss; or GIF, with 256 colors per frame, for programs that know no WebP.
    """
    first, *rest = (Image.fromarray(frame) for frame in [*frames, *frames[-2:0:-1]])
    buffer = io.BytesIO()
    how = {"lossless": True} if format == "webp" else {"optimize": False}
    first.save(buffer, format, save_all=True, append_images=rest, duration=frame_ms, loop=0, **how)
    return buffer.getvalue()


def encode_jpeg(image: np.ndarray, quality: int = 85) -> bytes:
    """Encode for the screen.

    Args:
        image: (H, W, 3) or (H, W) uint8.
        quality: 1 to 95; from 90 on colour is kept at full resolution.
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
    return buffer.getvalue()


def thumbnail(image: Image.Image, size_px: int = THUMBNAIL_PX) -> bytes:
    """Return a small JPEG of a picture in mode RGB, its longest side at most `size_px`."""
    small = image.copy()
    small.thumbnail((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return encode_jpeg(np.asarray(small))


def sheet(rows: Sequence[Sequence[np.ndarray]], gap_px: int = 2) -> np.ndarray:
    """Lay equal pictures out in a grid on mid-grey.

    Args:
        rows: Rows of (S, S, 3) uint8 pictures; a short row is left open at its end.
        gap_px: The gap between them.

    Returns:
        (H, W, 3) uint8.
    """
    size = rows[0][0].shape[0]
    columns = max(len(row) for row in rows)
    step = size + gap_px
    canvas = np.full((len(rows) * step - gap_px, columns * step - gap_px, 3), 128, np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            canvas[r * step : r * step + size, c * step : c * step + size] = picture
    return canvas


def overlay_mask(image: np.ndarray, mask: np.ndarray, tint: tuple[int, int, int] = (20, 20, 30)) -> np.ndarray:
    """Darken what is outside a mask and draw its contour, white with a black edge, visible on any leaf.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) bool, True on the leaf.
        tint: The colour that the outside fades towards.

    Returns:
        (H, W, 3) uint8.
    """
    faded = (np.arange(256) * 0.35 + np.array(tint)[:, None] * 0.65).astype(np.uint8)  # (3, 256)
    outside = Image.fromarray(image).point(faded.ravel().tolist())
    inside = Image.fromarray(image)
    shown = np.array(Image.composite(inside, outside, Image.fromarray(mask.view(np.uint8) * 255)))
    return _contour(shown, mask)


def draw_contour(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draw a mask's contour alone; see `overlay_mask`."""
    return _contour(image.copy(), mask)


def _contour(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    image[_rim(~mask)] = 0
    image[_rim(mask)] = 255
    return image


def _rim(region: np.ndarray) -> np.ndarray:
    """Return the pixels of a region that touch its outside; the picture's border is no outside."""
    padded = np.pad(region, 1, mode="edge")
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    rim: np.ndarray = region & ~core
    return rim


def mosaic(pictures: Sequence[np.ndarray], columns: int | None = None) -> np.ndarray:
    """Lay pictures out in rows as square as they come; see `sheet`."""
    columns = columns or math.ceil(math.sqrt(len(pictures)))
    return sheet([pictures[start : start + columns] for start in range(0, len(pictures), columns)])


def to_signed(pixels: "torch.Tensor") -> "torch.Tensor":
    """Convert uint8 pixels to what networks read.

    Args:
        pixels: Any shape, uint8 in [0, 255].

    Returns:
        The same shape, float32 in [-1, 1].
    """
    return pixels.float().div_(127.5).sub_(1.0)


def require_finite(signed: "torch.Tensor") -> "torch.Tensor":
    """Return pictures that a model made, as they are.

    Args:
        signed: (N, 3, H, W) float.

    Raises:
        RunError: One holds values that are no numbers: as pixels they would be black.
    """
    broken = int((~signed.isfinite()).flatten(1).any(1).sum())
    if broken:
        raise RunError(
            f"pictures: {broken} of {len(signed)} came out with values that are no numbers; take fewer sampling steps, "
            "or other weights: an earlier epoch's, or of a training with a lower learning rate."
        )
    return signed


def to_uint8(signed: "torch.Tensor") -> np.ndarray:
    """Convert what networks write to pictures; the inverse of `to_signed`.

    Args:
        signed: (N, 3, H, W) float in [-1, 1]; what lies outside is clipped.

    Returns:
        (N, H, W, 3) uint8.
    """
    pixels = signed.detach().float().add(1.0).mul(127.5).round().clamp(0, 255)
    array: np.ndarray = pixels.byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return array


def blend(inside: "torch.Tensor", outside: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Return pictures made of two: one under the mask, the other elsewhere.

    Args:
        inside: (N, 3, H, W) float.
        outside: (N, 3, H, W) float, in the same unit.
        mask: (N, 1, H, W) float in [0, 1].
    """
    return outside + mask * (inside - outside)
