import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client

import numpy as np
import psutil
import pytest
import torch

from leafcore import devices
from leafcore.answers import _device
from leafcore.ask import WarmWorker
from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.errors import CheckpointError, ConfigError, DatasetError, JobError, NotFoundError
from leafcore.generate import load_network
from leafcore.images import load_square, to_signed, to_uint8
from leafcore.jobs import lane_lock
from leafcore.masks.lflseg import open_lflseg
from leafcore.questions import LookQuestion, PreviewQuestion, answer_file
from leafcore.workspace import PROJECT_ROOT, Workspace
from tests.server import until

SILENT = """
import os, time
from multiprocessing.connection import Listener
listener = Listener(("127.0.0.1", 0), authkey=bytes.fromhex(os.environ["LEAF_ASK_KEY"]))
print(listener.address[1], flush=True)
connection = listener.accept()
connection.recv()
open("{heard}", "w").close()
time.sleep(600)
"""
PARENT = """
import sys, time
from leafcore.ask import WarmWorker
from leafcore.workspace import Workspace
warm = WarmWorker(Workspace(sys.argv[1]))
warm._ensure_started()
print(warm._process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def copy(journey, tmp_path_factory):
    """A copy of the journey's workspace, whose cache may be written."""
    root = tmp_path_factory.mktemp("ask") / "workspace"
    shutil.copytree(journey.workspace.root, root)
    return Workspace(root)


@pytest.fixture(scope="module")
def pictures(copy):
    """A few pictures of the dataset."""
    return tuple(load(copy, "leaves").records["image"].head(4))


@pytest.fixture(scope="module")
def look(journey, copy, pictures):
    """A question about heat maps."""
    lflseg = open_checkpoint(copy, journey.runs["lflseg"].id)
    return LookQuestion(
        model=lflseg.name, weights_sha256=lflseg.card.weights_sha256, dataset=journey.dataset, images=pictures
    )


@pytest.fixture(scope="module")
def preview(journey, copy, pictures):
    """A question about a chain of the same translator twice."""
    sha256 = open_checkpoint(copy, "healthy-to-rust").card.weights_sha256
    return PreviewQuestion(
        chain=("healthy-to-rust",) * 2, weights_sha256=(sha256,) * 2, dataset=journey.dataset, images=pictures
    )


@pytest.fixture(scope="module")
def warm(copy):
    """One worker for all questions of this module."""
    worker = WarmWorker(copy)
    yield worker
    worker.stop()


def forget_answers(workspace: Workspace) -> None:
    shutil.rmtree(workspace.cache / "answers", ignore_errors=True)


def has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


# --- answers ----------------------------------------------------------------------------------------------------------


def test_the_worker_sees_what_the_model_sees(warm, copy, look, pictures):
    answer = np.load(warm.ask(look))
    dataset = load(copy, look.dataset)
    expected = list(open_lflseg(copy, look.model, torch.device("cpu")).look([dataset.root / name for name in pictures]))
    np.testing.assert_allclose(answer["maps"], [one.cam for one in expected], atol=1e-5)
    np.testing.assert_allclose(answer["probabilities"], [one.probabilities for one in expected], atol=1e-5)


def test_the_worker_draws_heat_maps_as_it_is_asked_to(warm, copy, look, pictures):
    asked = look.model_copy(update={"method": "eigencam", "layer": "layer2"})
    assert answer_file(copy, asked) != answer_file(copy, look)
    paths = [load(copy, look.dataset).root / name for name in pictures]
    expected = open_lflseg(copy, look.model, torch.device("cpu"), asked.cam()).look(paths)
    np.testing.assert_allclose(np.load(warm.ask(asked))["maps"], [one.cam for one in expected], atol=1e-4)


def test_a_preview_holds_the_sources_and_every_step(warm, copy, preview, pictures):
    steps = np.load(warm.ask(preview))["steps"]
    assert steps.shape == (3, 4, 32, 32, 3) and steps.dtype == np.uint8
    root = load(copy, preview.dataset).root
    assert (steps[0] == np.stack([load_square(root / name, 32) for name in pictures])).all()
    generator = load_network(open_checkpoint(copy, "healthy-to-rust"), "gen_ab", torch.device("cpu"))
    current = to_signed(torch.from_numpy(steps[0]).permute(0, 3, 1, 2))
    for step in steps[1:]:
        current = generator(current)
        assert np.abs(to_uint8(current).astype(int) - step).max() <= 1


