"""When a photograph was taken, as its camera wrote it down."""

import re
from datetime import date

from PIL import ExifTags, Image

_DAY = re.compile(r"(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})(?!\d)")


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


def _iso(written: object) -> str:
    found = _DAY.match(written.strip()) if isinstance(written, str) else None
    if found is None:
        return ""
    try:
        return date(*map(int, found.groups())).isoformat()
    except ValueError:
        return ""
