import multiprocessing
import shutil

import pytest

from leafcore import devices
from leafcore import preflight as preflight_module
from leafcore.base_models import DEFAULT_BASE
from leafcore.errors import ConfigError, DiskFull, InputError, OutOfMemory, Stopped
from leafcore.jobs import QUICK, build_config, lane_of, submit, submit_once
from leafcore.preflight import PreflightResult, assess, base_to_fetch, preflight
from leafcore.runs import list_runs
from leafcore.train import trying
from leafcore.train.attempt import Unfinished
from leafcore.train.trying import Found
from leafcore.workspace import Workspace
from tests.conftest import TINY, carrier
from tests.train.test_forecast import MEASURED, settings
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("own_main")
GPU = devices.Gpu("NVIDIA H100", "cuda:0", "0", used_bytes=0, total_bytes=80 * 10**9)
BLANK = PreflightResult(recipe="cyclegan", fits=True, free_disk_bytes=10**12, pictures={}, license="none stated")


def tiny(journey, **values):
    """Return the settings of a tiny CycleGAN."""
    return {**TINY["cyclegan"], "dataset": journey.dataset, "b": "rust", "device": "cpu", **values}


def judged(outcome_of, tmp_path, *, free_disk=10**12, **values):
    """Return what is said when each attempt ends as a function of its change says, and the changes that were tried."""
    tried = []

    def attempt(change):
        tried.append(change)
        return outcome_of({"batch_size": 8, "size_px": 64, **values, **change})

    blank = BLANK.model_copy(update={"free_disk_bytes": free_disk})
    return assess(settings(**{"batch_size": 8, "size_px": 64, **values}), blank, attempt, Watcher(tmp_path)), tried


# --- what fits --------------------------------------------------------------------------------------------------------


def test_what_fits_has_no_problem_and_no_fix(tmp_path):
    result, tried = judged(lambda values: MEASURED, tmp_path)
    assert result.fits and not result.problems and result.fix is None and tried == [{}]
    assert result.eta_s == result.forecast.eta_s > 0


