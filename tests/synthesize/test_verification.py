"""Verification: what passes, what is rejected and why, and which judges are not believed."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.checks import check
from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.images import load_square
from leafcore.jobs import build_config
from leafcore.measure.interpretation import Rate
from leafcore.measure.leafness import Leafness
from leafcore.measure.witness import Witness
from leafcore.synthesize import from_noise
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.reals import real_pictures
from leafcore.synthesize.synthesize import synthesize
from leafcore.synthesize.verdicts import COPY, LABEL, LEAF, Check, Found, Verdict, Verification, judge_picture
from leafcore.synthesize.verification import Verifier, open_verifier
from tests.conftest import carrier, write_folders
from tests.manifests import read_manifest
from tests.noise_models import CLASSES, plant_noise_model
from tests.watcher import Watcher

CPU = torch.device("cpu")
CHECKS = {
    LABEL: Check(name=LABEL, by="judge"),
    LEAF: Check(name=LEAF, by="lflseg", least=0.5),
    COPY: Check(name=COPY, by="features", least=0.1),
}
NOBODY = Witness(None, "", None, "there is no judge", {})


def config(**values):
    return SynthesizeConfig.build(
        {
            "checkpoint": "three",
            "count": 6,
            "batch_size": 4,
            "judge": "none",
            "device": "cpu",
            "verify": "yes",
            **values,
        }
    )


# --- one picture ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "failed", "why"),
    [
        (("rust", "rust", 0.5, 0.1), (), ""),
        (("", "scab", 0.9, 0.2), (), ""),
        (("rust", "scab", 0.9, 0.2), (LABEL,), "called scab, not rust"),
        (("rust", "rust", 0.49, 0.2), (LEAF,), "a full leaf by 0.49, expected at least 0.5"),
        (("rust", "rust", 0.9, 0.0999), (COPY,), "0.0999 from a training picture, expected at least 0.1000"),
        (("rust", "healthy", 0.0, 0.0), (LABEL, LEAF, COPY), "called healthy, not rust; a full leaf by 0.00"),
    ],
)
def test_a_picture_is_rejected_for_every_reason_that_it_gives(measured, failed, why):
    verdict = judge_picture(CHECKS, measured[0], Found(*measured[1:]))
    assert verdict.failed == failed and verdict.why.startswith(why) and bool(verdict.why) == bool(failed)


def test_what_is_withheld_rejects_nothing():
    withheld = {name: check.model_copy(update={"withheld": "no"}) for name, check in CHECKS.items()}
    assert judge_picture(withheld, "rust", Found("scab")).failed == ()


def test_counts_are_per_picture_and_per_check():
    rows = [{"failed": []}, {"failed": ["label", "leaf"]}, {"failed": ["leaf"]}]
    found = Verification.of(rows, CHECKS.values())
    assert (found.accepted, found.rejected) == (1, 2)
    assert {check.name: check.failed for check in found.checks} == {"label": 1, "leaf": 2, "copy": 0}
    assert found.explain() == "2 of 3 pictures rejected: label 1, leaf 2."


# --- a set ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(own, journey):
    """A class-conditional model."""
    dataset = load(own, journey.dataset)
    seen = dataset.select(split="train")["sha256"].tolist()
    return plant_noise_model(own, "three", dataset.ref, CLASSES, seen=seen)


@pytest.fixture
def rejecting(monkeypatch):
    """Let verification reject every picture of some label sets."""

    def reject(*labels):
        def verify(self, pictures, called, wanted, origins=None):
            return [
                Verdict(failed=(LEAF,), why="no leaf") if one in labels else Verdict(leafness=0.9) for one in wanted
            ]

        monkeypatch.setattr(Verifier, "__call__", verify)
        monkeypatch.setattr(from_noise, "open_verifier", lambda *given: Verifier(CHECKS))

    return reject


def test_what_is_rejected_is_kept_apart_with_its_reason(own, three, rejecting, tmp_path):
    rejecting("rust")
    result = synthesize(config(), own, Watcher(tmp_path / "run"))
    assert (result.count, result.made) == (4, {"healthy": 2, "scab": 2})
    assert (result.verification.accepted, result.verification.rejected) == (4, 2)
    kept, apart = (read_manifest(tmp_path / "run", name) for name in ("manifest.csv", "rejected.csv"))
    assert set(kept["labels"]) == {"healthy", "scab"} and set(kept["leafness"]) == {0.9}
    assert list(apart["labels"]) == ["rust"] * 2 and list(apart["why"]) == ["no leaf"] * 2
    assert [json.loads(failed) for failed in apart["failed"]] == [["leaf"]] * 2
    assert set(pd.read_csv(tmp_path / "run" / "labels.csv")["image"]) == set(kept["file"])
    assert len(list((tmp_path / "run" / "images").iterdir())) == 6
    again = synthesize(config(), own, Watcher(tmp_path / "run"))
    assert again == result, "a resumed run counts what was rejected before"


def test_a_set_of_which_nothing_is_left_fails_in_one_line_and_keeps_the_reasons(own, three, rejecting, tmp_path):
    rejecting(*CLASSES)
    with pytest.raises(DatasetError, match="nothing was accepted: 6 of 6 pictures rejected: leaf 6") as raised:
        synthesize(config(), own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value) and (tmp_path / "run" / "rejected.csv").exists()


def test_nothing_rejected_is_exported_or_learned_from(own, three, rejecting):
    rejecting("rust")
    carry = carrier(own)
    run = carry("synthesize", checkpoint="three", count=6, judge="none", verify="yes")
    pictures = open_synthetic_set(own, run.id)
    assert len(pictures.manifest) == len(pictures.paths()) == 4 and len(pictures.rejected()) == 2
    assert carry("export", run=run.id).result()["images"] == 4


def test_pictures_from_noise_are_verified_on_wish_only(own, three, rejecting, tmp_path):
    rejecting("rust")
    result = synthesize(config(verify="auto"), own, Watcher(tmp_path / "run"))
    assert result.count == 6 and result.verification is None


# --- the judges -------------------------------------------------------------------------------------------------------


def open_over(own, journey, tmp_path, witness=NOBODY, **values):
    dataset = load(own, journey.dataset)
    seen = {"generator": dataset.select(split="train")["sha256"].tolist()}
    watcher = Watcher(tmp_path / "opened")
    given = {"leaf_model": "none", "copy_percentile": 0, **values}
    return open_verifier(config(**given), own, (dataset.ref,), seen, witness, 48, CPU, watcher), dataset


def test_a_training_picture_is_found_to_be_a_copy_and_an_unlike_one_is_none(own, journey, tmp_path):
    verifier, dataset = open_over(own, journey, tmp_path, copy_percentile=1.0)
    assert verifier.checks[COPY].least > 0
    learned = [load_square(path, 48) for path in dataset.paths(dataset.select(split="train"))[:4]]
    unlike = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    verdicts = verifier(np.stack([*learned, unlike]), [], [""] * 5)
    assert [verdict.failed for verdict in verdicts] == [(COPY,)] * 4 + [()]
    assert max(verdict.train_distance for verdict in verdicts[:4]) < 1e-3


def test_copies_are_found_in_every_dataset_that_a_model_learned_from(own, journey, tmp_path):
    folders = write_folders(tmp_path / "folders", {"blight": 6}, size_px=40)
    other = load(own, carrier(own)("import", source=folders, name="other").result()["dataset"])
    seen = {"generator": [*load(own, journey.dataset).records["sha256"], *other.records["sha256"]]}
    watcher, given = Watcher(tmp_path / "run"), config(leaf_model="none", copy_percentile=1.0)
    learned = other.select(split="train")
    pictures = np.stack([load_square(path, 40) for path in other.paths(learned)])
    for refs, failed in (((journey.dataset,), ()), ((journey.dataset, "gone@0", other.ref), (COPY,))):
        verifier = open_verifier(given, own, refs, seen, NOBODY, 40, CPU, watcher)
        assert {verdict.failed for verdict in verifier(pictures, [], [""] * len(pictures))} == {failed}
    assert watcher.warnings == ["Copies of pictures of gone@0 are not looked for: not in this workspace."]


def test_a_picture_of_two_datasets_is_one_and_groups_of_others_are_told_apart(own, journey):
    leaves = load(own, journey.dataset)
    other = replace(leaves, name="other")
    more = other.records.assign(sha256=["x" + digest for digest in other.records["sha256"]])
    found = real_pictures([leaves, other, replace(other, records=more)])
    count = int(leaves.records["split"].isin(["train", "val"]).sum())
    assert len(found) == 2 * count == found["sha256"].nunique()
    assert (
        not found["group"][:count].str.startswith("other/").any()
        and found["group"][count:].str.startswith("other/").all()
    )


def test_a_judge_below_four_in_five_rejects_nothing_and_that_is_said(own, journey, tmp_path):
    poor = Witness(None, "poor", Rate.of(70, 100), "", {})
    verifier, _ = open_over(own, journey, tmp_path, poor)
    assert "names 70% of 100 real validation pictures rightly" in verifier.checks[LABEL].withheld
    (verdict,) = verifier(np.zeros((1, 48, 48, 3), np.uint8), ["scab"], ["rust"])
    assert verdict.failed == () and verdict.called == "scab"


@pytest.mark.parametrize(("certain", "passes"), [(0.9, True), (0.1, False)])
def test_lflseg_is_tried_on_real_pictures_first(own, journey, tmp_path, monkeypatch, certain, passes):
    monkeypatch.setattr(Leafness, "__call__", lambda self, pictures: np.full(len(pictures), certain))
    verifier, _ = open_over(own, journey, tmp_path, leaf_model="sample-lflseg")
    assert (verifier.leafness is not None) == passes
    assert passes or "full leaves at this size, expected at least 80%" in verifier.checks[LEAF].withheld


def test_leafness_is_the_probability_of_the_first_class(own):
    model = Leafness(open_checkpoint(own, "sample-lflseg"), CPU)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    together, alone = model(pictures), np.concatenate([model(pictures[index : index + 1]) for index in range(3)])
    assert together.shape == (3,) and ((together >= 0) & (together <= 1)).all()
    assert np.allclose(together, alone, atol=1e-5)


def test_the_judges_are_chosen_when_the_run_is_queued(own, three):
    chosen, _ = check(own, build_config("synthesize", {"checkpoint": "three", "verify": "yes"}))
    assert chosen.leaf_model.startswith("sample-lflseg#")
    chosen, _ = check(own, build_config("synthesize", {"checkpoint": "three", "verify": "no"}))
    assert chosen.leaf_model == "auto"
