from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leafcore.data.folders import read_folders
from leafcore.data.formats import detect, read
from leafcore.data.listing import Entry, Listing
from leafcore.data.mapping import Columns
from leafcore.data.tables import read_mapped, read_plant_pathology_2021
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


def test_a_folder_that_is_called_like_a_picture_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "rust/1.jpg", "rust/x.jpg/2.jpg", "rust/more/3.jpg")
    listing = read_folders(tmp_path)
    assert reasons(listing) == {"rust/x.jpg": "a folder, not a picture"}
    assert set(images(listing)) == {"rust/1.jpg", "rust/x.jpg/2.jpg", "rust/more/3.jpg"}


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
    assert "got a .zip file, expected a folder, a CSV table, or a ZIP" in refuse(tmp_path / "leaves.zip")
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


def test_a_split_column_is_kept_and_a_word_that_is_no_split_is_refused(tmp_path: Path) -> None:
    table(tmp_path, "image,labels,split\na.jpg,rust,Validation\nb.jpg,rust,TEST\nc.jpg,rust,\nd.jpg,rust,train\n")
    assert [entry.split for entry in read(tmp_path).entries] == ["val", "test", "", "train"]
    table(tmp_path, "image,labels,split\na.jpg,rust,train\nb.jpg,rust,fold 2\n")
    assert "column split: got 'fold 2' in row 3; expected train, val, valid" in refuse(tmp_path)


def test_the_only_table_of_a_folder_is_found_if_its_layout_is_known(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg")
    (tmp_path / "labels.csv").write_text("image,labels\na.jpg,rust\n")
    assert detect(tmp_path) == "plant-pathology-2021"
    assert images(read(tmp_path)) == {"images/a.jpg": "rust"}
    (tmp_path / "labels.csv").write_text("datei,krankheit\na.jpg,rust\n")
    assert detect(tmp_path) == "folders"


# --- Plant Pathology 2020 ---------------------------------------------------------------------------------------------

ONE_HOT = "image_id,healthy,multiple_diseases,rust,scab\n"


def test_one_hot_columns_become_label_sets(tmp_path: Path) -> None:
    touch(tmp_path, "images/Train_0.jpg")
    table(tmp_path, ONE_HOT + "Train_0,0,0,1,1\nTrain_1,1,0,0,0\nTrain_2,0,0,0,0\n")
    assert detect(tmp_path) == "plant-pathology-2020"
    listing = read(tmp_path)
    assert images(listing) == {"images/Train_0.jpg": "rust scab", "images/Train_1.jpg": "healthy"}
    assert reasons(listing) == {"images/Train_2.jpg": "no label in the table"}


def test_a_cell_that_is_neither_0_nor_1_is_named(tmp_path: Path) -> None:
    table(tmp_path, ONE_HOT + "Train_0,0,0,1,0\nTrain_1,0,yes,0,0\n")
    assert "got 'yes' in row 3, column multiple_diseases; expected 0 or 1" in refuse(tmp_path)


def test_a_one_hot_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    table(tmp_path, "image_id,healthy,rust\nTrain_0,1,0\n")
    assert "it has no column multiple_diseases" in refuse(tmp_path)


# --- Cassava ----------------------------------------------------------------------------------------------------------

CASSAVA = "image_id,label\n1.jpg,0\n2.jpg,4\n"


def test_cassavas_numbers_become_the_names_of_its_json(tmp_path: Path) -> None:
    touch(tmp_path, "train_images/1.jpg")
    table(tmp_path, CASSAVA)
    names = '{"0": "Cassava Bacterial Blight (CBB)", "4": "Healthy"}'
    (tmp_path / "label_num_to_disease_map.json").write_text(names)
    assert detect(tmp_path) == "cassava"
    assert images(read(tmp_path)) == {
        "train_images/1.jpg": "Cassava_Bacterial_Blight_(CBB)",
        "train_images/2.jpg": "Healthy",
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "it says which disease each number means"),
        ("{", 'expected JSON such as {"0": "healthy"}'),
        ("[1, 2]", 'expected JSON such as {"0": "healthy"}'),
        ('{"0": "blight"}', "got label '4', expected one of 0"),
    ],
)
def test_cassava_without_the_names_of_its_numbers_is_refused(tmp_path: Path, names: str | None, message: str) -> None:
    table(tmp_path, CASSAVA)
    if names is not None:
        (tmp_path / "label_num_to_disease_map.json").write_text(names)
    assert message in refuse(tmp_path)


