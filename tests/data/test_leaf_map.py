import json
from pathlib import Path

import pandas as pd
import pytest

from leafcore.data.leaf_map import groups_by_leaf, leaf_key, read_leaf_map
from leafcore.errors import DatasetError

# Rows of the published file; "rs_hl 5531" is made to stand for the names that two classes share.
PUBLISHED = {
    "rs_early.b 7825": ["Potato___Early_blight:::143.0"],
    "rs_early.b 7824": ["Potato___Early_blight:::143.0"],
    "crec_hlb 6809": ["Orange___Haunglongbing_(Citrus_greening):::OCT_563.0"],
    "com.g_spm_fl 8810": ["Tomato___Spider_mites Two-spotted_spider_mite:::261.0"],
    "rs_hl 5531": ["Soybean___healthy:::317.0", "Tomato___healthy:::12.0"],
    "rs_hl 5532": ["Tomato___healthy:::"],
}


@pytest.fixture
def leaf_map(tmp_path: Path) -> Path:
    path = tmp_path / "leaf-map.json"
    path.write_text(json.dumps(PUBLISHED))
    return path


def leaf(leaf_map: Path, image: str) -> str:
    (found,) = groups_by_leaf(pd.DataFrame({"image": [image]}), read_leaf_map(leaf_map))
    return str(found)


@pytest.mark.parametrize(
    "name",
    [
        "0a5e9323-dbad-432d-ac58-d291718345d9___RS_Early.B 7825.JPG",
        "0a5e9323-dbad-432d-ac58-d291718345d9___RS_Early.B 7825.jpg",
        "0a5e9323-dbad-432d-ac58-d291718345d9___RS_Early.B 7825_final_masked.jpg",
        "0a5e9323-dbad-432d-ac58-d291718345d9___RS_Early.B 7825 copy 2.jpg",
        "0a5e9323___RS_Early.B_7825_final_masked.png",
        "RS_Early.B 7825",
    ],
)
def test_a_published_name_becomes_the_cameras_name(name: str) -> None:
    assert leaf_key(name) == "rs_early.b_7825"


def test_pictures_of_one_leaf_get_one_name_in_every_edition(leaf_map: Path) -> None:
    names = [
        leaf(leaf_map, "raw/color/Potato___Early_blight/1b___RS_Early.B 7824.JPG"),
        leaf(leaf_map, "raw/segmented/Potato___Early_blight/1b___RS_Early.B 7824_final_masked.jpg"),
        leaf(leaf_map, "Potato___Early_blight/0a___RS_Early.B 7825.JPG"),
    ]
    assert names == ["Potato___Early_blight:::143.0"] * 3


def test_of_several_leaves_of_one_name_the_one_of_the_class_is_taken(leaf_map: Path) -> None:
    assert leaf(leaf_map, "Tomato___healthy/a___RS_HL 5531.JPG") == "Tomato___healthy:::12.0"
    assert leaf(leaf_map, "Soybean___healthy/a___RS_HL 5531.JPG") == "Soybean___healthy:::317.0"
    assert leaf(leaf_map, "Apple___healthy/a___RS_HL 5531.JPG") == ""


def test_what_the_map_does_not_know_has_no_leaf(leaf_map: Path) -> None:
    assert leaf(leaf_map, "Corn_(maize)___healthy/RS_HL 0001.JPG") == ""
    assert leaf(leaf_map, "Tomato___healthy/RS_HL 5532.JPG") == "", "a leaf without a number is no leaf"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON"),
        ("[]", "got a list"),
        ("{}", "got an empty object"),
        ('{"a": "leaf"}', "got 'leaf' for 'a'"),
        ('{"a": [1]}', r"got \[1\] for 'a'"),
        ("\xff", "no JSON"),
    ],
)
def test_what_is_no_leaf_map_is_refused_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "map.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DatasetError, match=message) as error:
        read_leaf_map(tmp_path / "map.json")
    assert "\n" not in str(error.value) and "expected PlantVillage's leaf-map.json" in str(error.value)


@pytest.mark.parametrize("path", ["nowhere.json", "."])
def test_a_leaf_map_that_is_not_there_is_named(tmp_path: Path, path: str) -> None:
    with pytest.raises(DatasetError, match="there is no such file"):
        read_leaf_map(tmp_path / path)