def growing(values):
    """Measure 1 GB and another per picture, 1 s and another per picture; 10 GB are free, and a ninth picture fails."""
    batch = values["batch_size"]
    if 1 + batch > 10:
        return OutOfMemory("full")
    measured = {"memory_bytes": (1 + batch) * 10**9, "free_bytes": 10**10, "step_s": 1.0 + batch}
    return MEASURED.model_copy(update={**measured, "steps_per_epoch": 64 // batch})


def test_a_batch_that_fits_is_worked_out_from_the_two_smallest(tmp_path):
    result, tried = judged(growing, tmp_path, batch_size=32)
    assert not result.fits and [problem.code for problem in result.problems] == ["memory"]
    assert tried == [{"batch_size": 1}, {"batch_size": 2}], "so large a batch is never really tried"
    assert result.problems[0].message == "A step with batch 32, size 64 px needs about 33 GB of memory; 10 GB are free."
    assert result.fix.settings == {"batch_size": 8}  # 9 GB, by the line; 16 would take 17
    assert result.forecast.stepping_s == MEASURED.epochs * 8 * 9.0  # 64 pictures: 8 steps of 9 s; 2 of 33 s before
    assert "(+9% time)" in result.fix.text


def test_measurements_that_hide_the_memory_of_a_picture_promise_no_more_than_the_batch_asked_for_took(tmp_path):
    flat = MEASURED.model_copy(update={"memory_bytes": 2 * 10**9, "free_bytes": 10**10})
    result, _ = judged(lambda values: flat if values["batch_size"] <= 2 else OutOfMemory("full"), tmp_path)
    assert result.fix.settings == {"batch_size": 4}  # of 8; with 2 GB at 1 and over 10 GB at 8, about 5.4 GB


def test_a_batch_of_one_is_really_tried_and_then_smaller_pictures(tmp_path):
    result, tried = judged(lambda values: MEASURED if values["size_px"] == 32 else OutOfMemory("full"), tmp_path)
    assert tried == [{}, {"batch_size": 1}, {"batch_size": 1, "size_px": 32}]
    assert result.fix.text.startswith("Batch 1, size 32 px fits: about ")


def test_a_step_that_took_more_than_was_free_counts_as_too_large(tmp_path):
    swapped = MEASURED.model_copy(update={"memory_bytes": 3 * 10**9, "free_bytes": 2 * 10**9})
    result, _ = judged(lambda values: MEASURED if values["batch_size"] == 1 else swapped, tmp_path, batch_size=2)
    assert result.problems[0].message == "A step with batch 2, size 64 px needs 3 GB of memory; 2 GB are free."
    assert result.fix.settings == {"batch_size": 1}


def test_nothing_is_offered_when_nothing_fits(tmp_path):
    result, tried = judged(lambda values: OutOfMemory("full"), tmp_path)
    assert not result.fits and result.fix is None and result.eta_s is None
    assert tried[-1] == {"batch_size": 1, "size_px": 32}


def test_checkpoints_that_the_disk_has_no_room_for_are_saved_less_often(tmp_path):
    free = 64 * 1024**2 + 2 * MEASURED.state_bytes + 5 * MEASURED.epoch_bytes
    result, _ = judged(lambda values: MEASURED, tmp_path, free_disk=free)
    assert [problem.code for problem in result.problems] == ["disk"]
    assert result.fix.settings == {"save_every": 2}


def test_memory_and_disk_are_mended_together(tmp_path):
    free = 64 * 1024**2 + 2 * MEASURED.state_bytes + 5 * MEASURED.epoch_bytes
    result, _ = judged(
        lambda values: MEASURED if values["batch_size"] == 1 else OutOfMemory("full"),
        tmp_path,
        free_disk=free,
        batch_size=2,
    )
    assert result.fix.settings == {"batch_size": 1, "save_every": 2}
    assert result.fix.text.startswith("Batch 1, saving every 2 epochs fits: ")


def test_a_step_that_does_not_end_is_said_to_take_too_long(tmp_path):
    result, _ = judged(lambda values: Unfinished(15.0), tmp_path)
    assert [problem.code for problem in result.problems] == ["time"] and not result.fits and result.fix is None
    assert result.problems[0].message.endswith("takes more than 15 s; how long is not known.")


def test_a_disk_without_room_for_one_save_is_a_problem_and_no_crash(tmp_path):
    result, tried = judged(lambda values: DiskFull("The disk is full."), tmp_path)
    assert [problem.message for problem in result.problems] == ["The disk is full."]
    assert not result.fits and result.fix is None and tried == [{}]


# --- in a process of its own ------------------------------------------------------------------------------------------


@pytest.fixture
def own(journey, tmp_path):
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


def test_a_run_that_fits_is_queued_and_nothing_else_is_left(own, journey):
    before = len(list_runs(own))
    run = carrier(own)("preflight", recipe="cyclegan", settings=tiny(journey), queue=True)
    result = run.result()
    assert result["fits"] and result["pictures"] == {"healthy": 14, "rust": 8} and result["license"] == "none stated"
    queued = next(other for other in list_runs(own) if other.id == result["queued"])
    assert queued.kind == "cyclegan" and queued.status().state == "queued"
    assert queued.record.settings["dataset"] == journey.dataset
    assert len(list_runs(own)) == before + 2
    assert not list(run.folder.glob(".rehearsal*"))


def test_a_full_memory_is_told_from_within_the_process(journey, tmp_path, monkeypatch):
    """Held to little memory, the rehearsal fails alone, and says so."""
    monkeypatch.setattr(devices, "free_memory_bytes", lambda device: 8 * 1024**2)
    monkeypatch.setattr(trying, "smaller_settings", lambda settings: iter(()))
    config = build_config("preflight", {"recipe": "cyclegan", "settings": tiny(journey, batch_size=64, size_px=256)})
    result = preflight(config, journey.workspace, Watcher(tmp_path))
    assert not result.fits and result.problems[0].code == "memory"


def test_a_stop_ends_the_process_and_queues_nothing(journey, tmp_path):
    config = build_config("preflight", {"recipe": "cyclegan", "settings": tiny(journey), "queue": True})
    before = len(list_runs(journey.workspace))
    with pytest.raises(Stopped):
        preflight(config, journey.workspace, Watcher(tmp_path, stop_after=0))
    assert not list(tmp_path.glob(".rehearsal*")) and multiprocessing.active_children() == []
    assert len(list_runs(journey.workspace)) == before


def test_what_is_wrong_with_the_run_is_refused_before_anything_is_tried(journey):
    for values, message in (({"b": "mildew"}, "label"), ({"size_px": 33}, "size_px"), ({"b": "healthy"}, "a and b")):
        with pytest.raises(InputError, match=message):
            config = build_config("preflight", {"recipe": "cyclegan", "settings": tiny(journey, **values)})
            submit(journey.workspace, "preflight", config)
    with pytest.raises(ConfigError, match="recipe: got 'gan', expected one of lflseg"):
        build_config("preflight", {"recipe": "gan"})


def test_the_terms_of_weights_to_start_from_are_said(journey, tmp_path, monkeypatch):
    monkeypatch.setattr(
        preflight_module, "try_settings", lambda settings, *_: Found(DiskFull("full"), DiskFull("full"))
    )

    def license(**values):
        config = build_config("preflight", {"recipe": "cyclegan", "settings": tiny(journey, **values)})
        return preflight(config, journey.workspace, Watcher(tmp_path)).license

    assert license() == "none stated"
    weights = f"{journey.runs['leafgan'].id}@1"
    assert license(init=weights) == f"none stated; weights {weights}: as the pictures it was trained on"
    assert license(init=str(tmp_path / "latest_net_G_A.pth")) == "none stated; weights latest_net_G_A.pth: unknown"


@pytest.mark.usefixtures("offline")
def test_a_base_that_is_not_here_is_not_fetched_to_check_a_run(journey, tmp_path):
    def found(base, free=10**12):
        config = build_config("dreambooth", {"dataset": journey.dataset, "base": base})
        return base_to_fetch(journey.workspace, config, free)

    asked = {"dataset": journey.dataset, "base": DEFAULT_BASE}
    config = build_config("preflight", {"recipe": "dreambooth", "settings": asked, "queue": True})
    result = preflight(config, journey.workspace, Watcher(tmp_path))
    (problem,) = result.problems
    assert problem == found(DEFAULT_BASE) and problem.code == "base"
    folder = journey.workspace.downloads / "models" / DEFAULT_BASE.replace("/", "--")
    assert f"fetches it first (4.3 GB, to {folder})" in problem.message
    assert not result.fits and not result.queued and result.eta_s is None and not folder.exists()
    assert "(how much is not known, to" in found("somebody/something").message
    full = found(DEFAULT_BASE, free=10**9)
    assert full.code == "disk" and "4.3 GB are to be fetched" in full.message and "1 GB are free" in full.message


def test_the_same_run_is_queued_once_while_it_waits(own, journey):
    config = build_config("cyclegan", tiny(journey))
    first = submit_once(own, "cyclegan", config)
    assert submit_once(own, "cyclegan", config) == first
    assert submit_once(own, "cyclegan", config.model_copy(update={"seed": 1})) != first
    first.request_stop()
    assert submit_once(own, "cyclegan", config) != first


def test_a_pre_flight_waits_for_the_device_of_its_run(own, journey, monkeypatch):
    config = build_config("preflight", {"recipe": "cyclegan", "settings": tiny(journey, device="cpu")})
    monkeypatch.setattr(devices, "gpus", lambda: [GPU])
    assert lane_of(submit(own, "preflight", config)) == QUICK
    config = build_config("preflight", {"recipe": "cyclegan", "settings": tiny(journey, device="cuda:0")})
    assert lane_of(submit(own, "preflight", config)) == "cuda:0"
