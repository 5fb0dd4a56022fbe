import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from leafcore.data.rendered import LABELS, VERSION, Rendered, plan_images, render_leaf, render_nonleaf
from leafcore.errors import DatasetError
from leafcore.workspace import PROJECT_ROOT

DISEASES = LABELS[1:]
SIZE = 128


def render(label: str, leaf: int, view: int, size_px: int = SIZE) -> Rendered:
    return render_leaf((label,), size_px, leaf_seed=leaf, view_seed=view)


def dilated(mask: np.ndarray, by_px: int) -> np.ndarray:
    return cv2.dilate(mask, np.ones((2 * by_px + 1, 2 * by_px + 1), np.uint8)) > 0


def edge_contrast(image: np.ndarray, mask: np.ndarray) -> float:
    """Distance between the mean colours of the strips just inside and just outside the mask."""
    kernel = np.ones((5, 5), np.uint8)
    inside = (mask > 0) & (cv2.erode(mask, kernel) == 0)
    outside = (mask == 0) & (cv2.dilate(mask, kernel) > 0)
    return float(np.linalg.norm(image[inside].mean(axis=0) - image[outside].mean(axis=0)))


@pytest.mark.parametrize("label", LABELS)
def test_same_seeds_give_the_same_bytes(label: str) -> None:
    first, second = render(label, 3, 4, 96), render(label, 3, 4, 96)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.mask.tobytes() == second.mask.tobytes()
    assert first.image.shape == (96, 96, 3) and first.image.dtype == np.uint8
    assert first.mask.shape == (96, 96) and set(np.unique(first.mask)) == {0, 255}


def test_a_picture_does_not_depend_on_what_was_rendered_before() -> None:
    alone = render("rust", 8, 9).image
    for seed in range(5):
        render("complex", seed, seed)
        render_nonleaf(64, seed=seed)
    assert np.array_equal(alone, render("rust", 8, 9).image)


def test_the_order_of_labels_does_not_matter() -> None:
    one = render_leaf(["rust", "frog_eye_leaf_spot"], 64, leaf_seed=1, view_seed=1)
    other = render_leaf(("frog_eye_leaf_spot", "rust"), 64, leaf_seed=1, view_seed=1)
    assert np.array_equal(one.image, other.image)


def test_another_view_is_another_photograph_of_the_same_leaf() -> None:
    views = [render("rust", 21, view) for view in range(6)]
    for one, other in zip(views, views[1:], strict=False):
        assert np.abs(one.image.astype(int) - other.image).mean() > 15
    # The leaf stays ill in every view: its orange spots show against the healthy leaf of the same seeds.
    for view, seen in enumerate(views):
        redder = seen.image.astype(int) - render("healthy", 21, view).image
        assert (redder[..., 0] - redder[..., 2] > 20).sum() > 8, view


def test_mask_is_one_piece_and_covers_a_fair_share() -> None:
    for image in plan_images(40, seed=5):
        mask = render_leaf(image.labels, SIZE, leaf_seed=image.leaf_seed, view_seed=image.view_seed).mask
        assert 0.10 <= (mask > 0).mean() <= 0.80, image
        assert cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=4)[0] == 2, image


def test_mask_lies_on_the_leaf() -> None:
    aligned, shifted = [], []
    for seed in range(24):
        seen = render("healthy", seed, 100 + seed)
        aligned.append(edge_contrast(seen.image, seen.mask))
        for step in ((9, 0), (-9, 0), (0, 9), (0, -9)):
            shifted.append(edge_contrast(seen.image, np.roll(seen.mask, step, (0, 1))))
    assert np.median(aligned) > 1.4 * np.median(shifted)
    assert np.mean(np.array(aligned) > 8) > 0.8


@pytest.mark.parametrize("label", DISEASES)
def test_lesions_stay_on_the_leaf(label: str) -> None:
    for seed in range(6):
        ill, well = render(label, seed, 50 + seed), render("healthy", seed, 50 + seed)
        # Metering reacts to the leaf, so the background may shift by a few grey levels as a whole.
        off_leaf = ~(dilated(ill.mask, 9) | dilated(well.mask, 9))
        change = (ill.image.astype(float) - well.image)[off_leaf]
        assert np.abs(change - np.median(change, axis=0)).mean() < 2.5
        assert np.mean(np.abs(change - np.median(change, axis=0)).max(axis=1) > 12) < 0.01


@pytest.mark.parametrize("label", DISEASES)
def test_a_disease_changes_the_leaf_visibly(label: str) -> None:
    shares = []
    for seed in range(12):
        ill, well = render(label, seed, 70 + seed), render("healthy", seed, 70 + seed)
        leaf = (ill.mask > 0) & (well.mask > 0)
        change = np.abs(ill.image.astype(int) - well.image).max(axis=2)[leaf]
        shares.append(float(np.mean(change > 14)))
    assert min(shares) > 0.0015
    assert np.median(shares) > 0.01


