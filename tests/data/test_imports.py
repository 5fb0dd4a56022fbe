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


def test_half_a_mapping_is_refused() -> None:
    with pytest.raises(ConfigError, match="image_column and label_column: name both"):
        ImportConfig.build({"source": "x", "name": "x", "image_column": "datei"})


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
