import time

import numpy as np
import pandas as pd

from leafcore.data.straddles import Straddles, Straddling, find_straddles, straddling_tests


def pictures(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["image", "group", "sha256", "split"], dtype="string")


CLEAN = (("a", "leaf-1", "1", "train"), ("b", "leaf-1", "2", "train"), ("c", "leaf-2", "3", "test"))


def test_what_lies_on_one_side_straddles_nothing() -> None:
    found = find_straddles(pictures(*CLEAN), [("a", "b")])
    assert found == Straddles(groups=0, files=0, pairs=0, clusters=())


def test_a_group_on_two_sides_is_found() -> None:
    found = find_straddles(pictures(*CLEAN, ("d", "leaf-2", "4", "val")))
    assert (found.groups, found.files, found.pairs) == (1, 0, 0)
    assert found.clusters == (("c", "d"),) and found.images == ("c", "d")


def test_a_file_under_two_names_on_two_sides_is_found() -> None:
    found = find_straddles(pictures(*CLEAN, ("d", "leaf-9", "3", "train")))
    assert (found.groups, found.files) == (0, 1) and found.clusters == (("c", "d"),)


def test_a_photograph_in_two_files_on_two_sides_is_found_and_those_that_are_gone_are_passed_over() -> None:
    found = find_straddles(pictures(*CLEAN), [("b", "c"), ("a", "gone"), ("gone", "c"), ("a", "b")])
    assert (found.groups, found.files, found.pairs) == (0, 0, 1) and found.clusters == (("b", "c"),)


def test_what_hangs_together_is_one_cluster() -> None:
    rows = (*CLEAN, ("d", "leaf-2", "9", "train"), ("e", "leaf-3", "9", "val"))
    assert find_straddles(pictures(*rows)).clusters == (("c", "d", "e"),)


def test_of_what_straddles_the_test_side_is_named_by_how_it_does() -> None:
    rows = (
        ("a", "leaf-1", "1", "train"),
        ("b", "leaf-1", "2", "test"),  # a group
        ("c", "leaf-2", "3", "test"),  # a near-duplicate in validation
        ("d", "leaf-3", "4", "val"),
        ("e", "leaf-4", "1", "test"),  # a file in train
        ("f", "leaf-5", "6", "test"),  # like a test picture alone
        ("g", "leaf-5", "7", "test"),
        ("h", "leaf-6", "8", "train"),  # on two sides, neither of which judges
        ("i", "leaf-6", "9", "val"),
    )
    alike = [("c", "d"), ("f", "c"), ("f", "g"), ("h", "i"), ("gone", "f")]
    found = straddling_tests(pictures(*rows), alike)
    assert found == Straddling(near_duplicates=("c",), files=("e",), groups=("b",), images=("b", "c", "e"))
    assert straddling_tests(pictures(*CLEAN), [("a", "b")]).images == ()


def test_a_million_pictures_take_seconds() -> None:
    """On one slow core 1 to 2 s; anything that walks through the rows would take a minute."""
    count = 1_000_000
    number = np.arange(count)
    records = pd.DataFrame(
        {
            "image": pd.Series(number.astype(str), dtype="string"),
            "group": pd.Series((number // 3).astype(str), dtype="string"),
            "sha256": pd.Series((number % (count - 5)).astype(str), dtype="string"),
            "split": pd.Series(np.where(number % 3000 == 0, "test", "train"), dtype="string"),
        }
    )
    begun = time.process_time()
    found = find_straddles(records)
    assert time.process_time() - begun < 20
    assert found.groups == 334 and found.files == 1