def test_the_same_question_is_answered_from_its_file_without_a_worker(warm, copy, look):
    first = warm.ask(look)
    content = first.read_bytes()
    idle = WarmWorker(copy)
    assert idle.ask(look) == first == answer_file(copy, look)
    assert idle._process is None
    assert first.read_bytes() == content


def test_another_model_under_the_same_name_is_another_question(copy, look):
    assert answer_file(copy, look) != answer_file(copy, look.model_copy(update={"weights_sha256": "0" * 64}))


def test_a_model_stays_loaded_between_questions(warm, copy, look):
    warm.ask(look)
    worker = warm._process.pid
    forget_answers(copy)
    began = time.monotonic()
    warm.ask(look)
    assert warm._process.pid == worker
    assert time.monotonic() - began < 5


def test_a_question_for_too_many_pictures_is_refused(look, pictures):
    with pytest.raises(ConfigError, match="images"):
        LookQuestion.build({**look.model_dump(), "images": pictures * 30})


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"dataset": "nowhere@0123456789ab"}, NotFoundError, "'nowhere' has no version"),
        ({"model": "nowhere"}, NotFoundError, "checkpoint: got 'nowhere'"),
        ({"model": "healthy-to-rust"}, CheckpointError, "expected an lflseg model"),
        ({"images": ("gone.png",)}, DatasetError, "None of the 1 pictures can be read"),
    ],
)
def test_a_failure_comes_through_as_it_was_raised(warm, look, changes, kind, message):
    question = look.model_copy(update=changes)
    with pytest.raises(kind) as error:
        warm.ask(question)
    assert type(error.value) is kind
    assert message in str(error.value)


def test_the_worker_answers_on_after_a_failure(warm, copy, look):
    with pytest.raises(NotFoundError):
        warm.ask(look.model_copy(update={"model": "nowhere"}))
    forget_answers(copy)
    assert warm.ask(look).exists()


def test_a_picture_that_cannot_be_read_has_an_empty_map(warm, look, pictures):
    answer = np.load(warm.ask(look.model_copy(update={"images": ("gone.png", pictures[0])})))
    assert not answer["maps"][0].any() and not answer["probabilities"][0].any()
    assert answer["maps"][1].any()


class Killer(threading.Thread):
    """Kills a worker as soon as it is asked something, so many times."""

    def __init__(self, warm: WarmWorker, times: int) -> None:
        super().__init__(daemon=True)
        self._warm, self._times = warm, times
        self.killed = []

    def run(self) -> None:
        """Wait for a worker that listens and was not killed before."""
        while len(self.killed) < self._times:
            process = self._warm._process
            if process is not None and self._warm._port and process.pid not in self.killed:
                self._warm._port = 0
                self.killed.append(process.pid)
                process.kill()
            time.sleep(0.005)


@pytest.fixture
def fragile(copy):
    """A worker of the test's own, and no answers yet."""
    forget_answers(copy)
    worker = WarmWorker(copy, idle_s=0.5)  # less than an answer takes: a worker that answers is not idle
    yield worker
    worker.stop()


def test_a_worker_that_dies_over_a_question_is_started_once_more(fragile, look):
    killer = Killer(fragile, times=1)
    killer.start()
    assert fragile.ask(look).exists()
    killer.join()
    assert fragile._process.pid not in killer.killed


def test_a_worker_that_dies_twice_over_a_question_is_given_up_in_one_line(fragile, look):
    killer = Killer(fragile, times=2)
    killer.start()
    with pytest.raises(JobError, match=r"The helper process ended while it worked \(.*\); see cache/ask\.log"):
        fragile.ask(look)
    killer.join()
    assert fragile._process is None
    assert len(set(killer.killed)) == 2


