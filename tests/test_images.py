import io
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from leafcore.errors import DatasetError
from leafcore.images import (
    encode_animation,
    encode_jpeg,
    encode_png,
    load_mask,
    load_square,
    mosaic,
    open_rgb,
    overlay_mask,
    sheet,
    thumbnail,
    to_signed,
    to_uint8,
)

ORIENTATION = 0x0112


def pixels(path: Path) -> np.ndarray:
    image = open_rgb(path)
    assert image.mode == "RGB"
    return np.asarray(image)


def noise(height: int, width: int, channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(height * width)
    shape = (height, width, channels) if channels > 1 else (height, width)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def refuse(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        open_rgb(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and "\n" not in text
    return text


# --- decoding -------------------------------------------------------------------------------------------------------


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = noise(5, 7, channels=1)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(pixels(tmp_path / "grey.png"), np.stack([grey] * 3, axis=-1))


def test_black_and_white_becomes_0_and_255(tmp_path: Path) -> None:
    Image.fromarray(noise(5, 7, channels=1)).convert("1").save(tmp_path / "bilevel.tif")
    assert set(np.unique(pixels(tmp_path / "bilevel.tif"))) == {0, 255}


def test_a_palette_becomes_its_colours_and_its_transparent_entry_white(tmp_path: Path) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([200, 30, 30, 10, 120, 40, 0, 0, 0])
    image.putdata([0, 1, 2])
    image.save(tmp_path / "palette.png", transparency=2)
    assert pixels(tmp_path / "palette.png").tolist() == [[[200, 30, 30], [10, 120, 40], [255, 255, 255]]]
    image.save(tmp_path / "half.png", transparency=bytes([255, 128, 0]))
    red, green, clear = pixels(tmp_path / "half.png")[0].tolist()
    assert red == [200, 30, 30] and clear == [255, 255, 255]
    assert np.allclose(green, np.array([10, 120, 40]) * 128 / 255 + 255 * 127 / 255, atol=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_on_white(tmp_path: Path, mode: str) -> None:
    color = (40, 40, 40) if mode == "LA" else (40, 120, 60)
    rgba = np.array([[[*color, 255], [*color, 0], [*color, 51]]], np.uint8)
    Image.fromarray(rgba).convert(mode).save(tmp_path / "alpha.png")
    opaque, clear, fifth = pixels(tmp_path / "alpha.png")[0]
    assert opaque.tolist() == list(color) and clear.tolist() == [255, 255, 255]
    assert np.allclose(fifth, np.array(color) * 0.2 + 255 * 0.8, atol=1)


def test_cmyk_becomes_the_colours_it_was_made_from(tmp_path: Path) -> None:
    flat = np.full((16, 16, 3), (30, 140, 60), np.uint8)
    Image.fromarray(flat).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    with Image.open(tmp_path / "cmyk.jpg") as file:
        assert file.mode == "CMYK"
    assert np.abs(pixels(tmp_path / "cmyk.jpg").astype(int) - flat).max() <= 4


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, name: str) -> None:
    deep = np.array([[*range(0, 65536, 257), 128, 129]], np.uint16)
    Image.fromarray(deep).save(tmp_path / name)
    assert pixels(tmp_path / name)[0, :, 0].tolist() == [*range(256), 0, 1]


def test_eight_bits_stored_in_sixteen_keep_their_values(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 7, 255]], np.uint16)).save(tmp_path / "shallow.png")
    assert pixels(tmp_path / "shallow.png")[0, :, 0].tolist() == [0, 7, 255]


def test_reflectance_between_0_and_1_is_not_black(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)).save(tmp_path / "reflectance.tif")
    assert pixels(tmp_path / "reflectance.tif")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotation_in_the_exif_is_carried_out(tmp_path: Path, orientation: int, suffix: str) -> None:
    quarters = np.zeros((16, 32, 3), np.uint8)
    quarters[:8, :16], quarters[:8, 16:], quarters[8:, :16] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    path = tmp_path / f"turned{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(quarters).save(path, exif=exif, quality=95)
    with Image.open(path) as file:
        expected = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    assert np.array_equal(pixels(path), expected)
    # By hand: which corner of the stored picture is the upper left one of the upright picture.
    corner = {1: 0, 2: 1, 3: 3, 4: 2, 5: 0, 6: 2, 7: 3, 8: 1}[orientation]
    color = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (0, 0, 0)][corner]
    assert np.abs(pixels(path)[2, 2].astype(int) - color).max() < 40
    assert pixels(path).shape == ((16, 32, 3) if orientation < 5 else (32, 16, 3))


