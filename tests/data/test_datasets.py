import hashlib
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from leafcore.data.configs import ImportConfig, RenderConfig
from leafcore.data.datasets import ImportResult, import_dataset, render_dataset
from leafcore.data.manifest import Dataset, load, versions
from leafcore.errors import ConfigError, DatasetError, Stopped
from leafcore.images import load_mask, open_rgb
from leafcore.progress import Progress
from leafcore.workspace import Workspace
from tests.conftest import Carry, draw_leaf, write_folders
from tests.watcher import Watcher


def bring_in(workspace: Workspace, source: Path, watcher: Watcher | None = None, **settings: Any) -> ImportResult:
    config = ImportConfig.build({"source": source, "name": "leaves", **settings})
    return import_dataset(config, workspace, watcher or Watcher(workspace.root / "run"))


def write_picture(path: Path, labels: str = "rust", seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_leaf(labels, seed, size_px=16)).save(path)


def groups(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.records["image"], dataset.records["group"], strict=True))


def file_tree(root: Path) -> dict[str, int]:
    return {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


# --- what an import makes -------------------------------------------------------------------------------------------


def test_a_folder_per_class_becomes_a_dataset(workspace: Workspace, leaf_folders: Path) -> None:
    watcher = Watcher(workspace.root / "run")
    result = bring_in(workspace, leaf_folders, watcher, license="CC-BY-4.0")
    dataset = load(workspace, "leaves")
    assert result.dataset == dataset.ref
    assert result.images == 44 and result.label_sets == {"healthy": 20, "rust": 12, "scab": 12}
    assert result.splits == {"train": 30, "val": 7, "test": 7}
    assert result.skipped == () and result.warnings == () and watcher.warnings == []
    assert watcher.phases == ["listing", "reading", "comparing", "splitting"] and watcher.done == 44
    assert (dataset.card.license, dataset.card.format, dataset.root) == ("CC-BY-4.0", "folders", leaf_folders)
    assert dataset.card.settings == {"val": 0.15, "test": 0.15, "seed": 0}


def test_each_record_says_what_its_file_is(workspace: Workspace, leaf_folders: Path) -> None:
    bring_in(workspace, leaf_folders)
    row = load(workspace, "leaves").rows()[0]
    content = (leaf_folders / row["image"]).read_bytes()
    assert row["sha256"] == hashlib.sha256(content).hexdigest() and row["bytes"] == len(content)
    assert (row["width"], row["height"], row["mask"], row["group"]) == (48, 48, "", row["image"])


def test_the_pictures_stay_where_they_are(workspace: Workspace, leaf_folders: Path) -> None:
    before = file_tree(leaf_folders)
    result = bring_in(workspace, leaf_folders)
    version = result.dataset.removeprefix("leaves@")
    assert file_tree(leaf_folders) == before
    made = {f"datasets/leaves/{name}" for name in (f"{version}.json", f"{version}.parquet", "current")}
    assert {name for name in file_tree(workspace.root) if not name.startswith("cache/")} == made


def test_the_size_recorded_is_that_of_the_upright_picture(workspace: Workspace, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "rust").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "rust" / "turned.jpg", exif=exif)
    bring_in(workspace, tmp_path)
    row = load(workspace, "leaves").rows()[0]
    assert (row["width"], row["height"]) == (20, 30)


def test_unicode_and_spaces_in_names_are_kept(workspace: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "Echter Mehltau" / "Blatt größer – 1.png")
    write_picture(tmp_path / "锈病" / "叶 1.png", seed=1)
    result = bring_in(workspace, tmp_path)
    dataset = load(workspace, "leaves")
    assert result.label_sets == {"Echter_Mehltau": 1, "锈病": 1}
    assert all(path.exists() for path in dataset.paths(dataset.records))


def test_a_run_imports_as_the_function_does(carry: Carry, workspace: Workspace, leaf_folders: Path) -> None:
    run = carry("import", source=leaf_folders, name="leaves")
    assert run.status().state == "done"
    assert run.result()["dataset"] == load(workspace, "leaves").ref == bring_in(workspace, leaf_folders).dataset


