import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.data import labels as module
from leafcore.data.labels import is_healthy, label_name, label_set, require_known, split_labels, union, words
from leafcore.errors import DatasetError

names = st.sampled_from(["healthy", "rust", "scab", "complex", "frog_eye_leaf_spot"])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("scab frog_eye_leaf_spot complex", "complex frog_eye_leaf_spot scab"),
        ("rust", "rust"),
        ("rust,scab", "rust scab"),
        ("rust+scab", "rust scab"),
        ("  scab \t rust , scab ", "rust scab"),
        (("scab", "rust", "scab"), "rust scab"),
        ("", ""),
        ((), ""),
    ],
)
def test_a_label_set_is_sorted_distinct_names_with_single_spaces(written: str, expected: str) -> None:
    assert label_set(written) == expected


@given(st.lists(names))
def test_the_order_and_number_of_names_do_not_matter(labels: list[str]) -> None:
    assert label_set(labels) == label_set([*reversed(labels), *labels]) == label_set(" ".join(labels))
    assert split_labels(label_set(labels)) == tuple(sorted(set(labels)))


@pytest.mark.parametrize(
    ("folder", "label"),
    [("Apple___healthy", "Apple___healthy"), ("black rot", "black_rot"), (" a, b+c ", "a_b_c"), ("Größe", "Größe")],
)
def test_a_folders_name_becomes_one_label(folder: str, label: str) -> None:
    assert label_name(folder) == label
    assert split_labels(label_set(label_name(folder))) == (label,)


@pytest.mark.parametrize(
    ("labels", "spoken"),
    [("frog_eye_leaf_spot rust", "frog eye leaf spot + rust"), ("Apple___Black_rot", "Apple Black rot"), ("", "")],
)
def test_people_read_words(labels: str, spoken: str) -> None:
    assert words(labels) == spoken


@pytest.mark.parametrize("label", ["healthy", "Healthy", "Apple___healthy", "apple healthy"])
def test_healthy_is_recognised(label: str) -> None:
    assert is_healthy(label)


@pytest.mark.parametrize("label", ["unhealthy", "Apple___Unhealthy", "rust", "healthy_with_rust", ""])
def test_what_is_not_healthy_is_not_taken_for_it(label: str) -> None:
    assert not is_healthy(label)


@pytest.mark.parametrize(
    ("source", "targets", "expected"),
    [
        ("healthy", ["rust"], "rust"),
        ("healthy", ["rust", "frog_eye_leaf_spot"], "frog_eye_leaf_spot rust"),
        ("scab", ["rust"], "rust scab"),
        ("scab", ["scab"], "scab"),
        ("rust scab", ["complex"], "complex rust scab"),
        ("healthy", ["rust scab"], "rust scab"),
        ("scab", ["healthy"], "healthy"),
        ("scab", ["healthy", "rust"], "rust"),
        ("healthy", [], "healthy"),
        ("Apple___healthy", ["Apple___Black_rot"], "Apple___Black_rot"),
        ("unhealthy", ["rust"], "rust unhealthy"),
    ],
)
def test_a_translation_adds_its_target_and_drops_healthy(source: str, targets: list[str], expected: str) -> None:
    assert union(source, targets) == expected


@given(st.lists(names, min_size=1, max_size=3), st.lists(names, max_size=4))
def test_healthy_never_stands_beside_a_disease(source: list[str], targets: list[str]) -> None:
    diseases = [name for name in source if name != "healthy"] or ["healthy"]
    result = split_labels(union(label_set(diseases), targets))
    assert result == ("healthy",) or "healthy" not in result
    assert not targets or targets[-1] in result


def test_labels_in_any_notation_are_found() -> None:
    assert require_known("scab+rust", ["healthy", "rust scab"], "leaves@1") == "rust scab"


def test_labels_that_no_picture_has_are_answered_with_those_that_occur() -> None:
    with pytest.raises(DatasetError) as caught:
        require_known("scab", ["rust scab", "healthy"], "leaves@1")
    assert str(caught.value) == ("label: got 'scab', expected one of the label sets of leaves@1: healthy, rust+scab.")


def test_the_examples_in_the_docstrings_are_true() -> None:
    result = doctest.testmod(module)
    assert result.attempted >= 3 and result.failed == 0