def test_a_worker_that_cannot_start_is_given_up_in_one_line(fragile, look, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(JobError, match="The helper process could not be started; see cache/ask.log"):
        fragile.ask(look)


def test_a_worker_that_never_listens_is_given_up(fragile, look, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("leafcore.ask.START_S", 0.2)
    with pytest.raises(JobError, match="could not be started"):
        fragile.ask(look)


def test_a_stranger_without_the_key_is_turned_away_and_the_worker_goes_on(warm, copy, look):
    warm.ask(look)
    worker = warm._process.pid
    with pytest.raises(AuthenticationError):
        Client(("127.0.0.1", warm._port), authkey=b"guessed")
    forget_answers(copy)
    assert warm.ask(look).exists()
    assert warm._process.pid == worker


# --- the worker's life ------------------------------------------------------------------------------------------------


def test_the_worker_ends_when_it_is_stopped(fragile):
    fragile._ensure_started()
    pid = fragile._process.pid
    fragile.stop()
    assert has_ended(pid)
    fragile.stop()  # once more does no harm


@pytest.fixture
def silent(fragile, monkeypatch, tmp_path):
    """A file that is there once a worker, which never answers, was asked something."""
    (tmp_path / "sitecustomize.py").write_text(SILENT.format(heard=tmp_path / "heard"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "heard"


def test_a_stop_does_not_wait_for_an_answer_and_whoever_asks_is_told(fragile, look, preview, silent):
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(fragile.ask, question) for question in (look, preview)]
        until(silent.exists, 30, "a question is being answered, another one waits")
        worker = fragile._process
        try:
            pool.submit(fragile.stop).result(timeout=10)
        finally:
            worker.kill()
        for answer in answers:
            with pytest.raises(JobError, match=r"^The server is ending; ask again once it is back\.$"):
                answer.result(timeout=10)
    assert fragile._process is None and has_ended(worker.pid)


def test_a_stop_does_not_wait_for_a_worker_that_is_starting(fragile, look, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(fragile.ask, look)
        until(lambda: fragile._process is not None, 30, "the worker is starting")
        fragile.stop()
        with pytest.raises(JobError, match="The server is ending"):
            answer.result(timeout=10)


def test_after_the_end_what_was_answered_before_can_be_had_and_nothing_else(copy, look, warm):
    warm.ask(look)
    ended = WarmWorker(copy)
    ended.stop()
    assert ended.ask(look).exists()
    with pytest.raises(JobError, match="The server is ending"):
        ended.ask(look.model_copy(update={"weights_sha256": "0" * 64}))
    assert ended._process is None


def test_the_worker_ends_when_its_parent_is_killed(copy):
    command = [sys.executable, "-c", PARENT, str(copy.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT_ROOT) as parent:
        worker = int(parent.stdout.readline())
        assert not has_ended(worker)
        parent.kill()
    until(lambda: has_ended(worker), 30, "the worker ends")


def test_the_worker_ends_after_some_idle_time_and_the_next_question_starts_another(copy):
    worker = WarmWorker(copy, idle_s=0.5)
    worker._ensure_started()
    first = worker._process.pid
    until(lambda: worker._process.poll() is not None, 30, "the worker has ended")
    worker._ensure_started()
    assert worker._process.pid != first
    worker.stop()


def test_nobody_starts_the_worker_by_hand(copy):
    environment = {key: value for key, value in os.environ.items() if key != "LEAF_ASK_KEY"}
    command = [sys.executable, "-m", "leafcore", "answer", "--workspace", str(copy.root)]
    by_hand = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True)
    assert by_hand.returncode == 2 and by_hand.stdout == ""
    assert len(by_hand.stderr.splitlines()) == 1


def test_questions_are_computed_on_the_cpu_while_a_run_uses_the_gpu(copy, monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: [devices.Gpu("One", "cuda:0", "0", 0, 1)])
    assert str(_device(copy)) == "cuda:0"
    with lane_lock(copy, "cuda:0"):
        assert str(_device(copy)) == "cpu"
    monkeypatch.setattr(devices, "gpus", list)
    assert str(_device(copy)) == "cpu"
