import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leafcore.data.configs import ImportConfig
from leafcore.data.datasets import import_dataset
from leafcore.data.edits import decide
from leafcore.data.fixes import exclude_odd
from leafcore.data.manifest import Decision, load
from leafcore.data.rendered import render_leaf
from leafcore.errors import NotFoundError, Stopped
from leafcore.health import HealthConfig, HealthReport, check_health
from leafcore.progress import Progress
from leafcore.workspace import Workspace
from tests.watcher import Watcher


def draw(path: Path, seed: int, size_px: int = 96) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(render_leaf(("rust",), size_px, leaf_seed=seed, view_seed=seed).image)
    image.save(path, quality=92)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset with one of everything that can be wrong."""
    root = tmp_path / "leaves"
    for seed in range(6):
        draw(root / "rust" / f"{seed}.jpg", seed)
        draw(root / "scab" / f"{seed}.jpg", 100 + seed)
    shutil.copy(root / "rust/0.jpg", root / "scab/conflict.jpg")
    shutil.copy(root / "scab/1.jpg", root / "scab/copy.jpg")
    Image.open(root / "rust/2.jpg").save(root / "rust/again.jpg", quality=55)
    Image.open(root / "rust/3.jpg").resize((60, 60)).save(root / "scab/small.png")
    Image.open(root / "scab/4.jpg").convert("L").save(root / "scab/grey.png")
    (root / "rust/broken.jpg").write_bytes((root / "rust/5.jpg").read_bytes()[:700])
    return root


def examine(workspace: Workspace, folder: Path, **settings: object) -> HealthReport:
    progress = Progress(folder.parent)
    import_dataset(ImportConfig.build({"source": folder, "name": "leaves"}), workspace, progress)
    return check_health(HealthConfig.build({"dataset": "leaves", **settings}), workspace, progress)


def names(twins) -> set[frozenset[str]]:
    return {frozenset((twin.first, twin.second)) for twin in twins}


def test_everything_that_is_wrong_is_found_and_nothing_else(workspace, folder):
    report = examine(workspace, folder)
    assert report.images == 17
    assert names(report.conflicts) == {frozenset({"rust/0.jpg", "scab/conflict.jpg"})}
    assert names(report.identical) == {frozenset({"scab/1.jpg", "scab/copy.jpg"})}
    assert names(report.near_duplicates) == {
        frozenset({"rust/2.jpg", "rust/again.jpg"}),
        frozenset({"rust/3.jpg", "scab/small.png"}),
    }
    assert report.traits == {"grey": ("scab/grey.png",), "tiny": ("scab/small.png",)}
    assert [file.image for file in report.skipped] == ["rust/broken.jpg"]
    assert report.straddling == 0, "an import puts what is alike on one side"


def test_a_conflict_names_both_labels(workspace, folder):
    (conflict,) = examine(workspace, folder).conflicts
    assert conflict.disagrees and set(conflict.labels) == {"rust", "scab"}
    assert (conflict.distance, conflict.likeness) == (0, 1.0)


def test_a_stricter_threshold_finds_fewer(workspace, folder):
    loose, strict = (examine(workspace, folder, min_likeness=value) for value in (0.9, 1.0))
    assert len(strict.near_duplicates) < len(loose.near_duplicates)
    assert len(strict.conflicts) == len(loose.conflicts) == 1, "the same file is the same file"


def test_pairs_below_the_threshold_are_remembered_and_a_threshold_moves_over_all(workspace, folder):
    strict, usual = (examine(workspace, folder, min_likeness=value) for value in (1.0, 0.97))
    assert strict.near_duplicates == () and names(strict.candidates) >= names(usual.near_duplicates)
    joined, apart = strict.at(0.97)
    assert names(joined) == names(usual.near_duplicates) and not names(joined) & names(apart)
    assert [twin.likeness for twin in (*joined, *apart)] == sorted(
        (t.likeness for t in (*joined, *apart)), reverse=True
    )
    assert strict.at(min(twin.likeness for twin in joined))[0] == joined, "a pair at the threshold is joined"


def test_a_report_is_renewed_for_a_version_that_was_edited(workspace, folder):
    report = examine(workspace, folder)
    dataset = load(workspace, "leaves")
    assert report.as_of(dataset) == report
    gone = Decision(image="rust/again.jpg", action="exclude")
    agreed = Decision(image="scab/conflict.jpg", action="relabel", labels="rust")
    moved = Decision(
        image="scab/copy.jpg", action="move", split="val" if report.identical[0].splits[0] != "val" else "test"
    )
    renewed = report.as_of(decide(workspace, dataset, [gone, agreed, moved]))
    assert renewed.conflicts == () and len(renewed.identical) == 2, "a conflict that was settled is a copy"
    assert names(renewed.near_duplicates) == {frozenset({"rust/3.jpg", "scab/small.png"})}
    assert renewed.straddling == 1
    assert report.as_of(decide(workspace, dataset, exclude_odd(dataset, "tiny"))).traits == {"grey": ("scab/grey.png",)}


def test_a_report_from_before_thresholds_moved_is_read(workspace, folder):
    report = examine(workspace, folder)
    old = HealthReport.model_validate(report.model_dump(exclude={"candidates", "min_likeness"}))
    assert old.candidates == () and old.min_likeness == 0.97


def test_pictures_that_straddle_a_split_are_counted(workspace, folder):
    examine(workspace, folder)
    dataset = load(workspace, "leaves")
    from leafcore.data.manifest import save

    split = np.where(dataset.records["image"] == "scab/copy.jpg", "test", "train")
    save(workspace, "leaves", dataset.records.assign(split=split), dataset.card)
    report = check_health(HealthConfig.build({"dataset": "leaves"}), workspace, Progress(folder))
    assert report.straddling == 1
    assert [twin.straddles for twin in report.identical] == [True]


def test_drawn_pictures_are_hashed_when_they_are_looked_at(workspace, carry):
    carry("render", name="drawn", count=24, size_px=64)
    assert (load(workspace, "drawn").records["phash"] == "").all()
    report = check_health(HealthConfig.build({"dataset": "drawn"}), workspace, Progress(workspace.root))
    assert report.images == 24 and report.conflicts == report.identical == ()


def test_a_picture_that_is_gone_is_named(workspace, carry):
    dataset = load(workspace, carry("render", name="drawn", count=24, size_px=64).result()["dataset"])
    gone = dataset.records["image"].iloc[3]
    (dataset.root / gone).unlink()
    report = check_health(HealthConfig.build({"dataset": "drawn"}), workspace, Progress(workspace.root))
    assert [(file.image, file.reason) for file in report.skipped] == [(gone, "there is no such file.")]


def test_looking_can_be_stopped(workspace, carry, tmp_path):
    carry("render", name="drawn", count=24, size_px=64)
    with pytest.raises(Stopped):
        check_health(HealthConfig.build({"dataset": "drawn"}), workspace, Watcher(tmp_path, stop_after=5))


def test_an_unknown_dataset_is_refused(workspace):
    with pytest.raises(NotFoundError, match="dataset: got 'nowhere'"):
        check_health(HealthConfig.build({"dataset": "nowhere"}), workspace, Progress(workspace.root))


def test_the_orchard_photographs_hold_eight_conflicts_and_four_near_duplicates(workspace, samples):
    report = examine(workspace, samples / "field")
    stems = {frozenset((Path(twin.first).stem, Path(twin.second).stem)) for twin in report.conflicts}
    text = (samples / "README.md").read_text()
    assert len(stems) == 8 and not report.identical
    assert all("/".join(pair) in text or "/".join(reversed(pair)) in text for pair in map(sorted, stems))
    near = [sorted((Path(twin.first).stem, Path(twin.second).stem)) for twin in report.near_duplicates]
    assert 4 <= len(near) <= 6
    assert sum("/".join(pair) in text for pair in near) == 4
    assert report.straddling == 0


def test_the_masked_apple_leaves_hold_seven_identical_pairs(workspace, samples):
    report = examine(workspace, samples / "apple")
    assert len(report.identical) == 7 and not report.conflicts and not report.near_duplicates
    assert {twin.labels for twin in report.identical} == {("Apple___healthy", "Apple___healthy")}
