import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import ImportResult, import_dataset
from leafcore.data.manifest import Dataset, load
from leafcore.data.rendered import render_leaf
from leafcore.errors import ConfigError
from leafcore.workspace import Workspace
from tests.watcher import Watcher


def bring_in(workspace: Workspace, source: Path, **settings: Any) -> ImportResult:
    config = ImportConfig.build({"source": source, "name": "leaves", **settings})
    return import_dataset(config, workspace, Watcher(workspace.root / "run"))


def groups(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.records["image"], dataset.records["group"], strict=True))


def test_the_published_test_split_of_two_domains_stays_the_test_split(workspace: Workspace, tmp_path: Path) -> None:
    for domain, count in (("trainA", 12), ("trainB", 8), ("testA", 3), ("testB", 2)):
        (tmp_path / "horse2zebra" / domain).mkdir(parents=True)
        for number in range(count):
            save_noise(tmp_path / "horse2zebra" / domain / f"{number}.png", domain + str(number))
    result = bring_in(workspace, tmp_path / "horse2zebra")
    dataset = load(workspace, "leaves")
    assert dataset.card.format == "domains"
    tested = dataset.select(split="test")["image"]
    assert len(tested) == 5 and all(image.startswith("test") for image in tested)
    assert result.splits["val"] >= 2, "validation comes from the rest"
    assert bring_in(workspace, tmp_path / "horse2zebra", test=0.0).warnings == (), "something is kept for the test"


def save_noise(path: Path, seed: str) -> None:
    rng = np.random.default_rng(list(seed.encode()))
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(path)


def test_a_zip_is_unpacked_once_into_the_workspace(workspace: Workspace, leaf_folders: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "leaves"), "zip", leaf_folders.parent, leaf_folders.name))
    direct = bring_in(workspace, leaf_folders)
    result = bring_in(workspace, packed)
    assert result.label_sets == direct.label_sets and result.dataset == direct.dataset, "the same pictures"
    dataset = load(workspace, "leaves")
    assert dataset.root.is_relative_to(workspace.dataset("leaves") / "unpacked")
    assert all(path.exists() for path in dataset.paths(dataset.records))
    before = {path: path.stat().st_mtime_ns for path in dataset.root.rglob("*")}
    bring_in(workspace, packed)
    assert {path: path.stat().st_mtime_ns for path in dataset.root.rglob("*")} == before


