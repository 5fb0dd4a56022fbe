"""The whole study on tiny pictures: what it finds, how it goes on, and what it refuses."""

import shutil
from contextlib import suppress

import pandas as pd
import pytest

from leafcore.checkpoints import open_checkpoint
from leafcore.data.configs import ScarceConfig
from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import ConfigError, DatasetError, Stopped
from leafcore.evaluate.result import read_comparison
from leafcore.images import open_rgb
from leafcore.jobs import build_config, execute
from leafcore.progress import Progress
from leafcore.runs import list_runs, open_run
from leafcore.scarcity.result import STRIP, ScarcityResult, load_steps
from leafcore.scarcity.study import require_enough
from leafcore.synthesize.votes import load_votes
from leafcore.workspace import Workspace
from tests.scarcity.conftest import carried_out, study

ORDER = ["scarce", "teacher", "gan", "synthesize", "pseudo-label", "evaluate"]


@pytest.fixture
def own(finished, tmp_path) -> Workspace:
    """A copy of the finished study's workspace."""
    shutil.copytree(finished[0].root, tmp_path / "own")
    return Workspace(tmp_path / "own")


def result_of(run) -> ScarcityResult:
    return ScarcityResult.model_validate(run.result())


# --- what it finds ----------------------------------------------------------------------------------------------------


def test_every_step_is_a_run_of_its_own(finished):
    workspace, run = finished
    steps = load_steps(run.folder)
    assert list(steps) == ORDER and result_of(run).runs == steps
    for name, run_id in steps.items():
        step = open_run(workspace, run_id)
        assert step.status().state == "done", name
    kinds = [open_run(workspace, run_id).kind for run_id in steps.values()]
    assert kinds == ["scarce", "classifier", "dcgan", "synthesize", "pseudo-label", "evaluate"]


def test_the_result_holds_what_the_runs_found(finished):
    workspace, run = finished
    result = result_of(run)
    dataset = load(workspace, result.dataset)
    assert dataset.label_sets == {"healthy": 10, "rust": 10, "scab": 10}
    assert {labels: sum(row.values()) for labels, row in result.pictures.items()} == dataset.label_sets
    votes = load_votes(workspace.run(result.runs["pseudo-label"]))
    assert result.generated == len(votes.table) == 12
    assert result.accepted == votes.table["labels"].value_counts().to_dict()
    comparison = read_comparison(workspace.run(result.runs["evaluate"]))
    assert result.verdict == comparison.verdict and result.test_images == comparison.test_images
    assert comparison.leaks.is_clean and set(comparison.leaks.outside) == {"generator", "teacher"}
    assert comparison.dataset == result.dataset


def test_the_generator_and_the_teacher_saw_what_was_left_for_training(finished):
    workspace, run = finished
    dataset = load(workspace, result_of(run).dataset)
    train = set(dataset.select(split="train")["sha256"])
    assert set(open_checkpoint(workspace, result_of(run).runs["gan"]).seen()["generator"]) == train
    assert set(open_checkpoint(workspace, result_of(run).runs["teacher"]).seen()["classifier"]) == train


def test_scores_of_few_pictures_are_withheld_with_their_number(finished):
    scores = result_of(finished[1]).scores
    assert set(scores) == {"inception_score", "fid", "kid"}
    assert scores["kid"].startswith("from 20 pictures; there are 12 generated and")


def test_the_strip_leads_from_one_seed_to_the_next(finished):
    width, height = open_rgb(finished[1].folder / STRIP).size
    assert height >= 128 and width > 7 * height


# --- going on ---------------------------------------------------------------------------------------------------------


def test_the_same_study_again_does_nothing_again(own, finished, tiny_steps):
    before = len(list_runs(own))
    again = carried_out(own)
    assert len(list_runs(own)) == before + 1
    assert result_of(again).runs == result_of(finished[1]).runs


def test_another_threshold_labels_and_compares_anew_and_trains_nothing(own, finished, tiny_steps):
    first, other = result_of(finished[1]), result_of(carried_out(own, min_confidence=0.05))
    assert {name for name in ORDER if first.runs[name] != other.runs[name]} == {"pseudo-label", "evaluate"}


