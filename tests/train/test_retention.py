import pytest

from leafcore.checkpoints import epochs, promote
from leafcore.files import write_json
from leafcore.jobs import build_config, execute, submit
from leafcore.runs import create_run
from leafcore.train.checkpointing import weights_path
from leafcore.train.retention import pinned_epochs, prune
from tests.states import new_run, write_state


@pytest.fixture
def folder(tmp_path):
    """A run's folder with the weights and samples of epochs 1 to 10."""
    for epoch in range(1, 11):
        for path in (weights_path(tmp_path, epoch), tmp_path / "previews" / f"{epoch:04d}.jpg"):
            path.parent.mkdir(exist_ok=True)
            path.touch()
    return tmp_path


def test_the_last_the_best_and_every_kth_stay_and_so_do_all_samples(folder):
    assert prune(folder, keep_every=4, best=3, pinned={6}) == [1, 2, 5, 7, 9]
    assert epochs(folder) == [3, 4, 6, 8, 10]
    assert len(list((folder / "previews").iterdir())) == 10


def test_nothing_is_removed_while_somebody_reads(folder):
    assert prune(folder, keep_every=4, best=0, pinned=None) == []
    assert len(epochs(folder)) == 10


def test_what_a_checkpoint_was_made_of_stays(own, journey):
    run = journey.runs["leafgan"].id
    assert pinned_epochs(own, run) == {2}
    promote(own, run, "another", epoch=1)
    assert pinned_epochs(own, run) == {1, 2}


def test_an_epoch_that_scores_recommend_stays(workspace):
    run = new_run(workspace)
    score = _using(workspace, run.id, "score")
    write_json(score.folder / "result.json", {"recommended": 7})
    write_state(score, "done")
    assert pinned_epochs(workspace, run.id) == {7}


@pytest.mark.parametrize("state", ["queued", "done"])
def test_a_run_that_waits_for_this_one_pins_all_its_epochs(workspace, state):
    run = new_run(workspace)
    write_state(_using(workspace, run.id, "synthesize"), state)
    assert pinned_epochs(workspace, run.id) == (None if state == "queued" else set())


def _using(workspace, run_id, kind):
    """Return a run of some kind that uses another one."""
    return create_run(workspace, kind, build_config("render", {"name": "leaves"}), uses=(run_id,))


def test_a_training_keeps_what_its_config_says(own, settings):
    run = submit(own, "cyclegan", settings("cyclegan", epochs=5, max_steps_per_epoch=1, keep_every=2))
    execute(own, run, lane="cpu", owner="cli")
    assert epochs(run.folder) == [2, 4, 5]
    assert len(list((run.folder / "previews").glob("*.jpg"))) == 5
