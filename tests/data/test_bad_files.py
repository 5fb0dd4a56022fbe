"""Each kind of broken file is named and skipped, and the rest is imported."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.workspace import Workspace
from tests.conftest import draw_leaf, write_folders
from tests.watcher import Watcher


def truncated(path: Path) -> None:
    Image.fromarray(draw_leaf("rust", 1)).save(path)
    path.write_bytes(path.read_bytes()[:700])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("<html>404 Not Found</html>")


def folder(path: Path) -> None:
    path.mkdir()


def bomb(path: Path) -> None:
    Image.new("1", (40_000, 5_000)).save(path, "PNG")


def locked(path: Path) -> None:
    Image.fromarray(draw_leaf("rust", 1)).save(path)
    path.chmod(0)


BROKEN: dict[Callable[[Path], None], str] = {
    truncated: "damaged picture (",
    empty: "not a picture that can be read",
    text: "not a picture that can be read",
    folder: "a folder, not a picture",
    bomb: "too large a picture, over 178 million pixels",
    locked: "may not be read; allow this user to read it.",
}


def may_read_everything() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse what has no permission, to an administrator as well."""
    opened = Image.open

    def refuse(path: Path, *args: object, **options: object) -> Image.Image:
        if not path.stat().st_mode & 0o777:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    if may_read_everything():
        monkeypatch.setattr(Image, "open", refuse)


@pytest.mark.parametrize("layout", ["folders", "plant-pathology-2021", "domains"])
@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_file_is_named_and_the_rest_is_imported(
    workspace: Workspace, tmp_path: Path, refusing: None, kind: Callable[[Path], None], layout: str
) -> None:
    root = write_folders(tmp_path / "source", {"trainA": 4, "trainB": 4}, size_px=32)
    if layout == "plant-pathology-2021":
        files = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.png"))]
        (root / "train.csv").write_text(
            "\n".join(["image,labels", *(f"{name},rust" for name in [*files, "trainA/x.jpg"])])
        )
    kind(root / "trainA" / "x.jpg")
    watcher = Watcher(tmp_path / "run")
    config = ImportConfig.build({"source": root, "name": "leaves", "format": layout})
    result = import_dataset(config, workspace, watcher)
    assert result.images == 8
    assert [file.image for file in result.skipped] == ["trainA/x.jpg"]
    assert result.skipped[0].reason.startswith(BROKEN[kind])
    assert watcher.warnings[0].startswith("1 file was skipped: trainA/x.jpg: ")
