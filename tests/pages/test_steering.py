"""The Runs page: the queue, what can be asked of a run, how it ended, what it was made of."""

import time

import psutil
import pytest

from leafcore.jobs import build_config
from leafcore.queue import queue
from leafcore.runs import Failure, create_run, list_runs, open_run
from leafcore.status import Status
from leafcore.trash import delete_run, in_trash
from tests.states import new_run, write_state
from ui.explained import what_is_lost
from ui.links import form_link
from ui.live import split

HOUR = 3600.0


@pytest.fixture
def training(workspace):
    """A CycleGAN run that is not to be carried out."""
    config = build_config("cyclegan", {"dataset": "leaves", "b": "rust", "batch_size": 4})
    return create_run(workspace, "cyclegan", config, title="CycleGAN healthy → rust")


def texts(page) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption, *page.error, *page.warning])


def test_the_queue_is_drawn_in_the_order_it_runs_and_can_be_changed(open_app, workspace):
    first, second = new_run(workspace, "a", title="First"), new_run(workspace, "b", title="Second")
    app = open_app(workspace)
    page = app.open("runs")
    page.button(key=f"queue-next-{second.id}").click().run()
    app.checked()
    assert queue(workspace) == [second, first]
    rows = [element.value for element in page.markdown if element.value[:2] in {"1.", "2."}]
    assert [row.partition(" :small")[0] for row in rows] == ["1. Second", "2. First"]
    page.button(key="queue-cancel").click().run()
    app.checked()
    assert queue(workspace) == [] and first.status().state == "stopped"


def test_a_run_is_held_until_an_hour(open_app, workspace):
    run = new_run(workspace)
    page = open_app(workspace).open("runs")
    page.button(key=f"queue-set-{run.id}").click().run()
    assert not page.exception
    assert time.strftime("%H:%M", time.gmtime(run.status().not_before)) == "22:00"
    assert "not before" in texts(page)
    page.button(key=f"queue-free-{run.id}").click().run()
    assert run.status().not_before is None


def test_a_running_run_can_be_paused_stopped_or_ended_and_says_what_that_costs(open_app, workspace, training):
    with training.locked():
        write_state(training, "running", done=4700, total=20_000, safe=4100, started=time.time())
        page = open_app(workspace).open("runs")
        assert "goes back to step 4,100: 600 are lost" in texts(page)
        page.button(key=f"runs-pause-{training.id}").click().run()
        assert training.stop_reason == "pause" and training.status().state == "stopping"


def test_a_failure_says_what_is_safe_and_one_press_queues_what_would_mend_it(open_app, workspace, training):
    failure = Failure(code="out_of_memory", message="The memory is full.", fix={"batch_size": 2}, epoch=12)
    write_state(training, "failed", failure=failure, safe=4100, total=20_000)
    (training.folder / "state.pt").write_bytes(b"")
    page = open_app(workspace).open("runs")
    assert "The memory is full." in texts(page) and "Epoch 12 is kept, 4,100 of 20,000 steps are safe." in texts(page)
    button = page.button(key=f"runs-fix-{training.id}")
    assert button.label == "Fix and run again: Batch size 4 → 2, from step 4,100"
    button.click().run()
    mended = list_runs(workspace)[0]
    assert mended.record.extends == training.id and mended.record.settings["batch_size"] == 2
    assert page.selectbox(key="run").value == mended.id, "it is shown"


def test_what_is_lost_is_said():
    status = Status(queued=0, heartbeat=10 * HOUR, safe=4100, total=20_000, safe_at=10 * HOUR - 720)
    assert what_is_lost(status, "leafgan") == "4,100 of 20,000 steps are safe, 12 min lost."
    assert what_is_lost(status, "probes") == "4,100 of 20,000 steps are safe, 12 min lost. Resume goes on from there."


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("leafgan", "Nothing of it was saved yet."),
        ("probes", "What it has finished is kept. Resume goes on from there."),
        ("import", "Resume begins it again."),
        ("scarcity", "Its finished steps are runs of their own, and stay. Resume goes on within the one that was cut"),
    ],
)
def test_what_was_finished_is_not_called_lost_where_nothing_tells_how_much_it_is(kind, said):
    assert what_is_lost(Status(queued=0, done=1606, total=2880), kind).startswith(said)


def test_a_resume_that_is_cut_short_while_pictures_are_counted_says_no_total():
    assert what_is_lost(Status(queued=0, safe=1606, total=1253), "probes").startswith("1,606 steps are safe")


