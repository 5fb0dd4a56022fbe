import shutil
from pathlib import Path

import pytest

from leafcore.data.mapping import Columns
from leafcore.data.peek import peek
from leafcore.errors import DatasetError
from tests.conftest import write_folders


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def unknown_table(root: Path) -> Path:
    touch(root, *[f"photos/{number}.jpg" for number in range(8)])
    rows = [f"{number},{'rust' if number % 2 else 'scab'},t{number // 2},train" for number in range(8)]
    (root / "notes.csv").write_text("\n".join(["nr,befund,tree,split", *rows]))
    return root


def test_a_folder_per_class_is_counted_and_no_picture_is_opened(tmp_path: Path) -> None:
    found = peek(touch(tmp_path, "rust/1.jpg", "rust/2.jpg", "scab/1.jpg", "scab/notes.txt"))
    assert (found.format, found.pictures, found.skipped) == ("folders", 3, 1)
    assert found.label_sets == {"rust": 2, "scab": 1} and found.table is None and found.problem == ""


def test_a_table_of_unknown_columns_is_shown_with_guesses(tmp_path: Path) -> None:
    source = unknown_table(tmp_path)
    for path in (source / "notes.csv", source):
        table = peek(path).table
        assert table is not None
        assert table.columns == ("nr", "befund", "tree", "split") and len(table.rows) == 5
        assert table.rows[1] == {"nr": "1", "befund": "rust", "tree": "t0", "split": "train"}
        assert table.guess == Columns("nr", "befund", "tree", "split")
    assert "it has no column image" in peek(source / "notes.csv").problem


def test_named_columns_are_counted(tmp_path: Path) -> None:
    found = peek(unknown_table(tmp_path), Columns("nr", "befund", "tree", "split"))
    assert (found.format, found.pictures, found.groups) == ("table", 8, 4)
    assert found.splits == {"train": 8} and found.label_sets == {"scab": 4, "rust": 4}
    assert "no column gone" in peek(tmp_path, Columns("nr", "gone")).problem


def test_a_zip_is_looked_into_without_unpacking_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = write_folders(tmp_path / "leaves", {"rust": 3, "scab": 2}, size_px=16)
    packed = Path(shutil.make_archive(str(tmp_path / "folders"), "zip", tmp_path, "leaves"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert peek(packed) == peek(folders)
    table = Path(shutil.make_archive(str(tmp_path / "table"), "zip", unknown_table(tmp_path / "table")))
    assert peek(table).table == peek(tmp_path / "table").table
    assert list(temporary.iterdir()) == []


def test_the_problem_of_a_zip_names_the_zip(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train.csv").write_text("datei,befund\n1.jpg,rust\n")
    problem = peek(Path(shutil.make_archive(str(tmp_path / "t"), "zip", tmp_path / "in"))).problem
    assert problem.startswith("t.zip/train.csv: it has no column image")


def test_what_is_not_there_or_no_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such file or folder"):
        peek(tmp_path / "gone")
    (tmp_path / "x.zip").write_bytes(b"leaves")
    with pytest.raises(DatasetError, match="not a ZIP that can be unpacked"):
        peek(tmp_path / "x.zip")


def test_an_empty_folder_says_what_was_expected(tmp_path: Path) -> None:
    assert "expected one folder per class" in peek(tmp_path).problem


@pytest.mark.samples
def test_the_columns_of_a_table_made_for_another_purpose_are_guessed(samples: Path) -> None:
    found = peek(samples / "apple_field.csv").table
    assert found is not None
    assert found.guess == Columns("image", "class")
    assert peek(samples / "field").pictures == 2318
