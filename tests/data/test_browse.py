import numpy as np
import pandas as pd
import pytest

from leafcore.data.browse import Query, find, image_sizes
from leafcore.errors import ConfigError

RECORDS = pd.DataFrame(
    [
        ("a/Leaf-1.jpg", "healthy", "train", 10, 10, 500),
        ("a/leaf-2.jpg", "rust", "val", 30, 10, 100),
        ("b/leaf-3.jpg", "rust scab", "train", 20, 20, 300),
        ("b/rusty.jpg", "scab", "train", 10, 30, 300),
    ],
    columns=["image", "labels", "split", "width", "height", "bytes"],
).astype({"image": "string", "labels": "string", "split": "string"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), [0, 1, 2, 3]),
        (Query(split="train"), [0, 2, 3]),
        (Query(labels="rust"), [1]),
        (Query(label="rust"), [1, 2]),
        (Query(label="rust", split="train"), [2]),
        (Query(text="LEAF"), [0, 1, 2]),
        (Query(text="a/leaf-"), [0, 1]),
        (Query(text="f-[13]"), []),
        (Query(order="most pixels"), [2, 1, 3, 0]),
        (Query(order="fewest pixels"), [0, 1, 3, 2]),
        (Query(order="largest file"), [0, 2, 3, 1]),
        (Query(order="smallest file", split="train"), [2, 3, 0]),
    ],
)
def test_a_query_finds_what_it_names_in_its_order(query, expected):
    assert find(RECORDS, query).tolist() == expected


def test_pictures_are_in_the_order_of_their_names_whatever_the_tables_is():
    shuffled = RECORDS.iloc[[3, 1, 0, 2]].reset_index(drop=True)
    assert shuffled["image"].iloc[find(shuffled, Query())].is_monotonic_increasing


def test_an_unknown_order_is_refused():
    with pytest.raises(ConfigError, match="order: got 'colour', expected one of name, most pixels"):
        find(RECORDS, Query(order="colour"))


def test_sizes_of_four_pictures_are_counted_by_hand():
    table = pd.DataFrame({"width": [2000, 1000, 2000, 1000], "height": [1000, 1000, 1000, 2000]})
    sizes = image_sizes(table, common=1, bins=4)
    assert sizes.common == ((2000, 1000, 2),)
    assert (sizes.kinds, sizes.smallest) == (3, (1000, 1000))
    assert np.prod(sizes.largest) == 2_000_000
    assert sizes.edges == (0.0, 0.5, 1.0, 1.5, 2.0)
    assert sizes.megapixels == (0, 0, 1, 3)
