"""PlantVillage's leaf map: which of its photographs show one leaf.

`leaf-map.json` (spMohanty/PlantVillage-Dataset) maps the name that a file had in the camera's folder, in small letters
and without its ending, to leaves, each "class:::number":

    {"rs_early.b 7825": ["Potato___Early_blight:::143.0"], "crec_hlb 6807": ["Orange___Haunglongbing_...:::OCT_563.0"]}

The published files are called `<random id>___RS_Early.B 7825.JPG`, segmented ones end in `_final_masked`, copies in
` copy`, ` copy 2`. About a quarter of the pictures are not in the map.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from leafcore.errors import DatasetError

EXPECTED = 'expected PlantVillage\'s leaf-map.json, such as {"rs_early.b 7825": ["Potato___Early_blight:::143.0"]}'

LeafMap = Mapping[str, Sequence[str]]


def read_leaf_map(path: Path) -> LeafMap:
    """Read a leaf map.

    Returns:
        Leaves by a file's name as `leaf_key` gives it; a name that cameras gave twice has several.

    Raises:
        DatasetError: There is no such file, or it is no leaf map.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise DatasetError(f"leaf_map: {path}: there is no such file; {EXPECTED}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"leaf_map: {path}: no JSON ({error}); {EXPECTED}.") from None
    if not isinstance(content, dict) or not content:
        raise DatasetError(f"leaf_map: {path}: got {_kind(content)}; {EXPECTED}.")
    leaves: dict[str, list[str]] = {}
    for name, known in content.items():
        if not isinstance(known, list) or not all(isinstance(leaf, str) for leaf in known):
            raise DatasetError(f"leaf_map: {path}: got {known!r} for {name!r}; {EXPECTED}.")
        numbered = [leaf for leaf in known if leaf.partition(":::")[2].strip()]
        leaves.setdefault(_normal(name), []).extend(numbered)
    return leaves


def _kind(content: object) -> str:
    return "an empty object" if content == {} else f"a {type(content).__name__}"


def leaf_key(file_name: str) -> str:
    """Return what the map calls a published file.

    >>> leaf_key("0a5e9323___FREC_Scab 3417_final_masked.jpg")
    'frec_scab_3417'
    """
    name = file_name.replace("_final_masked", "").split("___")[-1].split("copy")[0]
    head, dot, ending = name.rpartition(".")
    is_file_ending = bool(dot) and ending.strip().lower() in {"jpg", "jpeg", "png"}
    return _normal(head if is_file_ending else name)


def _normal(name: str) -> str:
    """Return a name that does not depend on case, nor on whether spaces were replaced, as many copies do."""
    return "_".join(name.lower().replace("_", " ").split())


def groups_by_leaf(records: pd.DataFrame, leaves: LeafMap) -> pd.Series:
    """Return the leaf that each picture shows.

    Of several leaves of one name the one of the picture's class, that is, its folder, is taken, as PlantVillage's own
    scripts do (create_data_distribution.py).

    Args:
        records: Column `image`.
        leaves: As `read_leaf_map` returns it.

    Returns:
        The leaf, such as "Potato___Early_blight:::143.0"; empty where the map does not say.
    """
    return records["image"].map(lambda image: _leaf(str(image), leaves)).astype(object)


def _leaf(image: str, leaves: LeafMap) -> str:
    folder, _, file_name = image.rpartition("/")
    known = leaves.get(leaf_key(file_name), ())
    if len(known) == 1:
        return known[0]
    shown = _normal(folder.rpartition("/")[2])
    return next((leaf for leaf in known if _normal(leaf.partition(":::")[0]) == shown), "")
