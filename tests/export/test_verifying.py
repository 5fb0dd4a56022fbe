import hashlib
import zipfile

import pytest

from leafcore.cli import main
from leafcore.errors import DatasetError
from leafcore.export.packing import SUMS
from leafcore.export.verifying import REQUIRED, verify


@pytest.fixture
def whole(shelves, tmp_path):
    """The files of an export by path."""
    with zipfile.ZipFile(shelves.export(tmp_path, "chain").zip) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def summed(files):
    """Return the files with checksums that fit: what is wrong with them must be found otherwise."""
    others = {name: content for name, content in files.items() if name != SUMS}
    lines = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in others.items())
    return {**others, SUMS: lines.encode()}


def pack(tmp_path, files):
    path = tmp_path / "changed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def without(content, line):
    lines = content.splitlines(keepends=True)
    return b"".join(lines[:line] + lines[line + 1 :])


def test_what_was_exported_is_whole(whole, tmp_path):
    found = verify(pack(tmp_path, whole))
    assert (found.files, found.images, found.synthetic) == (len(whole), 2, 2)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_file_that_is_missing_is_named(whole, tmp_path, name):
    del whole[name]
    with pytest.raises(DatasetError, match=f"{name} is missing; expected in every export"):
        verify(pack(tmp_path, whole))


@pytest.mark.parametrize("table", ["manifest.csv", "labels.csv"])
def test_a_picture_without_its_row_is_refused(whole, tmp_path, table):
    whole[table] = without(whole[table], 2)
    with pytest.raises(DatasetError, match=rf"train_images/.*-000001-ab.png has no row in {table}\."):
        verify(pack(tmp_path, summed(whole)))


@pytest.mark.parametrize("table", ["manifest.csv", "labels.csv"])
def test_a_row_without_its_picture_is_refused(whole, tmp_path, table):
    other = {"manifest.csv": "labels.csv", "labels.csv": "manifest.csv"}[table]
    gone = next(name for name in whole if name.endswith("-000001-ab.png"))
    del whole[gone]
    whole[other] = without(whole[other], 2)
    with pytest.raises(DatasetError, match=f"{gone} has a row in {table} and is not there"):
        verify(pack(tmp_path, summed(whole)))


def test_two_rows_for_one_picture_are_refused(whole, tmp_path):
    whole["labels.csv"] += whole["labels.csv"].splitlines(keepends=True)[1]
    with pytest.raises(DatasetError, match="has two rows in labels.csv"):
        verify(pack(tmp_path, summed(whole)))


@pytest.mark.parametrize("name", ["LICENSES.md", "train.csv", "-000000-ab.png"])
def test_a_file_that_was_changed_is_refused(whole, tmp_path, name):
    changed = next(path for path in whole if path.endswith(name))
    whole[changed] += b"x"
    with pytest.raises(DatasetError, match=f"{changed} has changed: its checksum is another than in {SUMS}"):
        verify(pack(tmp_path, whole))


def test_a_picture_that_was_changed_with_its_checksum_is_still_not_its_rows(whole, tmp_path):
    changed = next(path for path in whole if path.endswith("-000000-ab.png"))
    whole[changed] += b"x"
    with pytest.raises(DatasetError, match=f"{changed} has another checksum in manifest.csv"):
        verify(pack(tmp_path, summed(whole)))


def test_a_file_that_was_added_is_refused(whole, tmp_path):
    with pytest.raises(DatasetError, match=f"notes.txt has no checksum in {SUMS}"):
        verify(pack(tmp_path, {**whole, "notes.txt": b"hello"}))


def test_a_checksum_without_its_file_is_refused(whole, tmp_path):
    del whole["train.csv"]
    with pytest.raises(DatasetError, match=f"train.csv has a checksum in {SUMS} and is not there"):
        verify(pack(tmp_path, whole))


def test_a_name_that_leads_outside_is_refused(whole, tmp_path):
    with pytest.raises(DatasetError, match="leads outside the folder it is unpacked in"):
        verify(pack(tmp_path, {**whole, "../x.png": b""}))


def test_what_is_no_export_is_one_line_and_exit_code_2(tmp_path, capsys):
    (tmp_path / "leaves.zip").write_bytes(b"PK no more")
    assert main(["verify", str(tmp_path / "leaves.zip")]) == 2
    assert main(["verify", str(tmp_path / "gone.zip")]) == 2
    assert main(["verify", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[2].split(";")[0][:14] for line in lines] == [
        "not a whole ZI", "there is no su", "a folder, expe",
    ]  # fmt: skip
