"""What a visitor brings in and takes out becomes a run with the settings that were chosen."""

import shutil
from pathlib import Path

import pytest

from leafcore.data.manifest import load
from leafcore.errors import DatasetError
from leafcore.jobs import build_config, execute, submit
from leafcore.runs import list_runs
from leafcore.workspace import Workspace


@pytest.fixture
def table(leaf_folders: Path, tmp_path: Path) -> Path:
    """A table of unknown columns beside a folder of pictures."""
    (tmp_path / "photos").mkdir()
    rows = ["datei,krankheit,baum,teil"]
    for number, path in enumerate(sorted(leaf_folders.rglob("*.png"))[10:30]):
        shutil.copy(path, tmp_path / "photos" / f"{number}.png")
        rows.append(f"{number}.png,{path.parent.name},{number // 2},{('train', 'valid', 'test')[number // 2 % 3]}")
    (tmp_path / "notes.csv").write_text("\n".join(rows))
    return tmp_path / "notes.csv"


def newest(workspace: Workspace, kind: str):
    return list_runs(workspace, kind)[0]


def carry_out(workspace: Workspace, kind: str) -> dict:
    return execute(workspace, newest(workspace, kind), lane="files", owner="cli")


def text_of(page) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption, *page.warning, *page.success))


def test_a_folder_is_seen_before_it_is_imported(open_app, workspace, leaf_folders):
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input(str(leaf_folders)).run()
    assert "44 pictures" not in text_of(page), "only when asked: a network drive may be slow"
    page.button(key="import_peek").click().run()
    assert not page.exception
    assert "**folders**  ·  44 pictures  ·  3 label sets" in text_of(page) and "healthy 20, rust 12" in text_of(page)
    assert not list_runs(workspace)


def test_a_source_that_is_not_there_is_said_in_one_line(open_app, workspace):
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input("/nowhere/at/all").run()
    page.button(key="import_peek").click().run()
    assert "there is no such file or folder" in page.error[0].value


def test_a_table_of_unknown_columns_is_mapped_with_guesses(open_app, workspace, table):
    app = open_app(workspace)
    page = app.open("datasets")
    page.text_input(key="import--source").input(str(table)).run()
    page.button(key="import_peek").click().run()
    chosen = {
        part: page.selectbox(key=f"import_column_{part}_notes.csv").value for part in ("image", "labels", "split")
    }
    assert chosen == {"image": "datei", "labels": "krankheit", "split": "teil"}
    assert len(page.dataframe[0].value) == 5
    page.selectbox(key="import_column_group_notes.csv").select("baum").run()
    assert "20 pictures  ·  2 label sets  ·  10 groups  ·  split: train 8, val 6, test 6" in text_of(page)
    page.text_input(key="import--name").input("mapped")
    page.button(key="submit-import").click().run()
    app.checked()
    assert carry_out(workspace, "import")["splits"] == {"train": 8, "val": 6, "test": 6}
    assert load(workspace, "mapped").records["group"].nunique() == 10


def test_a_table_beside_a_single_folder_is_offered_its_columns(open_app, workspace, table):
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input(str(table.parent)).run()
    page.button(key="import_peek").click().run()
    assert page.selectbox(key="import_column_labels_notes.csv").value == "krankheit"


def test_what_has_come_in_is_chosen_once_and_said(open_app, workspace, carry, leaf_folders):
    carry("import", source=leaf_folders, name="apples")
    app = open_app(workspace)
    page = app.open("datasets")
    page.text_input(key="import--source").input(str(leaf_folders)).run()
    page.text_input(key="import--name").input("pears")
    page.button(key="submit-import").click().run()
    carry_out(workspace, "import")
    page.run()
    assert page.selectbox(key="ds").value == "pears"
    assert "**pears**: 44 pictures imported." in text_of(page)
    page.selectbox(key="ds").select("apples").run()
    assert page.selectbox(key="ds").value == "apples"
    app.checked()


def test_a_failure_stays_with_the_source_that_failed(open_app, workspace, tmp_path):
    (tmp_path / "broken" / "rust").mkdir(parents=True)
    (tmp_path / "broken" / "rust" / "a.jpg").write_bytes(b"leaves")
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input(str(tmp_path / "broken")).run()
    page.text_input(key="import--name").input("broken")
    page.button(key="submit-import").click().run()
    with pytest.raises(DatasetError):
        carry_out(workspace, "import")
    page.run()
    assert "none of its 1 files can be read" in page.error[0].value
    page.text_input(key="import--source").input(str(tmp_path)).run()
    assert not page.exception and not page.error


def test_an_upload_is_kept_seen_and_imported(open_app, workspace, leaf_folders, tmp_path):
    packed = Path(shutil.make_archive(str(tmp_path / "leaves"), "zip", leaf_folders))
    app = open_app(workspace)
    page = app.open("datasets")
    page.segmented_control(key="import_way").set_value("upload").run()
    page.file_uploader(key="import_upload").set_value(("My leaves.zip", packed.read_bytes(), "application/zip")).run()
    app.checked()
    (kept,) = workspace.uploads.glob("*/*")
    assert kept.name == "My-leaves.zip" and kept.read_bytes() == packed.read_bytes()
    assert "44 pictures" in text_of(page)
    page.text_input(key="import--name").input("sent")
    page.button(key="submit-import").click().run()
    assert newest(workspace, "import").record.settings["source"] == str(kept)
    assert carry_out(workspace, "import")["images"] == 44


def test_an_upload_that_is_no_zip_is_said_in_one_line(open_app, workspace):
    page = open_app(workspace).open("datasets")
    page.segmented_control(key="import_way").set_value("upload").run()
    page.file_uploader(key="import_upload").set_value(("x.zip", b"leaves", "application/zip")).run()
    assert not page.exception
    assert "not a ZIP that can be unpacked" in page.error[0].value


def test_a_dataset_of_kaggles_is_queued_by_its_name(open_app, workspace):
    page = open_app(workspace).open("datasets")
    page.segmented_control(key="import_way").set_value("kaggle").run()
    page.selectbox(key="import_slug").select("plantvillage").run()
    page.text_input(key="import--name").input("village")
    page.button(key="submit-import").click().run()
    assert not page.exception and not page.error
    assert newest(workspace, "import").record.settings["source"] == "kaggle:plantvillage"


def test_a_version_is_written_out_and_what_is_wrong_is_said(open_app, workspace, leaf_folders, tmp_path):
    submit(workspace, "import", build_config("import", {"source": leaf_folders, "name": "leaves"}))
    carry_out(workspace, "import")
    app = open_app(workspace)
    app.test.session_state["tab"] = "Version"
    page = app.open("datasets")
    page.selectbox(key="write_layout").select("domains").run()
    assert page.selectbox(key="write_a").value == "healthy", "what is healthy is translated from"
    page.selectbox(key="write_b").select("scab")
    page.text_input(key="write_to").input(str(tmp_path / "out")).run()
    page.button(key="submit-write").click().run()
    app.checked()
    carry_out(workspace, "write")
    page.run()
    assert f"32 pictures written to `{tmp_path / 'out'}`" in text_of(page)
    assert "12 pictures of other label sets are left out" in text_of(page)
    page.button(key="submit-write").click().run()
    assert "is there and not empty; choose a new folder" in page.error[0].value
    assert len(list_runs(workspace, "write")) == 1