def test_small_and_large_pictures_show_the_same_scene() -> None:
    for seed in range(6):
        large, small = render("scab", seed, seed, 256), render("scab", seed, seed, 64)
        shrunk = cv2.resize(large.image, (64, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(int) - small.image).mean() < 9
        mask = cv2.resize(large.mask, (64, 64), interpolation=cv2.INTER_AREA) > 127
        both, either = mask & (small.mask > 0), mask | (small.mask > 0)
        assert both.sum() / either.sum() > 0.94


@pytest.mark.parametrize("size_px", [32, 50, 100])
def test_any_size_can_be_asked_for(size_px: int) -> None:
    assert render("scab", 1, 1, size_px).image.shape == (size_px, size_px, 3)
    assert render_nonleaf(size_px, seed=1).shape == (size_px, size_px, 3)


def test_nonleaf_scenes_are_seeded_and_vary() -> None:
    scenes = [render_nonleaf(64, seed=seed) for seed in range(8)]
    assert np.array_equal(scenes[0], render_nonleaf(64, seed=0))
    assert scenes[0].dtype == np.uint8 and len({scene.tobytes() for scene in scenes}) == 8


@pytest.mark.parametrize("labels", [["mosaic"], ["healthy", "rust"], [], "rust"])
def test_labels_that_make_no_sense_raise_one_clear_line(labels: list[str]) -> None:
    with pytest.raises(DatasetError) as caught:
        render_leaf(labels, 64, leaf_seed=0, view_seed=0)
    assert "\n" not in str(caught.value)
    assert "healthy" in str(caught.value) and "rust" in str(caught.value)


def test_plan_keeps_its_shares() -> None:
    plan = plan_images(700, seed=0)
    assert len(plan) == 700
    shares = {labels: count / 700 for labels, count in Counter(image.labels for image in plan).items()}
    assert shares == pytest.approx(
        {
            ("healthy",): 0.34,
            ("scab",): 0.22,
            ("frog_eye_leaf_spot",): 0.16,
            ("rust",): 0.08,
            ("powdery_mildew",): 0.08,
            ("complex",): 0.07,
            ("frog_eye_leaf_spot", "rust"): 0.05,
        },
        abs=0.003,
    )


def test_a_group_is_one_leaf_in_one_to_three_photographs() -> None:
    plan = plan_images(300, seed=2)
    groups: dict[str, list] = {}
    for image in plan:
        groups.setdefault(image.group, []).append(image)
        assert image.name.startswith(image.group + "-") and image.name.endswith(".png")
    assert {len(images) for images in groups.values()} == {1, 2, 3}
    for images in groups.values():
        assert len({(image.leaf_seed, image.labels) for image in images}) == 1
    assert len({images[0].leaf_seed for images in groups.values()}) == len(groups)
    assert len({image.view_seed for image in plan}) == len({image.name for image in plan}) == 300


def test_neither_seed_nor_number_gives_the_label_away() -> None:
    plan = plan_images(1500, seed=4)
    numbers = {image.group: (int(image.group[5:]), image.leaf_seed, image.labels) for image in plan}
    for column in (0, 1):
        values = {label: [row[column] for row in numbers.values() if label in row[2]] for label in LABELS}
        overall = np.mean([row[column] for row in numbers.values()])
        for label, own in values.items():
            assert abs(np.mean(own) / overall - 1) < 4 / np.sqrt(3 * len(own)), label


@pytest.mark.parametrize("count", [12, 13, 20, 33])
def test_small_plans_hold_every_label(count: int) -> None:
    plan = plan_images(count, seed=1)
    assert len(plan) == count
    assert {label for image in plan for label in image.labels} == set(LABELS)


def test_plans_are_seeded() -> None:
    assert plan_images(1, seed=1)[0].labels == ("healthy",)
    assert plan_images(50, seed=1) == plan_images(50, seed=1) != plan_images(50, seed=2)


def test_a_picture_is_told_apart_by_everything_that_decides_what_is_drawn() -> None:
    planned = plan_images(40, seed=0)
    assert len({image.sha256(64) for image in planned}) == 40
    assert planned[0].sha256(64) == plan_images(40, seed=0)[0].sha256(64) != planned[0].sha256(96)


def test_who_changes_the_drawing_raises_its_version() -> None:
    """Models that came along have seen these very pictures: see `RenderedImage.sha256`."""
    drawn = [render(label, number, number, 64).image.astype(float) for number, label in enumerate(LABELS)]
    quarters = [image.reshape(2, 32, 2, 32, 3).mean(axis=(1, 3, 4)).ravel() for image in drawn]
    of_version_1 = [
        [154.2, 140.1, 126.3, 136.6],
        [115.9, 117.5, 114.9, 113.3],
        [147.3, 178.5, 173.7, 170.9],
        [160.2, 160.0, 155.6, 121.8],
        [133.7, 133.1, 114.4, 138.5],
        [146.5, 152.6, 133.1, 135.9],
    ]
    assert VERSION == 1, "write down what the new version draws"
    np.testing.assert_allclose(quarters, of_version_1, atol=0.2)


def test_another_processor_draws_a_dataset_of_the_same_version(tmp_path: Path) -> None:
    """NumPy and OpenCV without their newest instructions round differently, as on an older processor."""
    older = {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512_SKX", "OPENCV_CPU_DISABLE": "AVX2,FP16,AVX512-SKX"}
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "leafcore",
        "render",
        "--preset",
        "smoke",
        "--count",
        "40",
        "--json",
    ]
    refs = set()
    for name, changes in (("this", {}), ("older", older)):
        environment = {**os.environ, **changes, "LEAF_WORKSPACE": str(tmp_path / name)}
        answer = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True)
        refs.add(json.loads(answer.stdout)["dataset"])
    assert len(refs) == 1