# --- bad files ------------------------------------------------------------------------------------------------------


def test_bad_files_are_skipped_named_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    source = write_folders(tmp_path / "source", {"healthy": 5, "rust": 5}, size_px=32)
    half = source / "healthy" / "healthy-001.png"
    half.write_bytes(half.read_bytes()[:600])
    (source / "rust" / "page.jpg").write_text("<html>404</html>")
    (source / "rust" / "notes.txt").write_text("wet day")
    watcher = Watcher(tmp_path / "run")
    result = bring_in(workspace, source, watcher)
    reasons = {file.image: file.reason for file in result.skipped}
    assert result.images == 9 and result.label_sets == {"rust": 5, "healthy": 4}
    assert set(reasons) == {"healthy/healthy-001.png", "rust/page.jpg", "rust/notes.txt"}
    assert reasons["healthy/healthy-001.png"].startswith("damaged picture (")
    assert reasons["rust/page.jpg"].startswith("not a picture that can be read")
    assert load(workspace, "leaves").card.skipped == result.skipped
    (warning,) = watcher.warnings
    assert warning.startswith("3 files were skipped: ") and all(name in warning for name in reasons)
    assert str(source) not in warning and "\n" not in warning


def test_many_bad_files_are_counted_and_the_first_named(workspace: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "rust" / "good.png")
    for index in range(7):
        (tmp_path / "rust" / f"x{index}.jpg").write_bytes(b"")
    warning = bring_in(workspace, tmp_path).warnings[0]
    assert warning.startswith("7 files were skipped: rust/x0.jpg: not a picture") and warning.endswith("; and 4 more.")


def test_a_picture_that_a_table_names_but_nobody_has_is_skipped(workspace: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "train_images" / "a.png")
    (tmp_path / "train.csv").write_text("image,labels\na.png,rust\ngone.png,rust\n")
    result = bring_in(workspace, tmp_path)
    assert [file.model_dump() for file in result.skipped] == [
        {"image": "train_images/gone.png", "reason": "there is no such file."}
    ]
    assert load(workspace, "leaves").card.format == "plant-pathology-2021"


