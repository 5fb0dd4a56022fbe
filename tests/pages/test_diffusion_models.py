"""Diffusion models on the pages: watched, kept and used as noise models are, with settings of their own."""

import pytest

from leafcore.checkpoints import open_checkpoint
from leafcore.runs import list_runs
from leafcore.usage import read_usage
from tests.conftest import carrier
from tests.noise_models import CLASSES, plant_diffusion_model, studio_of


@pytest.fixture
def studio(open_app, own, journey, monkeypatch):
    """The Studio over a diffusion model with classes and one without, and what its worker was asked."""
    plant_diffusion_model(own, "guided", journey.dataset, CLASSES)
    plant_diffusion_model(own, "free", journey.dataset)
    return studio_of(open_app, own, monkeypatch)


def test_a_run_is_watched_and_an_epoch_of_it_kept(open_app, own, journey):
    run = carrier(own)("diffusion", dataset=journey.dataset, labels="rust,scab")
    app = open_app(own)
    page = app.open("runs", run=run.id, run_tab="Samples")
    assert "**Epoch 2** · rust, scab, a row each" in [text.value for text in page.markdown]
    page = app.open("epochs", erun=run.id)
    page.button(key="promote").click().run()
    app.checked()
    assert open_checkpoint(own, "diffusion-leaves").is_noise_model


def test_a_preview_follows_guidance_sampler_and_steps(studio, own):
    app, worker = studio
    page = app.open("studio", how="From noise", noise_model="guided")
    assert not [slider for slider in page.select_slider if slider.key == "truncation"]
    page.select_slider(key="guidance").set_value(4.0)
    page.segmented_control(key="sampler").set_value("ddim").run()
    page.select_slider(key="sampling_steps_ddim").set_value(5)
    page.button(key="noise_preview").click().run()
    app.checked()
    (question,) = worker.asked
    assert (question.guidance, question.sampler, question.sampling_steps) == (4.0, "ddim", 5)
    assert [use.checkpoint for use in read_usage(own)] == ["guided"]
    page.button(key="noise_generate").click().run()
    app.checked()
    settings = list_runs(own, "synthesize")[0].record.settings
    assert (settings["guidance"], settings["sampler"], settings["sampling_steps"]) == (4.0, "ddim", 5)


def test_only_steps_that_a_model_can_take_are_offered(studio):
    page = studio[0].open("studio", how="From noise", noise_model="guided")
    assert page.select_slider(key="sampling_steps_dpm-solver").options == ["5", "10", "15", "20", "25"]
    page.segmented_control(key="sampler").set_value("ddim").run()
    assert page.select_slider(key="sampling_steps_ddim").options == ["5", "10", "25", "50"]


def test_the_command_of_a_way_says_how_noise_is_taken_away(studio):
    page = studio[0].open("studio", how="From noise", noise_model="guided", noise_tab="Between two seeds")
    page.select_slider(key="guidance").set_value(4.0)
    page.select_slider(key="sampling_steps_dpm-solver").set_value(5)
    page.button(key="noise_preview").click().run()
    studio[0].checked()
    (command,) = [code.value for code in page.code if "leafcore interpolate" in code.value]
    assert "--checkpoint guided" in command and "--guidance 4.0 --sampling-steps 5" in command
    assert "weights-sha256" not in command


def test_a_model_without_classes_has_nothing_to_be_guided_to(studio):
    page = studio[0].open("studio", how="From noise", noise_model="free")
    assert "guidance" not in [slider.key for slider in page.select_slider]
    assert page.select_slider(key="sampling_steps_dpm-solver").value == 20
