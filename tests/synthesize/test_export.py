import csv
import io
import os
import shutil
import zipfile

import pytest

from leafcore import files
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DiskFull, NotFoundError, Stopped
from leafcore.files import RESERVE_BYTES
from leafcore.synthesize.configs import ExportConfig
from leafcore.synthesize.export import export
from tests.watcher import Watcher


@pytest.fixture
def made(own, journey):
    """The journey's synthetic set, which a test may damage."""
    return open_synthetic_set(own, journey.runs["synthesize"].id)


@pytest.fixture
def config(made):
    return ExportConfig(run=made.id)


def test_the_zip_holds_every_picture_and_both_tables_stored(own, made, config, tmp_path):
    watcher = Watcher(tmp_path / "run")
    result = export(config, own, watcher)
    with zipfile.ZipFile(result.zip) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.csv", "manifest.csv", *(f"images/{path.name}" for path in made.paths())]
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        for path in made.paths():
            assert archive.read(f"images/{path.name}") == path.read_bytes()
        for name in ("labels.csv", "manifest.csv"):
            assert archive.read(name) == (made.folder / name).read_bytes()
    assert result.images == 6 == watcher.done
    assert result.bytes == (tmp_path / "run" / "export.zip").stat().st_size


def test_the_label_table_in_the_zip_names_the_pictures_in_the_zip(own, config, tmp_path):
    with zipfile.ZipFile(export(config, own, Watcher(tmp_path / "run")).zip) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
        assert {f"images/{row['image']}" for row in rows} == {name for name in archive.namelist() if "/" in name}
        assert {row["labels"] for row in rows} == {"rust"}


def test_the_same_set_gives_the_same_bytes(own, made, config, tmp_path):
    export(config, own, Watcher(tmp_path / "first"))
    for path in made.paths():
        os.utime(path, (1e9, 1e9))
    export(config, own, Watcher(tmp_path / "second"))
    assert (tmp_path / "first" / "export.zip").read_bytes() == (tmp_path / "second" / "export.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first" / "export.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}, "tomorrow too"


def test_a_stop_leaves_nothing_behind(own, config, tmp_path):
    with pytest.raises(Stopped):
        export(config, own, Watcher(tmp_path / "run", stop_after=2))
    assert list((tmp_path / "run").iterdir()) == []


def test_pictures_that_are_gone_are_one_line(own, made, config, tmp_path):
    gone = made.paths()[2]
    gone.unlink()
    with pytest.raises(NotFoundError, match=f"1 of the 6 pictures of {made.id} are gone, first: {gone}") as raised:
        export(config, own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value) and list((tmp_path / "run").iterdir()) == []


def test_a_full_disk_is_refused_before_packing(own, config, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage._replace(free=RESERVE_BYTES))
    with pytest.raises(DiskFull, match="nearly full"):
        export(config, own, Watcher(tmp_path / "run"))


@pytest.mark.parametrize("kind", ["import", "masks", "evaluate"])
def test_a_run_that_made_no_pictures_is_refused(own, journey, tmp_path, kind):
    with pytest.raises(NotFoundError, match=f"is a {kind} run in state done and holds no synthetic pictures"):
        export(ExportConfig(run=journey.runs[kind].id), own, Watcher(tmp_path / "run"))


def test_an_unknown_run_is_refused(own, tmp_path):
    with pytest.raises(NotFoundError, match="there is no run 'nothing'"):
        export(ExportConfig(run="nothing"), own, Watcher(tmp_path / "run"))