def test_an_orientation_that_does_not_exist_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 9
    Image.fromarray(noise(4, 6)).save(tmp_path / "nine.png", exif=exif)
    assert np.array_equal(pixels(tmp_path / "nine.png"), noise(4, 6))


def test_a_photograph_with_wrongly_written_exif_is_read_and_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x0100] = 123456  # width, a number of four bytes ...
    path = tmp_path / "odd.jpg"
    Image.fromarray(noise(8, 16)).save(path, exif=exif)
    content = path.read_bytes()
    entry = b"\x00\x01\x04\x00\x01\x00\x00\x00"
    start = content.find(entry) if entry in content else content.find(b"\x01\x00\x00\x04\x00\x00\x00\x01")
    assert start > 0
    kind = start + 2 if content[start : start + 8] == entry else start + 3
    path.write_bytes(content[:kind] + b"\x02" + content[kind + 1 :])  # ... that claims to be text
    assert pixels(path).shape == (16, 8, 3)


def test_a_single_pixel_is_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "dot.png")
    assert pixels(tmp_path / "dot.png").tolist() == [[[1, 2, 3]]]
    assert load_square(tmp_path / "dot.png", 8).shape == (8, 8, 3)
    assert Image.open(io.BytesIO(thumbnail(open_rgb(tmp_path / "dot.png")))).size == (1, 1)


# --- what cannot be decoded -----------------------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refuse(tmp_path / "gone.jpg").endswith("there is no such file.")


@pytest.mark.parametrize("content", [b"", b"<html>404 Not Found</html>", bytes(range(256))])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.jpg").write_bytes(content)
    assert "not a picture that can be read; expected JPEG" in refuse(tmp_path / "page.jpg")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    refuse(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
def test_a_truncated_picture_is_named_and_never_half_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    Image.fromarray(noise(64, 64)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    refuse(path)


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (40_000, 5_000)).save(path)
    assert path.stat().st_size < 100_000
    assert refuse(path).endswith("too large a picture, over 178 million pixels; make it smaller.")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
def test_damaged_bytes_give_a_picture_or_one_clear_error_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F] = 6, "camera"
    path = tmp_path / f"damaged{suffix}"
    Image.fromarray(noise(12, 10)).save(path, exif=exif)
    content = path.read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for position in rng.integers(0, min(len(damaged), 400), rng.integers(1, 5)):
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            open_rgb(path)
        except DatasetError:
            refused += 1
    assert refused > 10


def test_decoding_in_threads_leaves_the_warning_filters_alone(tmp_path: Path) -> None:
    for index in range(8):
        Image.fromarray(noise(600, 600 + index)).save(tmp_path / f"{index}.jpg", quality=95)
    before = list(warnings.filters)
    together = threading.Barrier(4, timeout=10)

    def read(path: Path) -> None:
        together.wait()
        open_rgb(path)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, sorted(tmp_path.iterdir()) * 5))
    assert list(warnings.filters) == before


# --- resizing and encoding ------------------------------------------------------------------------------------------


def test_a_picture_is_squashed_to_a_square_not_cropped(tmp_path: Path) -> None:
    wide = np.zeros((30, 90, 3), np.uint8)
    wide[:, :30], wide[:, 60:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    square = load_square(tmp_path / "wide.png", 30)
    assert square.shape == (30, 30, 3) and square.dtype == np.uint8
    assert square[15, 2].tolist() == [255, 0, 0] and square[15, 27].tolist() == [0, 0, 255]


def test_a_square_of_the_same_size_is_unchanged(tmp_path: Path) -> None:
    Image.fromarray(noise(16, 16)).save(tmp_path / "same.png")
    assert np.array_equal(load_square(tmp_path / "same.png", 16), noise(16, 16))


def test_a_mask_is_true_from_the_middle_grey_on_and_resized_to_the_nearest_pixel(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 127], [128, 255]], np.uint8)).save(tmp_path / "mask.png")
    assert load_mask(tmp_path / "mask.png").tolist() == [[False, False], [True, True]]
    large = load_mask(tmp_path / "mask.png", 6)
    assert large.shape == (6, 6) and large.dtype == bool
    assert not large[:3].any() and large[3:].all()


def test_png_is_lossless_and_carries_its_text() -> None:
    image = noise(9, 7)
    with Image.open(io.BytesIO(encode_png(image, {"leaf-workbench": '{"größe": 1}'}))) as file:
        assert np.array_equal(np.asarray(file), image)
        assert file.text == {"leaf-workbench": '{"größe": 1}'}


@pytest.mark.parametrize("encode", [encode_png, encode_jpeg])
def test_grey_is_encoded_as_grey(encode: Callable[[np.ndarray], bytes]) -> None:
    with Image.open(io.BytesIO(encode(noise(9, 7, channels=1)))) as file:
        assert file.mode == "L" and file.size == (7, 9)


