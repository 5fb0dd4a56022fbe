import stat
import zipfile
from pathlib import Path

import pytest

from leafcore.data import archives
from leafcore.data.archives import unpack
from leafcore.errors import DatasetError, DiskFull, Stopped
from leafcore.progress import Progress
from tests.watcher import Watcher


def pack(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def refuse(archive: Path, folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        unpack(archive, folder, Progress(folder.parent))
    text = str(caught.value)
    assert str(archive) in text and "\n" not in text
    assert not folder.exists(), "nothing is left behind"
    assert listing(folder.parent) == {archive.name}
    return text


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "leaves.zip"


def test_pictures_and_tables_come_out_and_nothing_else(archive, tmp_path):
    files = [
        "train.csv",
        "names.json",
        "train_images/a.jpg",
        "setup.exe",
        "__MACOSX/._a.jpg",
        "train_images/.hidden.jpg",
    ]
    pack(archive, dict.fromkeys(files, b"x"))
    root = unpack(archive, tmp_path / "out", Progress(tmp_path))
    assert root == tmp_path / "out"
    assert listing(root) == {"train.csv", "names.json", "train_images/a.jpg"}


@pytest.mark.parametrize(
    ("files", "begins"),
    [
        (["deep/er/rust/a.jpg", "deep/er/scab/b.jpg"], "deep/er"),
        (["leaves/rust/a.jpg"], "leaves"),
        (["rust/a.jpg"], "."),
        (["set/train.csv", "set/train_images/a.jpg"], "set"),
    ],
)
def test_the_dataset_begins_where_the_wrapping_folders_end(archive, tmp_path, files, begins):
    pack(archive, dict.fromkeys(files, b"x"))
    assert unpack(archive, tmp_path / "out", Progress(tmp_path)) == tmp_path / "out" / begins


@pytest.mark.parametrize("name", ["../evil.jpg", "a/../../evil.jpg", "/etc/evil.jpg", "C:/evil.jpg", "a\\..\\evil.jpg"])
def test_a_name_that_leads_outside_is_refused(archive, tmp_path, name):
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("rust/a.jpg", b"x")
        info = zipfile.ZipInfo()
        info.filename = name
        packed.writestr(info, b"x")
    assert "leads out of the folder" in refuse(archive, tmp_path / "out")


def test_a_link_is_refused(archive, tmp_path):
    with zipfile.ZipFile(archive, "w") as packed:
        info = zipfile.ZipInfo("rust/a.jpg")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc/passwd")
    assert "'rust/a.jpg' is a link" in refuse(archive, tmp_path / "out")


def test_a_bomb_is_refused_before_it_bursts(archive, tmp_path):
    pack(archive, {"rust/a.jpg": bytes(20 * 2**20)})
    assert archive.stat().st_size < 40_000, "a thousand to one"
    assert "more than 100 times" in refuse(archive, tmp_path / "out")


def test_too_many_files_are_refused(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    pack(archive, {f"rust/{number}.jpg": b"x" for number in range(4)})
    assert "holds 4 files, expected at most 3" in refuse(archive, tmp_path / "out")


def test_a_million_files_are_refused_before_their_names_are_read(archive, tmp_path, monkeypatch):
    count, names = 70_000, bytearray()  # more than the end record itself can say
    for number in range(count):
        name = b"rust/%06d.jpg" % number
        names += b"PK\x01\x02" + bytes(24) + len(name).to_bytes(2, "little") + bytes(16) + name
    large = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(12) + 2 * count.to_bytes(8, "little")
    large += len(names).to_bytes(8, "little") + bytes(8)
    locator = b"PK\x06\x07" + bytes(4) + len(names).to_bytes(8, "little") + (1).to_bytes(4, "little")
    archive.write_bytes(names + large + locator + b"PK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2))
    monkeypatch.setattr(archives, "MAX_ENTRIES", 69_999)
    with zipfile.ZipFile(archive) as packed:
        assert len(packed.infolist()) == count, "it is a ZIP"
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "holds 70000 files, expected at most 69999" in refuse(archive, tmp_path / "out")


@pytest.mark.parametrize("damage", [lambda content: b"leaves", lambda content: content[: len(content) // 2]])
def test_a_file_that_is_no_zip_is_refused(archive, tmp_path, damage):
    pack(archive, {"rust/a.jpg": bytes(range(256)) * 40})
    archive.write_bytes(damage(archive.read_bytes()))
    assert "not a ZIP that can be unpacked" in refuse(archive, tmp_path / "out")


def test_damaged_content_is_refused(archive, tmp_path):
    pack(archive, {"rust/a.jpg": b"leaf" * 100}, zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"leafleaf", b"leafLEAF", 1))
    assert "not a ZIP that can be unpacked" in refuse(archive, tmp_path / "out")


def test_a_zip_that_lies_about_a_size_writes_no_more_than_it_said(archive, tmp_path):
    pack(archive, {"rust/a.jpg": b"leaf" * 1000})
    content = bytearray(archive.read_bytes())
    start = content.rfind(b"PK\x01\x02") + 24  # the uncompressed size in the directory
    content[start : start + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(content)
    assert "not a ZIP that can be unpacked" in refuse(archive, tmp_path / "out")


def test_stopping_leaves_nothing_behind(archive, tmp_path):
    pack(archive, {f"rust/{number}.jpg": b"x" for number in range(9)})
    with pytest.raises(Stopped):
        unpack(archive, tmp_path / "out", Watcher(tmp_path, stop_after=3))
    assert not (tmp_path / "out").exists()


def test_a_zip_larger_than_the_disk_is_refused(archive, tmp_path, monkeypatch):
    pack(archive, {"rust/a.jpg": b"x" * 1000})

    def full(folder: Path, size: int) -> None:
        raise DiskFull(f"{size} bytes needed")

    monkeypatch.setattr(archives, "require_space", full)
    with pytest.raises(DiskFull, match="1000 bytes needed"):
        unpack(archive, tmp_path / "out", Progress(tmp_path))
    assert not (tmp_path / "out").exists()
