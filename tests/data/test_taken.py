import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from leafcore.data.taken import camera_of, day_taken


def photo(exif: Image.Exif | bytes) -> Image.Image:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=exif)
    return Image.open(file)


def dated(original: object = None, changed: object = None) -> Image.Image:
    exif = Image.Exif()
    if original is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = original
    if changed is not None:
        exif[ExifTags.Base.DateTime] = changed
    return photo(exif)


@pytest.mark.parametrize(
    ("original", "changed", "expected"),
    [
        ("2021:05:31 10:11:12", None, "2021-05-31"),
        ("2021:05:31 10:11:12", "2022:01:01 00:00:00", "2021-05-31"),
        (None, "2022:01:01 00:00:00", "2022-01-01"),
        ("0000:00:00 00:00:00", "2022:01:01 00:00:00", "2022-01-01"),
        ("2021:02:30 10:00:00", None, ""),
        ("2021-05-31T10:11:12", None, "2021-05-31"),
        ("    :  :     :  :  ", None, ""),
        ("yesterday", None, ""),
        (None, None, ""),
    ],
)
def test_the_day_is_when_the_shutter_was_pressed_else_when_the_file_was_written(original, changed, expected):
    assert day_taken(dated(original, changed)) == expected


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("samsung", "SAMSUNG-SM-G900A", "SAMSUNG-SM-G900A"),
        ("E", "E-M10", "E-M10"),
        ("HP", "HPX 1", "HP HPX 1"),
        ("  OLYMPUS\t CORP. \x00\x00", "E-M5\x00rubbish", "OLYMPUS CORP. E-M5"),
        ("\x00Apple", "iPhone\x07 12\n", "Apple iPhone 12"),
        ("Apple", None, "Apple"),
        (None, "iPhone 12", "iPhone 12"),
        ("\x00\x00", "   ", ""),
        (None, None, ""),
    ],
)
def test_a_camera_is_its_make_and_its_model_and_the_make_is_said_once(make, model, expected):
    exif = Image.Exif()
    exif.update({tag: said for tag, said in ((271, make), (272, model)) if said is not None})
    assert camera_of(photo(exif)) == expected


def test_a_make_that_is_no_text_says_nothing():
    entry = struct.pack("<HHIHH", ExifTags.Base.Make, 3, 1, 12, 0)  # a short number where letters belong
    assert camera_of(photo(b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4))) == ""


def test_a_png_says_nothing():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    assert day_taken(Image.open(file)) == camera_of(Image.open(file)) == ""


def test_a_header_that_points_before_its_own_beginning_says_nothing() -> None:
    entry = struct.pack("<HHIi", ExifTags.IFD.Exif, 9, 1, -5)  # a signed number where an offset belongs
    header = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    assert day_taken(photo(header)) == camera_of(photo(header)) == ""


@given(st.data())
def test_a_damaged_header_says_nothing_and_breaks_nothing(data: st.DataObject) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.DateTime] = "2021:05:31 10:11:12"
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", "Canon EOS 5D"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:05:31 10:11:12"
    raw = bytearray(exif.tobytes())
    for place in data.draw(st.lists(st.integers(6, len(raw) - 1), min_size=1, max_size=8)):
        raw[place] = data.draw(st.integers(0, 255))
    day = day_taken(photo(bytes(raw)))
    assert day == "" or len(day) == 10
    camera = camera_of(photo(bytes(raw)))
    assert camera == " ".join(camera.split()) and (camera == "" or camera.isprintable())
