import numpy as np
import pytest

from leafcore.data.classes import Classes
from leafcore.errors import ConfigError
from leafcore.predict.submission import fallback_of, require_names, submission

APPLES = Classes(("healthy", "multiple_diseases", "rust", "scab"), exclusive=True)
IMAGES = ["test/a.jpg", "b.jpg"]
SAID = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]], np.float32)


def lines(layout, classes=APPLES, label_sets=("scab", "healthy"), numbers=None):
    table = submission(layout, IMAGES, SAID[:, : len(classes.names)], label_sets, classes, numbers or {})
    return table.to_csv(index=False, lineterminator="\n").splitlines()


def test_our_own_table_has_every_probability():
    assert lines("own") == [
        "image,labels,healthy,multiple_diseases,rust,scab",
        "test/a.jpg,scab,0.1,0.2,0.3,0.4",
        "b.jpg,healthy,0.7,0.1,0.1,0.1",
    ]


def test_plant_pathology_2021_wants_names_with_spaces_between_them():
    several = Classes(("frog_eye_leaf_spot", "scab"), exclusive=False)
    found = lines("plant-pathology-2021", several, ("frog_eye_leaf_spot scab", "scab"))
    assert found == ["image,labels", "a.jpg,frog_eye_leaf_spot scab", "b.jpg,scab"]


def test_plant_pathology_2020_wants_probabilities_in_its_own_order():
    assert lines("plant-pathology-2020") == [
        "image_id,healthy,multiple_diseases,rust,scab",
        "a,0.1,0.2,0.3,0.4",
        "b,0.7,0.1,0.1,0.1",
    ]


def test_cassava_wants_numbers():
    numbers = {"healthy": 4, "multiple_diseases": 2, "rust": 1, "scab": 0}
    assert lines("cassava", numbers=numbers) == ["image_id,label", "a.jpg,0", "b.jpg,4"]


@pytest.mark.parametrize(
    ("layout", "classes", "said"),
    [
        ("plant-pathology-2020", Classes(("healthy", "rust"), True), "wants a probability of multiple_diseases, scab"),
        ("plant-pathology-2020", Classes((*APPLES.names, "mold"), True), "but the classifier also names mold; choose"),
        ("plant-pathology-2021", Classes(("mold rust", "rust"), True), "but the classifier also names mold; choose"),
        ("cassava", Classes(("healthy", "rust"), True), "gives none for healthy, rust"),
        ("cassava", Classes(("healthy", "rust"), False), "one label per picture"),
    ],
)
def test_a_layout_that_cannot_hold_what_is_said_is_refused(layout, classes, said):
    with pytest.raises(ConfigError, match=said):
        lines(layout, classes, ("rust", "healthy"))


def test_of_two_pictures_that_a_competition_takes_for_one_both_are_named():
    require_names("own", ["a/x.jpg", "b/x.jpg"])
    require_names("plant-pathology-2021", ["a/x.jpg", "b/x.png"])
    with pytest.raises(ConfigError, match="a/x.jpg and b/x.jpg are both x.jpg"):
        require_names("cassava", ["a/x.jpg", "y.jpg", "b/x.jpg"])
    with pytest.raises(ConfigError, match="a/x.jpg and b/x.png are both x;"):
        require_names("plant-pathology-2020", ["a/x.jpg", "b/x.png"])


def test_what_cannot_be_read_counts_as_healthy_or_as_what_is_most_frequent():
    assert fallback_of(APPLES, ["rust", "rust"]) == "healthy"
    assert fallback_of(Classes(("rust", "scab"), False), ["scab", "rust scab", "rust scab"]) == "rust scab"
