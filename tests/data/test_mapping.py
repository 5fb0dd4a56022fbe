from pathlib import Path

import pandas as pd
import pytest

from leafcore.data.mapping import Columns, guess_columns, locate


def frame(**columns: str) -> pd.DataFrame:
    """Return a table of text; each column's values have spaces between them, `-` is an empty one."""
    return pd.DataFrame({name: [word.strip("-") for word in words.split()] for name, words in columns.items()})


def test_files_that_exist_are_the_pictures_whatever_their_column_is_called() -> None:
    table = frame(image="x y z w", datei="1 2 3 4", labels="rust rust scab scab")
    assert guess_columns(table, {"datei": 1.0}).image == "datei"


def test_without_files_an_ending_tells_the_pictures_and_then_a_name() -> None:
    assert guess_columns(frame(id="1 2 3", a="x.jpg y.PNG z.jpg", b="p q p"), {}).image == "a"
    assert guess_columns(frame(b="p q p", image_id="1 2 3"), {}).image == "image_id"


def test_few_words_that_come_back_are_the_labels() -> None:
    table = frame(file="1.jpg 2.jpg 3.jpg 4.jpg", shot="a b c d", befund="rost rost schorf schorf")
    assert guess_columns(table, {}).labels == "befund"


def test_a_telling_name_goes_before_a_column_that_repeats_more() -> None:
    table = frame(file="1.jpg 2.jpg 3.jpg 4.jpg", camera="Nikon Nikon Nikon Canon", disease="rust scab rust mildew")
    assert guess_columns(table, {}).labels == "disease"


def test_numbers_and_constants_are_labels_only_if_nothing_else_is() -> None:
    table = frame(file="1.jpg 2.jpg 3.jpg 4.jpg", width="640 640 640 640", grade="1 1 2 2", kind="a a b c")
    assert guess_columns(table, {}).labels == "kind"
    assert guess_columns(table.drop(columns=["kind", "width"]), {}).labels == "grade"


def test_words_for_splits_are_the_split_in_any_column() -> None:
    table = frame(file="1.jpg 2.jpg 3.jpg", disease="rust scab rust", teil="Train valid test", fold="1 2 3")
    guess = guess_columns(table, {})
    assert (guess.split, guess.labels) == ("teil", "disease")


def test_a_group_needs_a_telling_name_and_values_that_come_back() -> None:
    files = "1.jpg 2.jpg 3.jpg 4.jpg"
    assert guess_columns(frame(file=files, label="a b a b", tree_id="t1 t1 t2 t3"), {}).group == "tree_id"
    assert guess_columns(frame(file=files, label="a b a b", camera="t1 t1 t2 t3"), {}).group == ""
    assert guess_columns(frame(file=files, label="a b a b", leaf="w x y z"), {}).group == ""
    assert guess_columns(frame(file=files, label="a b a b", leaf_area="0.1 0.2 0.3 0.3"), {}).group == ""
    assert guess_columns(frame(file=files, label="a b a b", leaf="w w x x"), {}).group == "", "two groups split nothing"


def test_no_column_is_two_things() -> None:
    assert guess_columns(frame(file="1.jpg 2.jpg"), {}) == Columns(image="file")


@pytest.mark.parametrize(
    ("files", "names", "expected"),
    [
        (["a.jpg", "b.jpg"], ["a.jpg", "b.jpg"], ("", "", 1.0)),
        (["photos/a.jpg", "b.jpg"], ["a.jpg", "c.jpg"], ("photos/", "", 0.5)),
        (["images/a.jpg", "images/b.jpg"], ["a", "b"], ("images/", ".jpg", 1.0)),
        (["images/a.JPG"], ["a"], ("images/", ".JPG", 1.0)),
        (["x/a.png", "x/b.png", "y/a.png"], ["a", "b"], ("x/", ".png", 1.0)),
        ([], ["a.jpg", "", "\0"], ("", "", 0.0)),
    ],
)
def test_files_are_looked_for(
    tmp_path: Path, files: list[str], names: list[str], expected: tuple[str, str, float]
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert locate(tmp_path, names) == expected