def test_a_run_killed_for_want_of_memory_offers_half_the_batch_and_names_what_is_kept(open_app, workspace, training):
    now = time.time()
    write_state(training, "running", heartbeat=now, memory_bytes=7 * 10**9, free_bytes=10**8, safe=4, total=20)
    (training.folder / "weights").mkdir()
    (training.folder / "weights" / "0003.safetensors").touch()
    page = open_app(workspace).open("runs")
    assert "probably because the memory was full: it held 7 GB, 0.1 GB were left" in texts(page)
    assert "Epoch 3 is kept. 4 of 20 steps are safe" in texts(page)
    page.button(key=f"runs-fix-{training.id}").click().run()
    assert list_runs(workspace)[0].record.settings["batch_size"] == 2


def test_what_a_failure_asks_for_can_be_reviewed_in_the_form(open_app, own, journey):
    source = journey.runs["leafgan"]
    page = open_app(own).open("train", **form_link(source, {"batch_size": 1, "device": "cpu"}))
    assert page.number_input(key=f"leafgan-{source.id}-batch_size").value == 1
    (table,) = page.dataframe
    assert {row["setting"] for row in table.value.to_dict("records")} == {"batch_size", "device"}


def test_an_interrupted_run_is_explained(open_app, workspace, training):
    write_state(training, "running", done=9, total=20, heartbeat=psutil.boot_time() - 60, safe=4, safe_at=1.0)
    page = open_app(workspace).open("runs")
    assert "The machine restarted" in texts(page) and "4 of 20 steps are safe" in texts(page)
    page.button(key=f"runs-resume-{training.id}").click().run()
    assert training.status().state == "queued"


def test_a_paused_run_says_how_far_it_came(open_app, workspace, training):
    write_state(training, "paused", done=1178, total=4464)
    assert "1,178 of 4,464 steps done" in texts(open_app(workspace).open("runs"))


def test_the_time_left_says_what_it_goes_to():
    status = Status(queued=0, eta_s=560, eta_parts={"stepping": 480, "validating": 0.01, "sampling": 60, "saving": 20})
    assert split(status) == " (8 min stepping, 1 min sampling, 20 s saving)"
    assert split(Status(queued=0, eta_s=480, eta_parts={"stepping": 480})) == ""


def test_a_translation_is_extended(open_app, own, journey):
    before = journey.runs["leafgan"]
    page = open_app(own).open("runs", run=before.id)
    page.number_input(key=f"extend-epochs-{before.id}").set_value(3)
    page.button(key=f"extend-queue-{before.id}").click().run()
    longer = list_runs(own)[0]
    assert longer.record.extends == before.id
    assert longer.record.settings["epochs"] == before.record.settings["epochs"] + 3
    assert page.selectbox(key="run").value == longer.id


def test_a_training_is_queued_again_with_the_next_seeds(open_app, own, journey):
    before = journey.runs["leafgan"]
    page = open_app(own).open("runs", run=before.id)
    assert page.button(key=f"again-queue-{before.id}").label == "Queue seeds 1, 2"
    page.button(key=f"again-queue-{before.id}").click().run()
    assert not page.exception
    second, first = list_runs(own)[:2]
    assert [run.record.settings["seed"] for run in (first, second)] == [1, 2]
    assert page.selectbox(key="run").value == first.id
    page.number_input(key=f"again-count-{first.id}").set_value(1).run()
    assert page.button(key=f"again-queue-{first.id}").label == "Queue seed 3"


def test_what_makes_no_model_has_no_other_seeds(open_app, own, journey):
    page = open_app(own).open("runs", run=journey.runs["synthesize"].id)
    assert not [button for button in page.button if (button.key or "").startswith("again-")]


def test_what_is_needed_cannot_be_deleted_and_what_is_not_comes_back(open_app, own, journey):
    app = open_app(own)
    page = app.open("runs", run=journey.runs["leafgan"].id)
    assert page.button(key=f"delete-run-{journey.runs['leafgan'].id}").disabled
    assert "needed by checkpoint healthy-to-rust" in texts(page)
    export = journey.runs["export"].id
    page = app.open("runs", run=export)
    page.button(key=f"delete-run-{export}").click().run()
    app.checked()
    assert export not in {run.id for run in list_runs(own)}
    page.button(key=f"restore-{export}").click().run()
    app.checked()
    assert open_run(own, export).status().state == "done"


def test_the_trash_is_emptied_for_good(open_app, workspace, training):
    write_state(training, "stopped")
    delete_run(workspace, training)
    create_run(workspace, "cyclegan", build_config("cyclegan", {"dataset": "leaves", "b": "scab"}))
    app = open_app(workspace)
    page = app.open("runs")
    assert "Removes 1 run for good" in texts(page)
    page.button(key="empty-trash-now").click().run()
    app.checked()
    assert in_trash(workspace) == [] and "in the trash" not in texts(page)