# --- any table --------------------------------------------------------------------------------------------------------


def test_columns_that_the_user_names_are_read(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg")
    table(tmp_path, 'datei,krankheit,baum\na.jpg,"rust, scab",7\nb.jpg,healthy,8\n')
    listing = read_mapped(tmp_path / "train.csv", Columns("datei", "krankheit", "baum"))
    assert listing.entries == [
        Entry("images/a.jpg", "rust scab", group="7"),
        Entry("images/b.jpg", "healthy", group="8"),
    ]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["leaf rust", "scab", "healthy"], ["leaf_rust", "scab", "healthy"]),
        (["early blight", "late blight", "healthy"], ["early_blight", "late_blight", "healthy"]),
        (["rust scab", "scab", "rust"], ["rust scab", "scab", "rust"]),
        (["leaf rust; scab", "leaf rust", "scab"], ["leaf_rust scab", "leaf_rust", "scab"]),
    ],
    ids=["a name of two words", "a word in two names", "two labels", "another separator"],
)
def test_a_space_separates_labels_only_if_each_word_is_a_label(tmp_path: Path, cells, expected) -> None:
    rows = "\n".join(f"{number}.jpg,{cell}" for number, cell in enumerate(cells))
    table(tmp_path, f"datei,krankheit\n{rows}\n")
    listing = read_mapped(tmp_path / "train.csv", Columns("datei", "krankheit"))
    assert [entry.labels for entry in listing.entries] == expected


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    table(tmp_path, "datei,krankheit\na.jpg,rust\n")
    with pytest.raises(DatasetError, match="it has no column baum; got datei, krankheit"):
        read_mapped(tmp_path, Columns("datei", "krankheit", "baum"))


# --- domains of a translation -----------------------------------------------------------------------------------------


def domains(root: Path) -> Path:
    return touch(root / "horse2zebra", "trainA/1.jpg", "trainA/2.jpg", "trainB/1.jpg", "testA/3.jpg", "testB/4.jpg")


def test_domain_folders_keep_their_test_split(tmp_path: Path) -> None:
    listing = read(domains(tmp_path))
    assert detect(tmp_path / "horse2zebra") == "domains"
    assert listing.entries == [
        Entry("trainA/1.jpg", "horse", split="train"),
        Entry("trainA/2.jpg", "horse", split="train"),
        Entry("trainB/1.jpg", "zebra", split="train"),
        Entry("testA/3.jpg", "horse", split="test"),
        Entry("testB/4.jpg", "zebra", split="test"),
    ]


def test_domains_that_have_a_validation_split_keep_it(tmp_path: Path) -> None:
    touch(domains(tmp_path), "valA/5.jpg", "valB/6.jpg")
    splits = {entry.image: entry.split for entry in read(tmp_path / "horse2zebra").entries}
    assert splits["valA/5.jpg"] == splits["valB/6.jpg"] == "val"


def test_domains_of_a_folder_that_names_none_are_a_and_b(tmp_path: Path) -> None:
    touch(tmp_path, "TrainA/1.jpg", "TrainB/1.jpg", "TrainB/._1.jpg", "TrainB/notes.txt")
    listing = read(tmp_path)
    assert images(listing) == {"TrainA/1.jpg": "A", "TrainB/1.jpg": "B"}
    assert reasons(listing) == {"TrainB/notes.txt": "not a picture (.txt)"}


@pytest.mark.parametrize("name", ["trainA_mask", "TrainA_masked"])
def test_leafgans_own_masks_are_found(tmp_path: Path, name: str) -> None:
    touch(domains(tmp_path), f"{name}/1.png")
    masks = {entry.image: entry.mask for entry in read(tmp_path / "horse2zebra").entries}
    assert masks["trainA/1.jpg"] == f"{name}/1.png"
    assert masks["trainA/2.jpg"] == masks["trainB/1.jpg"] == ""


def test_a_domain_without_a_picture_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "trainA/1.jpg", "trainB/notes.txt")
    assert "trainB holds no picture" in refuse(tmp_path)
