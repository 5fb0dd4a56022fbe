import shutil

import pytest
import torch

from leafcore.base_models import accept, open_base
from leafcore.errors import Stopped
from leafcore.train import rehearsal
from leafcore.train.configs import RECIPES
from leafcore.train.rehearsal import rehearse
from tests.watcher import Watcher


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_can_be_rehearsed(journey, settings, tmp_path, recipe):
    watcher = Watcher(tmp_path)
    before = torch.get_rng_state()
    found = rehearse(settings(recipe), journey.workspace, watcher, budget_s=8.0)
    assert (found.epochs, found.device) == (2, "cpu")
    assert found.measured_steps == watcher.done - rehearsal.WARM_UP > 0
    assert min(found.step_s, found.saving_s, found.state_s, found.loading_s) > 0
    assert found.epoch_bytes > 0 and found.state_bytes > 0
    assert 0 < found.memory_bytes <= found.free_bytes and found.fits
    assert torch.equal(torch.get_rng_state(), before)


def test_sizes_are_those_that_a_run_writes(journey, settings, tmp_path):
    found = rehearse(settings("leafgan"), journey.workspace, Watcher(tmp_path), budget_s=1.0)
    folder = journey.runs["leafgan"].folder
    assert found.epoch_bytes == pytest.approx(
        sum(path.stat().st_size for part in ("weights", "previews") for path in (folder / part).glob("0001.*")), rel=0.1
    )


def test_slow_steps_are_measured_fewer_times(journey, settings, tmp_path):
    watcher = Watcher(tmp_path)
    found = rehearse(settings("cyclegan"), journey.workspace, watcher, budget_s=0.0)
    assert (watcher.done, found.measured_steps) == (1, 1)


def test_a_rehearsal_can_be_stopped(journey, settings, tmp_path):
    with pytest.raises(Stopped):
        rehearse(settings("cyclegan"), journey.workspace, Watcher(tmp_path, stop_after=1), budget_s=1.0)


def test_of_prior_pictures_two_are_drawn_and_the_others_timed(own, settings, tmp_path):
    shutil.rmtree(own.cache / "priors", ignore_errors=True)

    def rehearsed(count: int) -> tuple[float, int]:
        asked = settings("dreambooth", prior_images=count)
        accept(own, open_base(own, asked.base))
        found = rehearse(asked, own, Watcher(tmp_path / str(count)), budget_s=0.0)
        return found.drawing_s, len(list((own.cache / "priors").rglob("*.png")))

    left_s, drawn = rehearsed(200)
    assert drawn == 2 and left_s > 0
    assert rehearsed(2) == (0.0, 2), "what is here need not be drawn again"
    assert rehearsed(3) == (0.0, 3)
