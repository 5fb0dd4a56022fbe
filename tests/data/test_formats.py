from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leafcore.data.formats import Entry, Listing, detect, read, read_folders, read_plant_pathology_2021
from leafcore.errors import DatasetError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def table(root: Path, text: str, encoding: str = "utf-8") -> Path:
    (root / "train.csv").write_bytes(text.encode(encoding))
    return root


def images(listing: Listing) -> dict[str, str]:
    return {entry.image: entry.labels for entry in listing.entries}


def reasons(listing: Listing) -> dict[str, str]:
    return {file.image: file.reason for file in listing.skipped}


def refuse(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        read(path)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text
    return text


# --- a folder per class ---------------------------------------------------------------------------------------------


def test_the_folders_name_is_the_label(tmp_path: Path) -> None:
    touch(tmp_path, "healthy/1.jpg", "healthy/2.JPEG", "black rot/1.png", "black rot/deep/er/2.webp")
    listing = read_folders(tmp_path)
    assert images(listing) == {
        "black rot/1.png": "black_rot",
        "black rot/deep/er/2.webp": "black_rot",
        "healthy/1.jpg": "healthy",
        "healthy/2.JPEG": "healthy",
    }
    assert listing.root == tmp_path and listing.skipped == []
    assert {entry.group for entry in listing.entries} == {""}


def test_files_that_are_no_pictures_or_in_no_class_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "rust/1.jpg", "rust/notes.txt", "rust/LICENSE", "loose.jpg", "README.md")
    assert reasons(read_folders(tmp_path)) == {
        "loose.jpg": "not in a class folder",
        "rust/LICENSE": "not a picture (no ending)",
        "rust/notes.txt": "not a picture (.txt)",
    }


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "rust/1.jpg",
        "rust/.DS_Store",
        "rust/.ipynb_checkpoints/1-checkpoint.jpg",
        ".git/x.jpg",
        "__MACOSX/._1.jpg",
    )
    listing = read_folders(tmp_path)
    assert images(listing) == {"rust/1.jpg": "rust"} and listing.skipped == []


def test_a_class_folder_may_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "1.jpg")
    (tmp_path / "leaves").mkdir()
    try:
        (tmp_path / "leaves" / "rust").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert images(read_folders(tmp_path / "leaves")) == {"rust/1.jpg": "rust"}


def test_unicode_and_spaces_stay_in_the_paths(tmp_path: Path) -> None:
    touch(tmp_path, "Mehltau größer/Blatt 1 – früh.jpg", "锈病/叶 1.png")
    assert images(read_folders(tmp_path)) == {
        "Mehltau größer/Blatt 1 – früh.jpg": "Mehltau_größer",
        "锈病/叶 1.png": "锈病",
    }


def test_a_folder_without_pictures_says_what_was_expected(tmp_path: Path) -> None:
    touch(tmp_path, "rust/notes.txt", "loose.jpg")
    assert "no pictures found; expected one folder per class with .bmp, .jpeg, .jpg" in refuse(tmp_path)


# --- Plant Pathology 2021 -------------------------------------------------------------------------------------------


def test_the_table_gives_labels_in_any_order_and_the_folder_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "train_images").mkdir()
    table(tmp_path, "image,labels\na.jpg,scab frog_eye_leaf_spot complex\nb.jpg,healthy\n")
    listing = read_plant_pathology_2021(tmp_path)
    assert listing.entries == [
        Entry("train_images/a.jpg", "complex frog_eye_leaf_spot scab"),
        Entry("train_images/b.jpg", "healthy"),
    ]


def test_pictures_may_lie_beside_the_table_and_the_table_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "field.csv").write_text("image,labels\nsub/a.jpg,rust\n")
    listing = read(tmp_path / "field.csv")
    assert listing.root == tmp_path and images(listing) == {"sub/a.jpg": "rust"}


def test_a_group_column_is_read_and_further_columns_are_not(tmp_path: Path) -> None:
    table(tmp_path, "group,labels,camera,image\n007,rust,Nikon,a.jpg\n,scab,Nikon,b.jpg\n")
    groups = {entry.image: entry.group for entry in read(tmp_path).entries}
    assert groups == {"a.jpg": "007", "b.jpg": ""}


def test_a_byte_order_mark_windows_lines_and_spaces_after_commas_are_read(tmp_path: Path) -> None:
    table(tmp_path, "image, labels\r\nä b.jpg, rust scab\r\n", encoding="utf-8-sig")
    assert images(read(tmp_path)) == {"ä b.jpg": "rust scab"}