def test_a_thumbnail_keeps_the_shape_and_is_never_enlarged(tmp_path: Path) -> None:
    Image.fromarray(noise(300, 600)).save(tmp_path / "large.png")
    Image.fromarray(noise(30, 60)).save(tmp_path / "small.png")
    assert Image.open(io.BytesIO(thumbnail(open_rgb(tmp_path / "large.png")))).size == (256, 128)
    assert Image.open(io.BytesIO(thumbnail(open_rgb(tmp_path / "small.png")))).size == (60, 30)


# --- sheets and overlays --------------------------------------------------------------------------------------------


def test_a_sheet_places_each_picture_and_leaves_the_end_of_a_short_row_grey() -> None:
    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (10, 20, 30)]
    grid = sheet([pictures[:2], pictures[2:]], gap_px=2)
    assert grid.shape == (10, 10, 3)
    assert (grid[:4, :4] == 10).all() and (grid[:4, 6:] == 20).all() and (grid[6:, :4] == 30).all()
    assert (grid[4:6] == 128).all() and (grid[:, 4:6] == 128).all() and (grid[6:, 6:] == 128).all()


@pytest.mark.parametrize(("count", "columns", "shape"), [(1, None, (4, 4)), (5, None, (10, 16)), (5, 4, (10, 22))])
def test_a_mosaic_is_as_square_as_it_comes(count: int, columns: int | None, shape: tuple[int, int]) -> None:
    assert mosaic([np.zeros((4, 4, 3), np.uint8)] * count, columns).shape == (*shape, 3)


def test_an_overlay_darkens_the_outside_and_draws_a_white_contour_with_a_black_edge() -> None:
    image = np.full((9, 9, 3), 200, np.uint8)
    mask = np.zeros((9, 9), bool)
    mask[3:6, 3:6] = True
    shown = overlay_mask(image, mask)
    assert shown.shape == image.shape and shown.dtype == np.uint8
    ring = mask.copy()
    ring[4, 4] = False
    assert (shown[4, 4] == 200).all() and (shown[ring] == 255).all()
    assert (shown[3:6, 2] == 0).all() and (shown[2, 3:6] == 0).all()
    assert shown[0, 0].tolist() == [int(200 * 0.35 + tint * 0.65) for tint in (20, 20, 30)]
    assert (image == 200).all()  # the given picture is not drawn on


@pytest.mark.parametrize("is_leaf", [True, False])
def test_a_mask_of_all_or_nothing_has_no_contour(is_leaf: bool) -> None:
    image = noise(6, 6)
    shown = overlay_mask(image, np.full((6, 6), is_leaf))
    expected = image if is_leaf else (image * 0.35 + np.array((20, 20, 30)) * 0.65).astype(np.uint8)
    assert np.array_equal(shown, expected)


# --- ranges ---------------------------------------------------------------------------------------------------------


def test_every_value_survives_the_way_to_the_network_and_back() -> None:
    values = np.arange(256, dtype=np.uint8)
    image = torch.from_numpy(np.stack([values, values[::-1], values])).reshape(1, 3, 16, 16)
    signed = to_signed(image)
    assert signed.dtype == torch.float32 and signed.min() == -1 and signed.max() == 1
    assert signed.shape == image.shape and image.dtype == torch.uint8
    assert np.array_equal(to_uint8(signed), image.permute(0, 2, 3, 1).numpy())


def test_a_networks_output_is_rounded_and_clipped() -> None:
    signed = torch.tensor([-3.0, -1.0, 0.0, 0.003, 1.0, 1.5], requires_grad=True)
    written = to_uint8(signed.reshape(1, 1, 1, 6).expand(1, 3, 1, 6))
    assert written.shape == (1, 1, 6, 3) and written.dtype == np.uint8
    assert written[0, 0, :, 0].tolist() == [0, 0, 128, 128, 255, 255]


def test_half_precision_comes_back_within_one_grey_level() -> None:
    image = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(1, 3, 16, 16)
    back = to_uint8(to_signed(image).bfloat16())
    assert np.abs(back.astype(int) - image.permute(0, 2, 3, 1).numpy()).max() <= 1


def test_an_animation_goes_there_and_back_without_loss():
    frames = [np.full((8, 8, 3), value, np.uint8) for value in (0, 100, 200)]
    with Image.open(io.BytesIO(encode_animation(frames))) as moving:
        shown = []
        for number in range(moving.n_frames):
            moving.seek(number)
            shown.append(int(np.asarray(moving.convert("RGB"))[0, 0, 0]))
    assert shown == [0, 100, 200, 100]
