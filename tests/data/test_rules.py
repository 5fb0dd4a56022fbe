"""Group rules on tables and on files; what no rule may do is to leave apart what another joins."""

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from leafcore.data.configs import GroupRules, ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.data.manifest import Dataset, load
from leafcore.data.rules import Grouping, Rules, settings_of
from leafcore.errors import ConfigError, DatasetError
from leafcore.progress import Progress
from leafcore.workspace import Workspace
from tests.conftest import draw_leaf
from tests.watcher import Watcher

RULES: tuple[dict[str, Any], ...] = (
    {"group_regex": r"(leaf\d)"},
    {"group_run": 3},
    {"group_day": True},
    {"group_camera": True},
    {"leaf_map": "leaf-map.json"},
)

rows_ = st.lists(
    st.tuples(
        st.sampled_from(["rust", "scab"]),  # folder
        st.integers(0, 6),  # leaf
        st.integers(0, 40),  # camera number
        st.sampled_from(["", "2021-05-01", "2021-05-02", "2021-05-03", "2021-05-04"]),
        st.integers(0, 60),  # file
        st.sampled_from(["", "plant 1", "plant 2"]),
        st.sampled_from(["", "Canon EOS 5D", "Apple iPhone 12"]),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda row: (row[0], row[1], row[2]),
)


Row = tuple[str, int, int, str, int, str] | tuple[str, int, int, str, int, str, str]  # the camera may be left out


def table(rows: Sequence[Row]) -> pd.DataFrame:
    images = [f"{folder}/leaf{leaf}_{number}.jpg" for folder, leaf, number, *_ in rows]
    return pd.DataFrame(
        {
            "image": images,
            "group": [row[5] or image for row, image in zip(rows, images, strict=True)],
            "sha256": [str(row[4]) for row in rows],
            "phash": "",
            "taken": [row[3] for row in rows],
            "camera": [row[6] if len(row) > 6 else "" for row in rows],
        }
    )


def grouped(records: pd.DataFrame, root: Path = Path(), **rules: Any) -> Grouping:
    return Rules(GroupRules.build(rules)).group(records, root, Progress(root))


@pytest.fixture(scope="module")
def leaf_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of camera numbers 0 to 19, two to a leaf; of leaf 0 alone."""
    path = tmp_path_factory.mktemp("map") / "leaf-map.json"
    path.write_text(json.dumps({f"leaf0_{number}": [f"rust:::{number // 2}.0"] for number in range(20)}))
    return path


@pytest.mark.parametrize(
    "chosen",
    [rules for count in range(1, len(RULES) + 1) for rules in combinations(RULES, count)],
    ids=lambda c: "+".join(map(str, c)),
)
@given(rows=rows_)
@settings(max_examples=12)
def test_what_a_rule_joins_is_one_group_whatever_else_is_asked(
    chosen: tuple[dict[str, Any], ...], leaf_map: Path, rows: list[Row]
) -> None:
    records = table(rows)
    rules = {name: value for rule in chosen for name, value in rule.items()}
    if "leaf_map" in rules:
        rules["leaf_map"] = str(leaf_map)
    grouping = grouped(records, **rules)
    assert set(grouping.said) == {*rules, "group"}
    for said in (*grouping.said.values(), records["sha256"]):
        known = said != ""
        assert (grouping.groups[known].groupby(said[known]).nunique() == 1).all()


def test_without_a_rule_the_groups_are_those_that_were_known() -> None:
    records = table([("rust", 1, 1, "", 1, "plant 1"), ("rust", 1, 2, "", 2, "plant 1"), ("rust", 2, 3, "", 3, "")])
    assert grouped(records).groups.tolist() == ["plant 1", "plant 1", "rust/leaf2_3.jpg"]


def test_a_group_is_found_by_its_name_and_by_what_any_rule_says() -> None:
    records = table(
        [
            ("rust", 1, 1, "2021-05-01", 1, "plant 1"),
            ("rust", 1, 2, "2021-05-02", 2, "plant 1"),
            ("rust", 2, 3, "2021-05-02", 3, ""),
            ("rust", 3, 9, "2021-05-03", 4, ""),
        ]
    )
    grouping = grouped(records, group_day=True)
    for name in ("2021-05-01", "2021-05-02", "plant 1", "rust/leaf2_3.jpg"):
        assert grouping.members(name).tolist() == [True, True, True, False], name
    assert grouping.members("2021-05-03").tolist() == [False, False, False, True]
    assert not grouping.members("2021-05-04").any()


def test_rules_say_what_they_could_not() -> None:
    records = table([("rust", 1, 1, "2021-05-01", 1, ""), ("rust", 1, 2, "", 2, ""), ("rust", 2, 9, "", 3, "")])
    rules = {"group_day": True, "group_camera": True, "group_regex": "(oak)", "group_run": 2}
    said = list(grouped(records, **rules).notices(records["image"]))
    assert said == [
        "group_camera: 3 of 3 pictures do not say which camera took them (EXIF), such as rust/leaf1_1.jpg; they stay "
        "in the groups they had.",
        "group_day: 2 of 3 pictures do not say when they were taken (EXIF), such as rust/leaf1_2.jpg; they stay in the "
        "groups they had.",
        "group_day: joins no two pictures.",
        "group_regex: 3 of 3 pictures have a file name that does not match, such as rust/leaf1_1.jpg; they stay in the "
        "groups they had.",
    ]


def test_a_card_records_the_rules_that_were_chosen_and_no_folder(leaf_map: Path) -> None:
    assert settings_of(GroupRules()) == {}
    rules = GroupRules.build({"group_run": 4, "leaf_map": str(leaf_map), "near_duplicates": False})
    assert settings_of(rules) == {"group_run": 4, "leaf_map": "leaf-map.json", "near_duplicates": False}


def test_a_run_of_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="^group_run: got 1, expected 0 for none, or 2 and more"):
        GroupRules.build({"group_run": 1})


# --- at the import --------------------------------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """24 photographs, three a day, of two diseases, by two cameras; the last three say neither day nor camera."""
    for number in range(24):
        path = tmp_path / "photos" / ("rust" if number % 2 else "scab") / f"IMG_{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if number < 21:
            exif[306] = f"2021:05:{1 + number // 3:02d} 10:00:00"
            exif[271], exif[272] = ("Canon", "Canon EOS 5D\x00") if number < 9 else ("Apple ", "iPhone 12")
        Image.fromarray(draw_leaf(path.parent.name, seed=number)).save(path, exif=exif)
    return tmp_path / "photos"


def bring_in(workspace: Workspace, source: Path, **values: Any) -> Dataset:
    config = ImportConfig.build({"source": source, "name": "leaves", **values})
    import_dataset(config, workspace, Watcher(workspace.root / "run"))
    return load(workspace, "leaves")


def sizes(dataset: Dataset) -> list[int]:
    assert (dataset.records.groupby("group")["split"].nunique() == 1).all()
    return sorted(dataset.records["group"].value_counts())


def test_an_import_reads_the_day_and_groups_by_it(workspace: Workspace, photos: Path) -> None:
    dataset = bring_in(workspace, photos, group_day=True)
    assert sizes(dataset) == [1, 1, 1, *[3] * 7]
    day = dataset.records.set_index("image")["taken"]
    assert day["scab/IMG_0004.jpg"] == "2021-05-02" and day["rust/IMG_0023.jpg"] == ""
    assert dataset.records.loc[day.to_numpy() == "2021-05-02", "group"].unique().tolist() == ["2021-05-02"]
    assert dataset.card.settings["group_day"] is True
    assert any("group_day: 3 of 24 pictures" in warning for warning in dataset.card.warnings)


def test_an_import_reads_the_camera_and_groups_by_it(workspace: Workspace, photos: Path) -> None:
    dataset = bring_in(workspace, photos, group_camera=True, group_day=True)
    assert sizes(dataset) == [1, 1, 1, 9, 12], "days are within cameras, and the rule that joins most names the groups"
    named = dataset.records["camera"].astype(object).replace("", pd.NA).fillna(dataset.records["image"])
    assert (dataset.records["group"] == named).all() and set(named) >= {"Canon EOS 5D", "Apple iPhone 12"}
    assert dataset.card.settings["group_camera"] is True
    assert any("group_camera: 3 of 24 pictures do not say which camera" in text for text in dataset.card.warnings)


def test_an_import_groups_by_runs_of_camera_numbers(workspace: Workspace, photos: Path) -> None:
    dataset = bring_in(workspace, photos, group_run=4)
    assert sizes(dataset) == [4] * 6
    assert "rust/IMG_0001..0007" in set(dataset.records["group"])


def test_an_import_groups_by_leaf(workspace: Workspace, photos: Path, tmp_path: Path) -> None:
    known = {f"img_{number:04d}": [f"rust:::{number // 12}.0"] for number in range(1, 24, 2)}
    (tmp_path / "leaf-map.json").write_text(json.dumps(known))
    dataset = bring_in(workspace, photos, leaf_map=str(tmp_path / "leaf-map.json"))
    assert sizes(dataset) == [*[1] * 12, 6, 6]
    assert any("leaf_map: 12 of 24 pictures are not in the leaf map" in text for text in dataset.card.warnings)


def test_a_wrong_leaf_map_is_found_before_any_picture_is_read(workspace: Workspace, photos: Path) -> None:
    watcher = Watcher(workspace.root / "run")
    config = ImportConfig.build({"source": photos, "name": "leaves", "leaf_map": str(photos)})
    with pytest.raises(DatasetError, match="there is no such file"):
        import_dataset(config, workspace, watcher)
    assert watcher.phases == []


def test_a_column_and_a_rule_add_up(workspace: Workspace, photos: Path) -> None:
    rows = ["file,shows,plant"]
    rows += [
        f"{path.relative_to(photos)},{path.parent.name},{path.stem[-4:-1]}" for path in sorted(photos.rglob("*.jpg"))
    ]
    (photos / "table.csv").write_text("\n".join(rows))
    columns = {"image_column": "file", "label_column": "shows", "group_column": "plant"}
    assert sizes(bring_in(workspace, photos / "table.csv", **columns)) == [4, 10, 10]
    joined = bring_in(workspace, photos / "table.csv", **columns, group_day=True)
    assert sizes(joined) == [24], "day 4 has pictures of two plants, as has day 7"


def test_four_photographs_of_a_rusty_leaf_are_one_group(workspace: Workspace, samples: Path) -> None:
    """PlantVillage took four of each, one after the other; the numbers between are other cameras'."""
    dataset = bring_in(workspace, samples / "apple", group_run=4)
    rust = dataset.select(labels="Apple___Cedar_apple_rust")
    assert len(rust) == 235 and rust["group"].nunique() == 59
    assert rust["group"].value_counts().tolist() == [*[4] * 58, 3]
    assert (dataset.records.groupby("group")["split"].nunique() == 1).all()
