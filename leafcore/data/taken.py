"""When a photograph was taken, and by which camera, as the camera wrote it down."""

import re
from datetime import date

from PIL import ExifTags, Image

_DAY = re.compile(r"(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})(?!\d)")
_WORD = re.compile(r"[^\W_]+")


def day_taken(image: Image.Image) -> str:
    """Return the day a picture was taken, from EXIF's DateTimeOriginal, else from its DateTime.

    Args:
        image: As `Image.open` returns it; only its header need have been read.

    Returns:
        Such as "2021-05-31"; empty if the file does not say, or says no day that there is ("0000:00:00 00:00:00").
    """
    try:
        exif = image.getexif()
        original = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
        return _iso(original) or _iso(exif.get(ExifTags.Base.DateTime))
    except (OSError, ValueError, SyntaxError):  # a damaged header says nothing; the pixels may be fine
        return ""


def camera_of(image: Image.Image) -> str:
    """Return the camera that took a picture, from EXIF's Make and Model.

    Args:
        image: As `Image.open` returns it; only its header need have been read.

    Returns:
        Such as "SONY ILCE-7M3"; the model alone where it names the make itself ("Canon EOS 5D"); empty if the file does
        not say.
    """
    try:
        exif = image.getexif()
        make, model = (_clean(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    except (OSError, ValueError, SyntaxError):
        return ""
    first = _WORD.search(model.casefold())
    named = first is not None and first.group() in _WORD.findall(make.casefold())
    return model if named else f"{make} {model}".strip()


def _iso(written: object) -> str:
    found = _DAY.match(written.strip()) if isinstance(written, str) else None
    if found is None:
        return ""
    try:
        return date(*map(int, found.groups())).isoformat()
    except ValueError:
        return ""


def _clean(written: object) -> str:
    """Return a text up to the NUL that ends it, with single spaces and nothing that cannot be printed."""
    if not isinstance(written, str):
        return ""
    text = written.strip("\0 ").partition("\0")[0]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