class StopsTheGan(Progress):
    """Asks to stop after the first epoch of the GAN."""

    doing, has_trained = "", False

    def phase(self, name):
        self.doing = name

    def report(self, done, total, **scalars):
        self.has_trained |= self.doing == "3 of 7: Train the GAN, training" and done >= 4

    @property
    def should_stop(self):
        return self.has_trained


def test_a_study_that_is_stopped_goes_on_within_its_step(own, tiny_steps):
    run = study(own, seed=1)
    with pytest.raises(Stopped):
        execute(own, run, lane="cpu", owner="cli", echo=StopsTheGan(run.folder))
    gan = open_run(own, load_steps(run.folder)["gan"])
    assert run.status().state == gan.status().state == "stopped"
    assert (gan.folder / "state.pt").exists() and "synthesize" not in load_steps(run.folder)
    execute(own, run, lane="cpu", owner="cli")
    assert result_of(run).runs["gan"] == gan.id and gan.status().state == "done"
    steps = [row["step"] for row in gan.metrics() if "disc" in row]  # an epoch ends with a row of its own
    assert steps == sorted(set(steps)), "no step was taken twice"


def test_no_lane_may_take_a_step_that_the_study_carries_out(own, finished):
    assert all(open_run(own, run_id).status_written().owner == "cli" for run_id in result_of(finished[1]).runs.values())


# --- variants ---------------------------------------------------------------------------------------------------------


def test_a_conditional_gan_needs_no_teacher_to_label(own, finished, tiny_steps):
    result = result_of(carried_out(own, conditional="projection"))
    assert list(result.runs) == ["scarce", "teacher", "gan", "synthesize", "evaluate"]
    assert result.accepted == {"healthy": 4, "rust": 4, "scab": 4} and result.rejected == {}
    assert open_synthetic_set(own, result.runs["synthesize"]).has_labels


def test_a_co_teacher_learns_from_another_seed(own, finished, tiny_steps):
    run = study(own, co_teacher=True)
    with suppress(DatasetError):  # two who have learned for a few steps need not agree on anything
        execute(own, run, lane="cpu", owner="cli")
    steps = load_steps(run.folder)
    seeds = [open_run(own, steps[name]).record.settings["seed"] for name in ("teacher", "co_teacher")]
    assert seeds == [0, 1] and load_votes(own.run(steps["pseudo-label"])).has_co_teacher


# --- what is refused --------------------------------------------------------------------------------------------------


def records(*rows):
    return pd.DataFrame(rows, columns=["labels", "split"])


THINNING = ScarceConfig(dataset="leaves@0", name="few", limit=2, order="before-split")


def test_a_side_that_no_gan_makes_is_refused_before_a_teacher_is_trained():
    for size_px in (48, 192):
        with pytest.raises(ConfigError, match=f"size_px: got {size_px}, expected 64, 128 or 256 px"):
            build_config("scarcity", {"dataset": "leaves", "size_px": size_px})


def test_two_pictures_in_all_are_refused_in_one_line():
    few = records(("rust", "train"), ("scab", "train"))
    with pytest.raises(DatasetError, match=r"leaves 2 pictures \(2 train, 0 val, 0 test\)") as caught:
        require_enough(few, THINNING)
    assert "\n" not in str(caught.value)


def test_a_label_set_without_a_train_picture_is_refused_in_one_line():
    few = records(("rust", "train"), ("rust", "val"), ("rust", "test"), ("scab", "test"))
    with pytest.raises(DatasetError, match=r"has no train picture of scab \(of 1\)"):
        require_enough(few, THINNING)


def test_a_study_of_too_little_makes_no_run(own, tiny_steps):
    run = study(own, limit=1)
    before = len(list_runs(own))
    with pytest.raises(DatasetError, match="at most 1 pictures of each label set"):
        execute(own, run, lane="cpu", owner="cli")
    assert len(list_runs(own)) == before and run.status().state == "failed"


def test_where_no_picture_passes_the_study_says_so_and_keeps_what_was_made(own, tiny_steps):
    run = study(own, min_confidence=1.0)
    with pytest.raises(DatasetError, match="min_confidence: none of the 12 pictures"):
        execute(own, run, lane="cpu", owner="cli")
    steps = load_steps(run.folder)
    assert load_votes(own.run(steps["pseudo-label"])).counts(0.0)["accepted"].sum() == 12
    assert (run.folder / STRIP).exists()