def test_columns_of_any_table_are_mapped(workspace: Workspace, leaf_folders: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    rows = ["datei,krankheit,baum"]
    for number, path in enumerate(sorted(leaf_folders.rglob("*.*"))[:20]):
        shutil.copy(path, tmp_path / "images" / f"{number}{path.suffix}")
        rows.append(f"{number}{path.suffix},{'rust' if number % 2 else 'healthy'},{number // 4}")
    (tmp_path / "my.csv").write_text("\n".join(rows))
    columns = {"image_column": "datei", "label_column": "krankheit", "group_column": "baum"}
    result = bring_in(workspace, tmp_path / "my.csv", **columns)
    assert result.label_sets == {"healthy": 10, "rust": 10}
    records = load(workspace, "leaves").records
    assert records["group"].nunique() == 5 and (records.groupby("group")["split"].nunique() == 1).all()


def test_a_split_column_is_kept_and_a_group_that_straddles_goes_to_one_side(
    workspace: Workspace, leaf_folders: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    rows = ["datei,krankheit,baum,teil"]
    for number, path in enumerate(sorted(leaf_folders.rglob("*.*"))[:24]):
        shutil.copy(path, tmp_path / "photos" / f"{number}{path.suffix}")
        side = ("training", "train", "Valid", "test")[number % 4]
        rows.append(f"{number},{'rust' if number % 3 else 'healthy'},{min(number, 22)},{side}")
    (tmp_path / "my.csv").write_text("\n".join(rows))
    columns = {"image_column": "datei", "label_column": "krankheit", "split_column": "teil"}
    assert bring_in(workspace, tmp_path, **columns).splits == {"train": 12, "val": 6, "test": 6}
    result = bring_in(workspace, tmp_path / "my.csv", **columns, group_column="baum")
    assert result.splits == {"train": 12, "val": 5, "test": 7}, "22 was in val, 23 of the same tree is in test"
    (warning,) = (text for text in result.warnings if text.startswith("Moved"))
    assert warning.startswith("Moved out of the source's own split: 1 picture, because")
    assert "photos/22.png" in warning


def test_half_a_mapping_is_refused() -> None:
    with pytest.raises(ConfigError, match="image_column and label_column: name both"):
        ImportConfig.build({"source": "x", "name": "x", "image_column": "datei"})
    with pytest.raises(ConfigError, match="group_column and split_column go with them"):
        ImportConfig.build({"source": "x", "name": "x", "split_column": "teil"})


def test_pictures_saved_again_are_kept_in_one_group(workspace: Workspace, tmp_path: Path) -> None:
    for seed in range(8):
        path = tmp_path / "leaves" / ("rust" if seed % 2 else "scab") / f"{seed}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(render_leaf(("rust",), 96, leaf_seed=seed, view_seed=seed).image).save(path, quality=92)
    Image.open(tmp_path / "leaves/rust/1.jpg").save(tmp_path / "leaves/scab/again.jpg", quality=50)
    result = bring_in(workspace, tmp_path / "leaves")
    group = groups(load(workspace, "leaves"))
    assert group["rust/1.jpg"] == group["scab/again.jpg"]
    assert any("The same photograph in two files: 1" in warning for warning in result.warnings)
    apart = [bring_in(workspace, tmp_path / "leaves", near_duplicates=False, seed=seed, val=0.0) for seed in range(8)]
    dataset = load(workspace, "leaves")
    assert groups(dataset)["rust/1.jpg"] != groups(dataset)["scab/again.jpg"]
    assert dataset.card.alike == (("rust/1.jpg", "scab/again.jpg"),), "the dataset's page looks at them"
    for result in apart:
        records = load(workspace, result.dataset).records.set_index("image")
        straddles = records.at["rust/1.jpg", "split"] != records.at["scab/again.jpg", "split"]
        said = [
            warning for warning in result.warnings if warning.startswith("On two sides of the split: 1 photographs")
        ]
        assert bool(said) == straddles
        assert not any("alike in one group" in warning for warning in result.warnings)
    assert len({len(result.warnings) for result in apart}) == 2, "some seeds divide the pair and some do not"


# --- pictures of several labels -------------------------------------------------------------------------------------


def test_a_policy_of_single_labels_leaves_the_others_out_by_name(workspace: Workspace, tmp_path: Path) -> None:
    dataset = load(workspace, bring_in(workspace, several(tmp_path), label_policy="single-only").dataset)
    assert dataset.label_sets == {"healthy": 3, "rust": 3} and not dataset.is_multi_label
    assert [file.image for file in dataset.card.skipped] == ["images/both-0.png", "images/both-1.png"]
    assert dataset.card.skipped[0].reason == "shows several labels, left out by single-only"
    assert any("with several labels w" in warning and " left out" in warning for warning in dataset.card.warnings)
    assert not any("skipped" in warning for warning in dataset.card.warnings), "no file is bad"


def test_the_policy_is_part_of_the_version(workspace: Workspace, tmp_path: Path) -> None:
    source = several(tmp_path)
    told, combined = (load(workspace, bring_in(workspace, source, label_policy=policy).dataset)
                      for policy in ("multi-label", "combination"))  # fmt: skip
    assert told.version != combined.version and told.records.equals(combined.records)
    assert told.classes().names == ("healthy", "rust", "scab")
    assert combined.classes().names == ("healthy", "rust", "rust scab") and combined.classes().exclusive


def several(root: Path) -> Path:
    """Write a table of six pictures of one label and two of two."""
    (root / "images").mkdir()
    rows = ["image,labels"]
    for labels, name, count in (("healthy", "healthy", 3), ("rust", "rust", 3), ("rust scab", "both", 2)):
        for index in range(count):
            save_noise(root / "images" / f"{name}-{index}.png", f"{name}-{index}")
            rows.append(f"{name}-{index}.png,{labels}")
    (root / "train.csv").write_text("\n".join(rows))
    return root
