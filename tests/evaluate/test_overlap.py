"""Test pictures that have a near-duplicate in train or validation: found, scored with and without, and warned of."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import f1_score

from leafcore.data.classes import Classes
from leafcore.data.edits import decide
from leafcore.data.fixes import keep_both
from leafcore.data.leaks import LeakReport
from leafcore.data.manifest import Card, load, save
from leafcore.evaluate.arms import load_material
from leafcore.evaluate.cells import Cell, split_hash
from leafcore.evaluate.comparison import Circumstances, compare
from leafcore.evaluate.overlap import NONE, Overlap, find_overlap, split_command
from leafcore.evaluate.result import read_comparison
from leafcore.files import write_json
from leafcore.health import HealthConfig
from leafcore.measure import stats
from leafcore.measure.bootstrap import GroupBootstrap
from leafcore.runs import create_run
from leafcore.train.classifier import LabelledImages
from tests.conftest import TINY, carrier
from tests.planted import plant_translator
from tests.states import write_state
from tests.test_cli import call
from tests.watcher import Watcher

CARD = Card(root="/photos", source="/photos", format="folders", license="CC0", created=0.0)
CLEAN = LeakReport(test={"generator": 0}, val={"generator": 0}, outside={"generator": 0}, test_size=12)


# --- finding ----------------------------------------------------------------------------------------------------------


def saved(workspace, *rows, **card):
    """Save pictures: image, group, file, split."""
    records = pd.DataFrame(rows, columns=["image", "group", "sha256", "split"]).assign(
        labels="rust", width=8, height=8, bytes=1, mask=""
    )
    return save(workspace, "leaves", records, CARD.model_copy(update=card))


ROWS = (
    ("a", "1", "1", "train"), ("b", "2", "2", "val"), ("c", "3", "3", "test"), ("d", "4", "4", "test"),
    ("e", "5", "5", "test"), ("f", "6", "6", "test"),
)  # fmt: skip


def test_near_duplicates_of_the_import_and_of_the_newest_look_count(workspace):
    leaves = saved(workspace, *ROWS, alike=(("a", "c"), ("d", "e")))
    overlap, warning = find_overlap(workspace, leaves)
    assert overlap == Overlap(images=("c",), near_duplicates=1, test_images=4)
    assert warning.startswith("1 of 4 test pictures has a near-duplicate in train or validation: every arm is told")
    assert f"split again by group, `{split_command(leaves)}`, or choose" in warning
    run = create_run(workspace, "health", HealthConfig(dataset=leaves.ref))
    twin = {"labels": ["rust", "rust"], "splits": ["val", "test"], "distance": 2, "likeness": 0.98}
    write_json(run.folder / "result.json", {"near_duplicates": [{"first": "b", "second": "f", **twin}]})
    write_state(run, "done")
    overlap, warning = find_overlap(workspace, leaves)
    assert overlap == Overlap(images=("c", "f"), near_duplicates=2, test_images=4, health=run.id)
    assert "leafcore split" not in warning and 'To mend it, choose "Move to one side"' in warning, "no split joins b, f"


def test_pairs_of_which_both_may_stay_do_not_count(workspace):
    leaves = saved(workspace, *ROWS, alike=(("a", "c"),))
    leaves = decide(workspace, leaves, [keep_both("a", "c")])
    assert find_overlap(workspace, leaves) == (Overlap(test_images=4), "")


def test_the_same_file_and_the_same_group_are_said_as_such(workspace):
    rows = (*ROWS, ("g", "7", "1", "test"), ("h", "2", "8", "test"))
    overlap, warning = find_overlap(workspace, saved(workspace, *rows, alike=(("a", "c"),)))
    assert overlap.images == ("c", "g", "h") and (overlap.near_duplicates, overlap.files, overlap.groups) == (1, 1, 1)
    kinds = "a near-duplicate, the same file or a picture of the same group"
    assert overlap.finding == f"3 of 6 test pictures have {kinds} in train or validation" and overlap.finding in warning
    assert Overlap(test_images=4).finding == NONE


def test_the_command_splits_in_the_same_shares(workspace):
    leaves = saved(workspace, *ROWS)
    assert split_command(leaves) == f"python -m leafcore split {leaves.ref} --val 0.17 --test 0.67"
    sides = ["train"] * 70 + ["val"] * 15 + ["test"] * 15
    rows = [(str(number), str(number), str(number), side) for number, side in enumerate(sides)]
    usual = saved(workspace, *rows)
    assert split_command(usual) == f"python -m leafcore split {usual.ref}"
    assert split_command(saved(workspace, *rows[15:])).endswith(" --val 0.18 --test 0.18")


# --- scoring ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def material(own, config, tmp_path, monkeypatch):
    """Twelve test pictures in twelve groups: six healthy, six with rust."""
    monkeypatch.setattr(stats, "RESAMPLES", 300)
    found = load_material(config, own, Watcher(tmp_path / "run"))
    records = found.test_records.iloc[[0] * 12].assign(
        image=[f"{label}-{number}" for label in ("healthy", "rust") for number in range(6)],
        labels=["healthy"] * 6 + ["rust"] * 6,
        group=[f"leaf-{number:02d}" for number in range(12)],
    )
    targets = np.repeat(np.eye(2, dtype=np.float32), 6, axis=0)
    pixels = np.zeros((12, 32, 32, 3), np.uint8)
    return replace(
        found,
        classes=Classes(("healthy", "rust"), exclusive=True),
        val=LabelledImages([pixels], targets),
        test=LabelledImages([pixels], targets),
        test_records=records,
    )


def scored(material, overlapping, *wrong):
    """Compare real pictures alone, of which each seed errs on some, with an arm that is always right."""
    right = material.test.targets
    said = [np.where(np.isin(np.arange(12), rows)[:, None], 1 - right, right) for rows in wrong]
    cells = {
        arm: [Cell(one, right, np.full(2, 0.5), 8, split_hash(material.test_records)) for one in answers]
        for arm, answers in {"real": said, "real_plus_synthetic": [right] * len(said)}.items()
    }
    overlap = Overlap(images=overlapping, near_duplicates=len(overlapping), test_images=12)
    return compare(material, cells, Circumstances(CLEAN, {}, 1, seed=3, overlap=overlap))


def test_the_scores_without_are_those_worked_out_by_hand(material):
    """Healthy-5 and rust-5 are taken for each other; healthy-0 and healthy-1 are known from training."""
    found = scored(material, ("healthy-0", "healthy-1"), (5, 11))
    real, more = (found.overlap.arms[arm] for arm in ("real", "real_plus_synthetic"))
    every, left = 5 / 6, (6 / 8 + 10 / 12) / 2  # F1 of both labels is 10/12; of three right healthy ones it is 6/8
    assert real.every.value == pytest.approx(every) and real.every == found.arms["real"].macro_f1
    assert real.left.value == pytest.approx(left) and real.drop.value == pytest.approx(-1 / 24)
    assert (more.every.value, more.left.value, more.drop.value) == (1, 1, 0)
    assert more.difference.value == pytest.approx(1 - left) and math.isnan(real.difference.value)
    assert (found.overlap.left, found.overlap.left_groups, found.overlap.lost) == (10, 10, ())
    assert all(one.is_known for one in (real.every, real.left, real.drop, more.difference))
    assert found.overlap.sentences["real"] == (
        "2 of 12 test pictures have a near-duplicate in train or validation; without them Real scores 0.792 instead of "
        f"0.833 (-0.042, {real.drop.low:+.3f} to {real.drop.high:+.3f})."
    )
    ends = f"+0.208, {more.difference.low:+.3f} to {more.difference.high:+.3f}"
    assert found.overlap.sentences["real_plus_synthetic"].endswith(
        "; without them Real + synthetic scores 1.000 instead of 1.000 (+0.000, +0.000 to +0.000). Its difference to "
        f"Real is then {ends}."
    )


def test_the_drop_is_paired_over_the_same_resamples_of_groups_and_seeds(material):
    wrong = ((5, 11), (0, 7, 8))
    found = scored(material, ("healthy-0", "healthy-1"), *wrong).overlap.arms["real"]
    draws = GroupBootstrap(12, 2, 3)
    truth = np.repeat([0, 1], 6)
    said = [np.where(np.isin(np.arange(12), rows), 1 - truth, truth) for rows in wrong]

    def macro(seed, weights, rows):
        shown = [label for label in (0, 1) if weights[rows][truth[rows] == label].any()]
        return f1_score(
            truth[rows], said[seed][rows], labels=shown, average="macro", sample_weight=weights[rows], zero_division=0
        )

    drops = [
        [[macro(seed, weights, slice(2, 12)) - macro(seed, weights, slice(12))] for weights in draws.weights]
        for seed in (0, 1)
    ]
    drawn = draws.over_seeds(np.zeros((2, 1)), np.array(drops)).draws[:, 0]
    assert found.drop.value == pytest.approx(found.left.value - found.every.value)
    assert (found.drop.low, found.drop.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))
    assert found.drop.high - found.drop.low < (found.left.high - found.left.low), "what both share is no part of it"


def test_of_fewer_than_ten_groups_that_are_left_no_interval_is_told(material):
    found = scored(material, ("healthy-0", "healthy-1", "rust-0"), (5, 11)).overlap
    real = found.arms["real"]
    assert found.left_groups == 9 and real.every.is_known
    assert (
        not real.left.is_known
        and not real.drop.is_known
        and "too few groups for an interval" in found.sentences["real"]
    )


def test_a_label_of_which_nothing_is_left_counts_in_neither_score(material):
    found = scored(material, tuple(f"rust-{number}" for number in range(6)), (5, 6, 7)).overlap
    real = found.arms["real"]
    assert found.lost == ("rust",) and found.sentences["real"].endswith(
        " No picture of rust is left; neither score counts it."
    )
    assert real.every.value == pytest.approx(10 / 13) and real.left.value == pytest.approx(10 / 11), "of healthy alone"


def test_where_nothing_is_left_that_is_said(material):
    found = scored(material, tuple(material.test_records["image"]), (5,)).overlap
    assert found.sentences["real"] == (
        "12 of 12 test pictures have a near-duplicate in train or validation: without them nothing is left to score."
    )
    assert math.isnan(found.arms["real"].left.value) and found.left_groups == 0
    assert (
        json.loads(json.dumps(found.model_dump(mode="json"), allow_nan=False))["arms"]["real"]["left"]["value"] is None
    )


def test_where_nothing_overlaps_nothing_is_scored(material):
    found = scored(material, (), (5,)).overlap
    assert found.arms == found.sentences == {} and (found.left, found.left_groups, found.finding) == (12, 12, NONE)


# --- a comparison -----------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path):
    """A table of 36 photographs, as a source splits them; three test pictures were saved again for train."""
    rng, rows = np.random.default_rng(5), ["file,shows,side"]
    (tmp_path / "photos").mkdir()

    def keep(name, picture, label, side, **how):
        picture.save(tmp_path / "photos" / name, **how)
        rows.append(f"{name},{label},{side}")

    for number in range(36):
        label, side = ("healthy", "rust")[number % 2], ("train", "val", "test")[number // 2 % 3]
        blobs = Image.fromarray(rng.integers(0, 255, (5, 5, 3), dtype=np.uint8)).resize(
            (64, 64), Image.Resampling.BICUBIC
        )
        keep(f"{number}.png", blobs, label, side)
        if number in (4, 10, 17):
            keep(f"{number}-again.jpg", blobs, label, "train", quality=90)
    table = tmp_path / "photos" / "table.csv"
    table.write_text("\n".join(rows))
    return {"source": table, "image_column": "file", "label_column": "shows", "split_column": "side"}


def test_a_comparison_on_a_split_with_copies_on_both_sides_warns_scores_without_them_and_is_mended(workspace, copied):
    carry = carrier(workspace)
    dataset = carry("import", **copied, name="leaves", near_duplicates=False).result()["dataset"]
    plant_translator(workspace, "to-rust")
    made = carry("synthesize", chain=("to-rust",), dataset=dataset, source="healthy", count=4, device="cpu")
    run = carry("evaluate", dataset=dataset, synthetic=(made.id,), device="cpu")
    found = read_comparison(run.folder)
    said = "3 of 12 test pictures have a near-duplicate in train or validation"
    command = f"python -m leafcore split {dataset} --val 0.31 --test 0.31"
    (warning,) = [one for one in run.status().warnings if "near-duplicate" in one]
    assert warning.startswith(said) and f"`{command}`" in warning
    assert set(found.overlap.images) == {"4.png", "10.png", "17.png"} and found.overlap.left == 9
    looked = {arm: [] for arm in found.arms}
    test = load(workspace, dataset).select(split="test")
    kept = ~test["image"].isin(found.overlap.images).to_numpy(bool)
    truth = (test["labels"] == "rust").to_numpy(int)
    for arm in found.arms:
        for seed in range(TINY["evaluate"]["seeds"]):
            with np.load(run.folder / "cells" / f"{arm}-{seed}" / "test.npz") as cell:
                named = cell["probabilities"].argmax(1)
            looked[arm].append([f1_score(truth[of], named[of], average="macro") for of in (slice(None), kept)])
        score = found.overlap.arms[arm]
        assert (score.every.value, score.left.value) == pytest.approx(tuple(np.mean(looked[arm], axis=0)))
    assert all(one.startswith(f"{said}; without them ") for one in found.overlap.sentences.values())
    answer = call(*command.split()[3:], "--json", "--workspace", workspace.root)
    mended, warning = find_overlap(workspace, load(workspace, answer.json["dataset"]))
    assert mended.images == () and warning == "" and mended.test_images >= 10
