import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from leafcore.data.duplicates import candidates, identical, likeness, near_duplicates, perceptual_hash, small
from leafcore.data.rendered import render_leaf


def leaf(seed: int, labels: str = "rust") -> Image.Image:
    return Image.fromarray(render_leaf((labels,), 128, leaf_seed=seed, view_seed=seed).image)


def saved_again(image: Image.Image, tmp_path, quality: int = 60) -> Image.Image:
    image.save(tmp_path / "again.jpg", quality=quality)
    return Image.open(tmp_path / "again.jpg").convert("RGB")


def table(images: list[Image.Image]) -> pd.DataFrame:
    return pd.DataFrame(
        {"sha256": [str(number) for number in range(len(images))], "phash": [perceptual_hash(one) for one in images]}
    )


@given(st.lists(st.integers(0, 2**64 - 1), max_size=12), st.integers(0, 64))
def test_candidates_are_all_pairs_within_the_distance(values, limit):
    hashes = [f"{value:016x}" for value in values]
    expected = {
        (i, j, (values[i] ^ values[j]).bit_count())
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= limit
    }
    assert set(candidates(hashes, limit)) == expected


def test_candidates_do_not_depend_on_the_size_of_a_block(monkeypatch):
    hashes = [f"{value:016x}" for value in np.random.default_rng(0).integers(0, 2**10, 100)]
    whole = set(candidates(hashes, 3))
    monkeypatch.setattr("leafcore.data.duplicates.BLOCK", 7)
    assert set(candidates(hashes, 3)) == whole


def test_a_picture_without_a_hash_is_like_no_other():
    assert list(candidates(["", "0" * 16, "", "0" * 16])) == [(1, 3, 0)]


def test_a_picture_saved_again_resized_or_shifted_is_found(tmp_path):
    original = leaf(1)
    shifted = original.crop((2, 1, 128, 128)).resize((128, 128))
    smaller = original.resize((96, 96))
    images = [original, leaf(2), saved_again(original, tmp_path), leaf(3), smaller, shifted]
    pairs = near_duplicates(table(images), lambda row: small(images[row]))
    assert {(pair.first, pair.second) for pair in pairs} >= {(0, 2), (0, 4), (0, 5)}
    assert all({pair.first, pair.second} <= {0, 2, 4, 5} for pair in pairs)
    assert pairs == sorted(pairs, key=lambda pair: -pair.likeness)


def test_other_leaves_and_other_views_are_not_taken_for_duplicates():
    images = [leaf(seed, "scab" if seed % 2 else "healthy") for seed in range(80)]
    images += [Image.fromarray(render_leaf(("rust",), 128, leaf_seed=1, view_seed=view).image) for view in range(20)]
    assert near_duplicates(table(images), lambda row: small(images[row])) == []


def test_the_same_outline_in_other_colours_is_no_duplicate():
    first = leaf(5)
    other = Image.merge("RGB", [first.getchannel(band) for band in "BRG"])
    images = [first, other]
    assert near_duplicates(table(images), lambda row: small(images[row]), max_distance=64) == []


def test_pictures_of_one_colour_are_alike_only_if_they_are_equal():
    green, blue = (np.full((32, 32, 3), value, np.float32) for value in ([0, 200, 0], [0, 0, 200]))
    assert likeness(green, green) == pytest.approx(1.0)
    assert likeness(green, blue) < 0.5
    grey = np.full((32, 32, 3), 9, np.float32)
    assert likeness(grey, grey) == 1.0


def test_identical_files_are_paired_with_the_first_of_them():
    pairs = identical(pd.DataFrame({"sha256": ["a", "b", "a", "c", "a"]}, index=[5, 1, 9, 2, 4]))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 2), (0, 4)]
