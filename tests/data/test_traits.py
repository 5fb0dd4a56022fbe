import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from leafcore.data.traits import MEANING, traits_of

SIDE = 80


def saved(image: Image.Image, kind: str, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(io.BytesIO(buffer.getvalue()))


def turned(orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return saved(Image.new("RGB", (SIDE, SIDE)), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (saved(Image.new("RGB", (SIDE, SIDE)), "JPEG"), ""),
        (saved(Image.new("RGB", (63, 500)), "PNG"), "tiny"),
        (saved(Image.new("RGBA", (SIDE, SIDE)), "PNG"), "alpha"),
        (saved(Image.new("LA", (SIDE, SIDE)), "PNG"), "alpha grey"),
        (saved(Image.new("P", (SIDE, SIDE)), "PNG", transparency=0), "alpha"),
        (saved(Image.new("CMYK", (SIDE, SIDE)), "JPEG"), "cmyk"),
        (saved(Image.fromarray(np.zeros((SIDE, SIDE), np.uint16)), "PNG"), "deep"),
        (saved(Image.new("L", (SIDE, SIDE)), "JPEG"), "grey"),
        (saved(Image.new("L", (SIDE, 8)), "JPEG"), "tiny grey"),
        (turned(6), "rotated"),
        (turned(1), ""),
    ],
)
def test_what_is_odd_about_a_file_is_named(image, expected):
    assert traits_of(image) == expected


def test_a_picture_of_several_frames_is_named():
    frames = [Image.new("RGB", (SIDE, SIDE), color) for color in ("red", "blue")]
    assert traits_of(saved(frames[0], "PNG", save_all=True, append_images=frames[1:])) == "animated"


def test_every_trait_has_a_meaning():
    every = traits_of(saved(Image.new("LA", (8, 8)), "PNG")).split()
    assert every and set(every) <= MEANING.keys()
