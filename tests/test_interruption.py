import pytest

from leafcore.continuing import run_fixed
from leafcore.errors import JobError
from leafcore.interruption import interruption
from leafcore.jobs import build_config
from leafcore.runs import create_run
from tests.states import write_state

GB = 10**9


@pytest.fixture
def cut_off(workspace):
    """Return a function that makes a run whose process is gone, as it stood at its last sign of life."""

    def make(**status):
        config = build_config("cyclegan", {"dataset": "leaves", "b": "rust", "batch_size": 4})
        run = create_run(workspace, "cyclegan", config)
        write_state(run, "running", heartbeat=1000.0, **status)
        return run

    return make


@pytest.mark.parametrize(
    ("held", "left", "fix"),
    [
        (7 * GB, 6 * GB, {}),
        (7 * GB, GB // 2, {"batch_size": 2}),
        (GB, GB // 5, {"batch_size": 2}),  # others had the rest
        (GB, GB, {}),
        (None, None, {}),  # an older version wrote it
    ],
)
def test_a_kill_is_told_from_one_for_want_of_memory(cut_off, held, left, fix):
    run = cut_off(memory_bytes=held, free_bytes=left)
    found = interruption(run, run.status(), booted=0.0)
    assert (found.code, found.fix) == ("killed", fix)
    assert ("probably because the memory was full" in found.message) == bool(fix)


def test_a_restart_of_the_machine_is_no_kill(cut_off):
    run = cut_off(memory_bytes=7 * GB, free_bytes=0)
    found = interruption(run, run.status(), booted=2000.0)
    assert (found.code, found.fix) == ("restarted", {})


def test_a_run_that_goes_on_or_has_ended_was_not_interrupted(cut_off):
    run = cut_off(memory_bytes=7 * GB, free_bytes=0)
    with run.locked():
        assert interruption(run, run.status(), booted=0.0) is None
    write_state(run, "stopped")
    assert interruption(run, run.status(), booted=0.0) is None


def test_what_was_killed_for_want_of_memory_is_queued_with_half_the_batch(cut_off, workspace, monkeypatch):
    monkeypatch.setattr("psutil.boot_time", lambda: 0.0)
    full, idle = cut_off(memory_bytes=7 * GB, free_bytes=0), cut_off(memory_bytes=GB, free_bytes=7 * GB)
    assert run_fixed(workspace, full).record.settings["batch_size"] == 2
    with pytest.raises(JobError, match="is interrupted; no other settings are known"):
        run_fixed(workspace, idle)