def test_a_label_called_na_is_a_label(tmp_path: Path) -> None:
    table(tmp_path, "image,labels\na.jpg,NA\nb.jpg,None\n")
    assert images(read(tmp_path)) == {"a.jpg": "NA", "b.jpg": "None"}


def test_labels_and_groups_that_are_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    table(tmp_path, "image,labels,group\n1,01,007\n2,02,1e5\n")
    assert read(tmp_path).entries == [Entry("1", "01", group="007"), Entry("2", "02", group="1e5")]


def test_rows_without_a_label_are_named(tmp_path: Path) -> None:
    table(tmp_path, "image,labels\na.jpg,rust\nb.jpg,\nc.jpg\n")
    listing = read(tmp_path)
    assert images(listing) == {"a.jpg": "rust"}
    assert reasons(listing) == {"b.jpg": "no label in the table", "c.jpg": "no label in the table"}


@pytest.mark.parametrize(
    "image", ["../secret.jpg", "sub/../../secret.jpg", "/etc/secret.jpg", "C:\\secret.jpg", "..\\x.jpg"]
)
def test_a_picture_outside_the_datasets_folder_is_named_and_skipped(tmp_path: Path, image: str) -> None:
    table(tmp_path, f"image,labels\na.jpg,rust\n{image},rust\n")
    listing = read(tmp_path)
    assert images(listing) == {"a.jpg": "rust"}
    assert reasons(listing) == {image: "leads out of the dataset's folder"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,labels\na.jpg,rust\n", "it has no column image; got id, labels, expected image and labels"),
        ("image;labels\na.jpg;rust\n", "it has no column image and none called labels; got image;labels"),
        ("image,labels\n", "the table has no row below its first line"),
        ("", "not a table that can be read"),
        ("image,labels\na.jpg,rust\nb.jpg,rust,scab\n", "not a table that can be read"),
        ("image,labels\na.jpg,rust,scab\nb.jpg,scab,rust\n", "rows have more fields than its first line"),
        ("image,labels\na.jpg,rust,\nb.jpg,rust,\n", "rows have more fields than its first line"),
        ("image,labels\na.jpg,rust\na.jpg,rust\n", "'a.jpg' stands in 2 rows; keep one row each"),
        (
            "image,labels\nb.jpg,rust\na.jpg,rust\na.jpg,scab\nb.jpg,rust\na.jpg,rust\n",
            "'a.jpg' stands in 3 rows (2 images stand in several); keep one row each",
        ),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in refuse(table(tmp_path, text))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    assert "expected CSV in UTF-8" in refuse(table(tmp_path, "image,labels\nä.jpg,rust\n", encoding="utf-16"))
    assert "expected CSV in UTF-8" in refuse(table(tmp_path, "image,labels\nä.jpg,rust\n", encoding="cp1252"))


# --- which layout ---------------------------------------------------------------------------------------------------


def test_the_layout_is_recognised(tmp_path: Path) -> None:
    assert detect(tmp_path) == "folders"
    assert detect(table(tmp_path, "image,labels\n")) == "plant-pathology-2021"
    assert detect(tmp_path / "train.csv") == "plant-pathology-2021"


def test_a_named_layout_goes_before_the_recognised_one(tmp_path: Path) -> None:
    touch(table(tmp_path, "image,labels\na.jpg,rust\n"), "scab/1.jpg")
    assert images(read(tmp_path, "folders")) == {"scab/1.jpg": "scab"}
    assert images(read(tmp_path, "auto")) == {"a.jpg": "rust"}


def test_nothing_or_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file or folder" in refuse(tmp_path / "gone")
    touch(tmp_path, "leaves.zip")
    assert "got a .zip file, expected a folder or a CSV table" in refuse(tmp_path / "leaves.zip")
    with pytest.raises(DatasetError, match=r"got a file\.$"):
        read(table(tmp_path, "image,labels\n") / "train.csv", "folders")


def test_the_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    touch(tmp_path / "leaves", "rust/1.jpg")
    assert read(Path("~/leaves")).root == tmp_path / "leaves"


def test_nothing_is_opened(tmp_path: Path) -> None:
    (tmp_path / "rust").mkdir()
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "rust" / "good.png")
    touch(tmp_path, "rust/broken.png")
    assert len(read(tmp_path).entries) == 2
