import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leafcore.data.pixels import image_pixels, mask_pixels
from leafcore.errors import DatasetError, DiskFull, Stopped
from leafcore.images import load_mask, load_square
from leafcore.workspace import Workspace
from tests.conftest import draw_leaf
from tests.watcher import Watcher

DECODED = ["decoding"]


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "photos" / f"leaf {index}.bmp" for index in range(7)]  # equal pictures, equal file sizes
    files[0].parent.mkdir()
    for index, file in enumerate(files):
        Image.fromarray(draw_leaf("rust", seed=index, size_px=20)).save(file)
    return files


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    return Watcher(tmp_path / "run")


def cached_files(workspace: Workspace) -> list[str]:
    folder = workspace.cache / "pixels"
    return os.listdir(folder) if folder.exists() else []


def change_unnoticed(path: Path) -> None:
    """Put other pixels into a file without changing its size or its time."""
    before = path.stat()
    Image.fromarray(draw_leaf("scab", seed=99, size_px=20)).save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns == before.st_mtime_ns


def test_the_pixels_are_those_of_the_files_in_their_order(
    workspace: Workspace, photographs: list[Path], watcher: Watcher
) -> None:
    order = [photographs[index] for index in (3, 0, 6)]
    pixels = image_pixels(workspace, order, 16, watcher)
    assert pixels.shape == (3, 16, 16, 3) and pixels.dtype == np.uint8
    assert np.array_equal(pixels, [load_square(path, 16) for path in order])
    assert watcher.phases == DECODED


def test_masks_are_0_and_1(workspace: Workspace, tmp_path: Path, watcher: Watcher) -> None:
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(tmp_path / "mask.png")
    pixels = mask_pixels(workspace, [tmp_path / "mask.png"], 8, watcher)
    assert pixels.shape == (1, 8, 8, 1) and set(np.unique(pixels)) == {0, 1}
    assert np.array_equal(pixels[0, ..., 0], load_mask(tmp_path / "mask.png", 8))


def test_a_second_call_opens_no_picture(workspace: Workspace, photographs: list[Path], watcher: Watcher) -> None:
    first = np.array(image_pixels(workspace, photographs, 16, watcher))
    change_unnoticed(photographs[2])  # whoever decoded it again would see other pixels
    assert np.array_equal(image_pixels(workspace, photographs, 16, watcher), first)
    assert watcher.phases == DECODED
    assert not np.array_equal(load_square(photographs[2], 16), first[2])


def test_the_pixels_are_mapped_and_cannot_be_written(
    workspace: Workspace, photographs: list[Path], watcher: Watcher
) -> None:
    pixels = image_pixels(workspace, photographs, 16, watcher)
    assert isinstance(pixels, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0


def test_a_changed_file_is_decoded_again(workspace: Workspace, photographs: list[Path], watcher: Watcher) -> None:
    image_pixels(workspace, photographs, 16, watcher)
    change_unnoticed(photographs[2])
    os.utime(photographs[2], (1, 1))
    pixels = image_pixels(workspace, photographs, 16, watcher)
    assert np.array_equal(pixels[2], load_square(photographs[2], 16))
    assert watcher.phases == DECODED * 2


def test_another_size_another_choice_and_masks_are_decoded_by_themselves(
    workspace: Workspace, photographs: list[Path], watcher: Watcher
) -> None:
    assert image_pixels(workspace, photographs, 16, watcher).shape == (7, 16, 16, 3)
    assert image_pixels(workspace, photographs, 24, watcher).shape == (7, 24, 24, 3)
    assert image_pixels(workspace, photographs[:5], 16, watcher).shape == (5, 16, 16, 3)
    assert mask_pixels(workspace, photographs, 16, watcher).shape == (7, 16, 16, 1)
    assert watcher.phases == DECODED * 4 and len(cached_files(workspace)) == 4


@pytest.mark.parametrize("is_cached", [False, True])
def test_a_file_that_is_gone_is_named(
    workspace: Workspace, photographs: list[Path], watcher: Watcher, is_cached: bool
) -> None:
    if is_cached:
        image_pixels(workspace, photographs, 16, watcher)
    photographs[4].unlink()
    with pytest.raises(DatasetError) as caught:
        image_pixels(workspace, photographs, 16, watcher)
    assert str(caught.value).startswith(f"{photographs[4]}: gone since it was imported; put it back, or import")


def test_a_damaged_file_is_named_and_nothing_partial_is_kept(
    workspace: Workspace, photographs: list[Path], watcher: Watcher
) -> None:
    photographs[4].write_bytes(photographs[4].read_bytes()[:200])
    with pytest.raises(DatasetError, match="leaf 4.bmp: damaged picture"):
        image_pixels(workspace, photographs, 16, watcher)
    assert cached_files(workspace) == []


def test_a_stop_leaves_no_partial_file_and_the_next_call_is_whole(
    workspace: Workspace, photographs: list[Path], watcher: Watcher, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        image_pixels(workspace, photographs, 16, Watcher(tmp_path / "stopped", stop_after=0))
    assert cached_files(workspace) == []
    assert len(image_pixels(workspace, photographs, 16, watcher)) == 7


def test_a_disk_without_room_is_told_before_anything_is_decoded(
    workspace: Workspace, photographs: list[Path], watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DiskFull):
        image_pixels(workspace, photographs, 16, watcher)
    assert watcher.phases == [] and cached_files(workspace) == []


def test_no_picture_gives_no_pixels(workspace: Workspace, watcher: Watcher) -> None:
    assert image_pixels(workspace, [], 16, watcher).shape == (0, 16, 16, 3)


def test_two_may_fill_the_same_cache_at_once(workspace: Workspace, photographs: list[Path], tmp_path: Path) -> None:
    found: list[np.ndarray] = []

    def fill(name: str) -> None:
        found.append(np.array(image_pixels(workspace, photographs * 20, 16, Watcher(tmp_path / name))))

    threads = [threading.Thread(target=fill, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and np.array_equal(*found)
    assert len(cached_files(workspace)) == 1
