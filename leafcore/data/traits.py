"""What is odd about a picture file, from its header: things that are handled, but that a person may want to know."""

from PIL import ExifTags, Image

TINY_PX = 64

MEANING = {
    "tiny": f"a side below {TINY_PX} px",
    "rotated": "turned upright by its EXIF orientation",
    "alpha": "has transparency, laid on white",
    "cmyk": "printing colours, converted to RGB",
    "deep": "more than 8 bits per channel, reduced to 8",
    "grey": "no colour",
    "animated": "several frames, of which the first is used",
}


def traits_of(image: Image.Image) -> str:
    """Return what is odd about an opened picture, as words of `MEANING` with spaces between.

    Args:
        image: As `Image.open` returns it; only its header need have been read.
    """
    mode = image.mode
    odd = {
        "tiny": min(image.size) < TINY_PX,
        "rotated": image.getexif().get(ExifTags.Base.Orientation, 1) not in {0, 1},
        "alpha": mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info,
        "cmyk": mode == "CMYK",
        "deep": mode.startswith("I") or mode == "F",
        "grey": mode in {"1", "L", "LA"},
        "animated": getattr(image, "n_frames", 1) > 1,
    }
    return " ".join(name for name, is_so in odd.items() if is_so)