def test_a_link_to_nowhere_is_skipped_and_named(workspace: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "rust" / "good.png")
    try:
        (tmp_path / "rust" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    except OSError:
        pytest.skip("this system makes no links")
    result = bring_in(workspace, tmp_path)
    assert [(file.image, file.reason) for file in result.skipped] == [("rust/gone.jpg", "there is no such file.")]
    assert result.warnings[0] == "1 file was skipped: rust/gone.jpg: there is no such file."


def test_a_source_of_bad_files_only_is_refused_and_nothing_is_written(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "rust").mkdir()
    (tmp_path / "rust" / "a.jpg").write_bytes(b"")
    (tmp_path / "rust" / "b.jpg").write_bytes(b"")
    with pytest.raises(DatasetError) as caught:
        bring_in(workspace, tmp_path)
    assert str(caught.value).startswith(
        f"{tmp_path}: none of its 2 files can be read; first: rust/a.jpg: not a picture that can be read"
    )
    assert not workspace.datasets.exists()


@pytest.mark.parametrize("source", ["", "  "])
def test_no_source_is_not_the_folder_one_happens_to_be_in(source: str) -> None:
    with pytest.raises(ConfigError, match="^source: empty, expected a folder of pictures or a CSV table.$"):
        ImportConfig.build({"source": source, "name": "leaves"})
    assert ImportConfig.build({"source": ".", "name": "leaves"}).source == Path(".")


def test_a_source_that_is_no_dataset_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such file or folder"):
        bring_in(workspace, tmp_path / "gone")
    with pytest.raises(DatasetError, match="no pictures found"):
        bring_in(workspace, tmp_path)


# --- groups and labels ----------------------------------------------------------------------------------------------


def test_a_class_with_one_image_is_trained_on_and_a_warning_says_so(workspace: Workspace, tmp_path: Path) -> None:
    result = bring_in(workspace, write_folders(tmp_path, {"healthy": 8, "rust": 1}, size_px=16))
    dataset = load(workspace, "leaves")
    assert dataset.select(labels="rust")["split"].tolist() == ["train"]
    assert result.warnings == ("rust has 1 image: train only, so nothing can be claimed about it.",)
    assert dataset.card.warnings == result.warnings


def test_a_class_of_one_leaf_is_told_apart_from_one_of_one_image(workspace: Workspace, tmp_path: Path) -> None:
    write_folders(tmp_path, {"healthy": 8, "rust": 3}, size_px=16)
    result = bring_in(workspace, tmp_path, group_regex="(rust)")
    assert result.warnings == (
        "group_regex: 8 of 11 pictures have a file name that does not match, such as healthy/healthy-000.png; they "
        "stay in the groups they had.",
        "rust has 3 images of one group: train only, so nothing can be claimed about it.",
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_warning_says_in_which_split_a_rare_combination_is(workspace: Workspace, tmp_path: Path, seed: int) -> None:
    plenty = {"healthy": 12, "rust": 12, "scab": 12, "complex": 12}
    rare = ["rust scab", "complex rust", "complex scab", "complex rust scab"]
    rows = [(labels, f"{labels}-{index}.png") for labels, count in plenty.items() for index in range(count)]
    rows += [(labels, f"{labels.replace(' ', '-')}.png") for labels in rare]
    for number, (labels, name) in enumerate(rows):
        write_picture(tmp_path / name, labels, seed=number)
    (tmp_path / "train.csv").write_text("\n".join(["image,labels", *(f"{name},{labels}" for labels, name in rows)]))
    result = bring_in(workspace, tmp_path, seed=seed)
    records = load(workspace, "leaves").records
    split = {labels: records.loc[records["labels"] == labels, "split"].item() for labels in rare}
    assert "test" in split.values(), "one of them is tested, and nobody says that it is not"
    where = {"train": "train only", "val": "validation only"}
    assert set(result.warnings) == {
        f"{labels} has 1 image: {where[name]}, so nothing can be claimed about it."
        for labels, name in split.items()
        if name != "test"
    }


def test_a_dataset_of_which_nothing_is_kept_for_the_test_says_so(workspace: Workspace, tmp_path: Path) -> None:
    result = bring_in(workspace, write_folders(tmp_path, {"rust": 12, "scab": 12}, size_px=16), test=0.0)
    assert result.warnings == ("No picture is kept for the test, so nothing can be claimed about any label.",)


def test_file_names_give_the_groups(workspace: Workspace, tmp_path: Path) -> None:
    for leaf in range(6):
        for view in "abc":
            write_picture(tmp_path / "rust" / f"leaf{leaf:02d} view {view}.png", seed=10 * leaf + ord(view))
    write_picture(tmp_path / "rust" / "other.png", seed=999)
    bring_in(workspace, tmp_path, group_regex=r"(leaf\d+)")
    dataset = load(workspace, "leaves")
    assert Counter(groups(dataset).values()) == {**{f"leaf{leaf:02d}": 3 for leaf in range(6)}, "rust/other.png": 1}
    assert (dataset.records.groupby("group")["split"].nunique() == 1).all()
    assert dataset.card.settings["group_regex"] == r"(leaf\d+)"


def test_a_group_column_gives_the_groups(workspace: Workspace, tmp_path: Path) -> None:
    rows = [f"{index}.png,rust,00{index // 2}" for index in range(6)]
    for index in range(6):
        write_picture(tmp_path / f"{index}.png", seed=index)
    (tmp_path / "train.csv").write_text("\n".join(["image,labels,group", *rows]))
    bring_in(workspace, tmp_path)
    assert groups(load(workspace, "leaves")) == {f"{index}.png": f"00{index // 2}" for index in range(6)}


def test_identical_files_with_different_labels_are_kept_in_one_group_and_reported(
    workspace: Workspace, tmp_path: Path
) -> None:
    source = write_folders(tmp_path / "source", {"healthy": 6, "rust": 6}, size_px=16)
    shutil.copy(source / "healthy" / "healthy-002.png", source / "rust" / "again.png")
    shutil.copy(source / "rust" / "rust-003.png", source / "rust" / "rust-003 copy.png")  # no conflict
    result = bring_in(workspace, source)
    dataset = load(workspace, "leaves")
    assert result.images == 14 and result.label_sets == {"rust": 8, "healthy": 6}
    assert groups(dataset)["rust/again.png"] == groups(dataset)["healthy/healthy-002.png"] == "healthy/healthy-002.png"
    assert dataset.records["group"].nunique() == 12
    assert result.warnings == (
        "Identical files with different labels: 1; all are kept, those alike in one group. Look at them: "
        "healthy/healthy-002.png (healthy) = rust/again.png (rust).",
    )


# --- versions -------------------------------------------------------------------------------------------------------


def test_the_same_pictures_give_the_same_version_wherever_they_lie(tmp_path: Path, leaf_folders: Path) -> None:
    moved = shutil.copytree(leaf_folders, tmp_path / "moved")
    found = {
        bring_in(Workspace(tmp_path / f"workspace-{index}"), source).dataset
        for index, source in enumerate((leaf_folders, leaf_folders, moved))
    }
    assert len(found) == 1


def test_a_dataset_that_was_moved_is_found_again_by_importing_it_from_its_new_place(
    workspace: Workspace, tmp_path: Path
) -> None:
    source = write_folders(tmp_path / "old", {"healthy": 4, "rust": 4}, size_px=16)
    first = bring_in(workspace, source)
    source.rename(tmp_path / "new")
    again = bring_in(workspace, tmp_path / "new")
    dataset = load(workspace, first.dataset)
    assert again.dataset == first.dataset
    assert all(path.exists() for path in dataset.paths(dataset.records))


def test_changed_content_makes_a_new_version_and_the_old_one_still_loads(workspace: Workspace, tmp_path: Path) -> None:
    source = write_folders(tmp_path / "source", {"healthy": 6, "rust": 6}, size_px=16)
    first = bring_in(workspace, source)
    write_picture(source / "rust" / "one more.png", seed=77)
    second = bring_in(workspace, source)
    assert load(workspace, "leaves").ref == second.dataset != first.dataset
    assert len(load(workspace, first.dataset).records) == 12
    assert len(versions(workspace, "leaves")) == 2


def test_another_seed_of_the_split_is_another_version(workspace: Workspace, leaf_folders: Path) -> None:
    assert bring_in(workspace, leaf_folders, seed=1).dataset != bring_in(workspace, leaf_folders).dataset


def test_a_stop_in_the_middle_writes_nothing(workspace: Workspace, leaf_folders: Path, tmp_path: Path) -> None:
    watcher = Watcher(tmp_path / "run", stop_after=5)
    with pytest.raises(Stopped):
        bring_in(workspace, leaf_folders, watcher)
    assert 5 <= watcher.done < 44
    assert not workspace.datasets.exists()


# --- the sample dataset ---------------------------------------------------------------------------------------------

TINY = {"name": "sample", "count": 24, "size_px": 32}


def test_the_sample_dataset_is_drawn_with_exact_masks(workspace: Workspace, tmp_path: Path) -> None:
    result = render_dataset(RenderConfig.build(TINY), workspace, Progress(tmp_path))
    dataset = load(workspace, "sample")
    assert result.images == 24 and result.skipped == ()
    assert result.label_sets["healthy"] == max(result.label_sets.values())
    assert dataset.is_multi_label and dataset.card.license.startswith("CC0-1.0")
    for image, mask in zip(dataset.paths(dataset.records), dataset.paths(dataset.records, column="mask"), strict=True):
        assert open_rgb(image).size == (32, 32)
        assert 0.02 < load_mask(mask).mean() < 0.98


def test_photographs_of_one_drawn_leaf_stay_together(workspace: Workspace, tmp_path: Path) -> None:
    render_dataset(RenderConfig.build({**TINY, "count": 40}), workspace, Progress(tmp_path))
    records = load(workspace, "sample").records
    leaf = records["image"].str.extract(r"(leaf-\d+)")[0]
    assert (leaf == records["group"]).all() and leaf.nunique() < 40
    assert (records.groupby("group")["split"].nunique() == 1).all()
    assert set(records["split"]) == {"train", "val", "test"}


def test_the_same_settings_draw_the_same_version_everywhere(tmp_path: Path) -> None:
    config = RenderConfig.build(TINY)
    one = render_dataset(config, Workspace(tmp_path / "one"), Progress(tmp_path))
    assert render_dataset(config, Workspace(tmp_path / "two"), Progress(tmp_path)) == one


def test_what_was_drawn_before_a_stop_is_found_again(workspace: Workspace, tmp_path: Path) -> None:
    config = RenderConfig.build(TINY)
    with pytest.raises(Stopped):
        render_dataset(config, workspace, Watcher(tmp_path, stop_after=10))
    assert not (workspace.dataset("sample") / "current").exists()
    drawn = file_tree(workspace.dataset("sample"))
    assert len(drawn) == 20
    render_dataset(config, workspace, Progress(tmp_path))
    after = file_tree(workspace.dataset("sample"))
    assert {name: after[name] for name in drawn} == drawn


# --- real photographs -----------------------------------------------------------------------------------------------

FIELD = {
    "scab": 529,
    "healthy": 527,
    "frog_eye_leaf_spot": 357,
    "rust": 226,
    "complex": 184,
    "powdery_mildew": 136,
    "frog_eye_leaf_spot scab": 102,
    "complex rust": 53,
    "complex frog_eye_leaf_spot scab": 51,
    "complex powdery_mildew": 51,
    "frog_eye_leaf_spot rust": 51,
    "complex frog_eye_leaf_spot": 51,
}
CONFLICTS = (
    "82ba3e933947b097/cdf892b5b4865859 848d9f9e82d18e5e/949b6595a5b8ca3c 85897ea7f064b26a/ec83c7c04a1e9db9 "
    "86f963a16e70345e/9fc321ce60a69f0b 8c0731fff680c51e/df90901ccb664de6 8f5263c61a8cdbe2/c9d63696629107ed "
    "90a5341f227ce5f9/f3dc17a2b20d48ec 90f99ee1c1132bb6/94c83b2d5fad6924"
)


@pytest.mark.samples
def test_the_orchard_photographs_are_imported_as_their_readme_counts_them(workspace: Workspace, samples: Path) -> None:
    result = bring_in(workspace, samples / "field")
    assert result.images == 2318 and result.label_sets == FIELD and result.skipped == ()
    warning, near = result.warnings
    assert warning.startswith("Identical files with different labels: 8;") and "more" not in warning
    assert near.startswith("The same photograph in two files: 4;")
    group = {Path(image).stem: name for image, name in groups(load(workspace, "leaves")).items()}
    for one, other in (pair.split("/") for pair in CONFLICTS.split()):
        assert group[one] == group[other]
        assert one in warning and other in warning
    for name, share in (("val", 0.15), ("test", 0.15)):
        assert result.splits[name] / 2318 == pytest.approx(share, abs=0.01)


@pytest.mark.samples
def test_the_laboratory_photographs_are_imported_as_their_readme_counts_them(
    workspace: Workspace, samples: Path
) -> None:
    result = bring_in(workspace, samples / "apple")
    assert result.label_sets == {
        "Apple___healthy": 1402,
        "Apple___Apple_scab": 536,
        "Apple___Black_rot": 528,
        "Apple___Cedar_apple_rust": 235,
    }
    assert result.images == 2701 and result.skipped == () and result.warnings == ()
    assert load(workspace, "leaves").records["group"].nunique() == 2701 - 7  # seven pairs of identical files
