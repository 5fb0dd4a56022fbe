import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from leafcore.base_models import accept, open_base
from leafcore.checkpoints import promote
from leafcore.cli import main
from leafcore.errors import CheckpointError, ConfigError, OutOfMemory, RunError, Stopped
from leafcore.images import load_square
from leafcore.jobs import build_config, execute, submit
from leafcore.runs import list_runs
from leafcore.train.checkpointing import load_state, read_weights, save_weights
from leafcore.train.configs import DreamBoothConfig
from leafcore.train.dreambooth import DreamBooth, NoisyBatch
from leafcore.train.dreambooth_base import Sampling, load_stable_diffusion
from leafcore.train.dreambooth_data import LatentPictures, PriorPictures
from leafcore.train.loop import train
from tests.conftest import TINY, carrier
from tests.stable_diffusion import write_stable_diffusion
from tests.train.test_recipe import equal
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")

CPU = torch.device("cpu")
EVERYTHING = {"train_text_encoder": True, "gradient_checkpointing": True, "accumulate": 2, "min_snr": 5.0, "flip": True}
VARIANTS: dict[str, dict[str, Any]] = {
    "lora without prior": {"prior_weight": 0.0},
    "lora with everything": EVERYTHING,
    "full": {"method": "full"},
    "full with everything, without prior": {"method": "full", "prior_weight": 0.0, **EVERYTHING},
    "bf16": {"precision": "bf16"},
    "velocity, lora with everything": EVERYTHING,
    "velocity, full": {"method": "full"},
}


@pytest.fixture
def own(own, tiny_base):
    """A copy of the finished journey that a test may change, in which the license of the tiny base is accepted."""
    accept(own, open_base(own, str(tiny_base)))
    return own


@pytest.fixture(scope="module")
def velocity_base(journey, tmp_path_factory) -> Path:
    """A tiny base whose U-Net tells the velocity, as that of Stable Diffusion 2.1 does; its license is accepted."""
    folder = write_stable_diffusion(tmp_path_factory.mktemp("velocity") / "base", prediction="v_prediction")
    accept(journey.workspace, open_base(journey.workspace, str(folder)))
    return folder


@pytest.fixture
def base_of(tiny_base, velocity_base) -> dict[str, Path]:
    """The tiny bases by what their U-Net tells."""
    return {"epsilon": tiny_base, "velocity": velocity_base}


@pytest.fixture
def make(journey, settings, tmp_path):
    """Return a function that makes a recipe with settings of its own."""

    def build(**values: Any) -> DreamBooth:
        config = settings("dreambooth", **values)
        return DreamBooth.from_config(config, journey.workspace, CPU, Watcher(tmp_path))

    return build


@torch.no_grad()
def evaluated(recipe: DreamBooth) -> float:
    """Return the loss over all pictures, with noise and timesteps that are the same each time and not the run's."""
    latents, generator = recipe.instances.means, torch.Generator().manual_seed(1)
    timesteps = range(0, 1000, 50)
    noisy = (
        NoisyBatch(latents, torch.randn(latents.shape, generator=generator), torch.full((len(latents),), at))
        for at in timesteps
    )
    return sum(float(recipe.losses(batch)["denoising"]) for batch in noisy) / len(timesteps)


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_form_of_it_resumes_exactly(journey, settings, base_of, tmp_path, variant):
    base = str(base_of["velocity" if variant.startswith("velocity") else "epsilon"])
    config = settings("dreambooth", epochs=1, epoch_steps=2, base=base, **VARIANTS[variant])
    whole, parts = Watcher(tmp_path / "whole"), tmp_path / "parts"
    result = train(config, journey.workspace, whole)
    stopped = Watcher(parts, stop_after=1)
    with pytest.raises(Stopped):
        train(config, journey.workspace, stopped)
    resumed = Watcher(parts)
    assert train(config, journey.workspace, resumed) == result
    assert stopped.scalars + resumed.scalars == whole.scalars
    assert equal(load_state(parts), load_state(whole.folder))
    assert ("denoising_prior" in result.losses) == (config.prior_weight > 0)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_loss_on_four_pictures_falls(make, method):
    rate = {"lora": 1e-2, "full": 1e-3}[method]
    recipe = make(method=method, learning_rate=rate, batch_size=4, prior_weight=0.0, lora_rank=8)
    four = recipe.instances.means[:4], recipe.instances.deviations[:4]
    recipe.instances = LatentPictures(*four, recipe.generator)
    before = evaluated(recipe)
    for _ in range(30):
        recipe.step(recipe.next_batch())
    assert evaluated(recipe) < {"lora": 0.95, "full": 0.6}[method] * before


def test_a_base_that_tells_the_velocity_is_taught_the_velocity(make, velocity_base):
    recipe = make(base=str(velocity_base), prior_weight=0.0)
    (batch,) = recipe.next_batch()
    scheduler = recipe.model.scheduler
    kept = scheduler.alphas_cumprod[batch.timesteps].view(-1, 1, 1, 1)
    embedded = recipe.model.embed(recipe.tokens[:1].expand(len(batch.latents), -1))
    noisy = kept.sqrt() * batch.latents + (1 - kept).sqrt() * batch.noise
    velocity = kept.sqrt() * batch.noise - (1 - kept).sqrt() * batch.latents  # Salimans & Ho 2022
    with torch.no_grad():
        wanted = (recipe.model.predict(noisy, batch.timesteps, embedded) - velocity).square().mean()
    torch.testing.assert_close(recipe.losses(batch)["denoising"].detach(), wanted)


def test_batches_of_a_step_add_up_to_one(make):
    recipe = make(accumulate=2, batch_size=2)
    first, second = recipe.next_batch()
    recipe.optimizer.zero_grad()
    sum(part for batch in (first, second) for part in recipe.losses(batch).values()).div(2).backward()
    wanted = [parameter.grad.clone() for parameter in recipe._learning()]
    recipe.optimizer.step = lambda: None
    recipe.config = recipe.config.model_copy(update={"max_gradient_norm": 1e9})
    losses = recipe.step([first, second])
    assert all(torch.allclose(a, p.grad, atol=1e-7) for a, p in zip(wanted, recipe._learning(), strict=True))
    mean = (recipe.losses(first)["denoising"] + recipe.losses(second)["denoising"]) / 2
    assert torch.allclose(losses["denoising"], mean.detach())


def test_only_what_is_asked_for_learns(make):
    lora = make(train_text_encoder=True)
    assert set(lora.nets) == {"unet", "text_encoder"}
    assert all("lora" in name for part in lora._learning_by_name().values() for name in part)
    full = make(method="full", prior_weight=0.0)
    assert len(full._learning()) == len(list(full.model.unet.parameters()))
    assert not any(p.requires_grad for net in (full.model.text_encoder, full.model.vae) for p in net.parameters())


# --- drift ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["lora", "full"])
def test_nothing_has_drifted_before_the_first_step_and_something_after_it(make, method):
    recipe = make(method=method, prior_weight=0.0, learning_rate=1e-2)
    assert recipe.end_epoch() == {"learned": 0.0, "drift_a_photo_of_a_leaf": 0.0, "drift_a_dog": 0.0}
    for _ in range(2):
        recipe.step(recipe.next_batch())
    assert min(recipe.end_epoch().values()) > 0


# --- prior pictures ---------------------------------------------------------------------------------------------------


def test_prior_pictures_are_drawn_once_and_more_of_them_only_draws_the_rest(own, settings, tmp_path):
    def drawn(name: str, **values: Any) -> int:
        reports: list[int] = []

        class Counting(Watcher):
            def report(self, done: int, total: int, **scalars: float) -> None:
                if self.phases[-1] == "drawing prior pictures":
                    reports.append(done)
                super().report(done, total, **scalars)

        DreamBooth.from_config(settings("dreambooth", **values), own, CPU, Counting(tmp_path / name))
        return len(reports)

    shutil.rmtree(own.cache / "priors", ignore_errors=True)
    assert drawn("first") == 2
    assert drawn("again", seed=5, method="full") == 0
    assert drawn("more", prior_images=5) == 3
    assert drawn("other", prior_prompt="a leaf") == 2
    assert drawn("none", prior_weight=0.0, prior_prompt="a photo") == 0


def test_prior_pictures_are_the_same_whatever_the_block(own, settings, make, tmp_path, monkeypatch):
    base = make().model
    draw = base.draw

    def draw_one(prompt: str, seeds: Sequence[int], **how: Any) -> torch.Tensor:
        if len(seeds) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return draw(prompt, seeds, **how)

    def drawn(block: int, count: int) -> np.ndarray:
        shutil.rmtree(own.cache / "priors", ignore_errors=True)
        watcher, config = Watcher(tmp_path / f"{block}"), settings("dreambooth", prior_images=count)
        priors = PriorPictures(base, "", config, own, block)
        assert priors.missing == list(range(0, count, block))
        priors.draw(watcher)
        assert priors.missing == [] and watcher.decoded == count
        return priors.read().astype(int)

    alone = drawn(1, 5)
    assert len(np.unique(alone, axis=0)) == 5
    assert abs(drawn(4, 5) - alone).max() <= 1, "up to rounding"
    monkeypatch.setattr(base, "draw", draw_one)
    assert (drawn(4, 5) == alone).all(), "where there is memory for one only"


def test_prior_pictures_of_another_precision_are_others(own, settings, tiny_base, tmp_path):
    shutil.rmtree(own.cache / "priors", ignore_errors=True)
    config, ways = settings("dreambooth", sample_steps=8), [("fp32", torch.float32), ("bf16", torch.float32)]
    found = []
    for precision, frozen in [*ways, ("bf16", torch.bfloat16)]:
        base = load_stable_diffusion(tiny_base, CPU, precision, frozen=frozen)
        priors = PriorPictures(base, "", config, own)
        assert len(priors.missing) == config.prior_images
        priors.draw(Watcher(tmp_path / f"{precision}-{frozen}"))
        found.append(priors.read())
    assert (found[0] != found[1]).any() and (found[0] != found[2]).any()
    auto = load_stable_diffusion(tiny_base, CPU, "auto")
    assert PriorPictures(auto, "", config, own).missing == [], "auto is fp32 on a CPU"


@pytest.mark.parametrize("block", [1, 2])
def test_a_damaged_prior_picture_is_drawn_again(own, settings, make, tmp_path, block):
    shutil.rmtree(own.cache / "priors", ignore_errors=True)
    priors = PriorPictures(make().model, "", settings("dreambooth", prior_images=3), own, block)
    priors.draw(Watcher(tmp_path / "drawing"))
    whole = priors.read()
    file = next((own.cache / "priors").rglob("0001.png"))
    file.write_bytes(file.read_bytes()[:60])
    assert (priors.read() == whole).all() and (load_square(file, 32) == whole[1]).all()


# --- what it keeps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", ["epsilon", "velocity"])
def test_a_lora_file_makes_a_plain_pipeline_draw_the_picture_of_the_trained_model(make, base_of, tmp_path, told):
    recipe = make(train_text_encoder=True, learning_rate=1e-1, base=str(base_of[told]))
    for _ in range(3):
        recipe.step(recipe.next_batch())
    path = save_weights(tmp_path, recipe, epoch=1)
    plain = StableDiffusionPipeline.from_pretrained(base_of[told], local_files_only=True)
    plain.set_progress_bar_config(disable=True)
    plain.scheduler = DPMSolverMultistepScheduler.from_config(plain.scheduler.config)

    def drawn() -> np.ndarray:
        how = {"num_inference_steps": 4, "guidance_scale": 3.0, "height": 32, "width": 32}
        found = plain(recipe.config.prompt, generator=torch.Generator().manual_seed(7), output_type="np", **how)
        return (found.images * 255).round().astype(np.uint8)

    before = drawn()
    plain.load_lora_weights(path.parent, weight_name=path.name)
    after = drawn()
    latents = recipe.model.draw(recipe.config.prompt, [7], size_px=32, sampling=Sampling(4, 3.0))
    assert (after == recipe.model.decode(latents)).all()
    assert (after != before).any()
    assert path.stat().st_size < 100_000


def test_all_weights_load_into_a_plain_unet(make, tiny_base, tmp_path):
    recipe = make(method="full", prior_weight=0.0)
    recipe.step(recipe.next_batch())
    description, networks = read_weights(save_weights(tmp_path, recipe, epoch=1))
    assert set(networks) == set(description["nets"]) == {"unet"}
    plain = StableDiffusionPipeline.from_pretrained(tiny_base, local_files_only=True).unet
    plain.load_state_dict(networks["unet"])
    assert equal(plain.state_dict(), recipe.model.unet.state_dict())


def test_a_kept_epoch_knows_its_base_and_its_terms(own, journey, tiny_base):
    run = carrier(own)("dreambooth", dataset=journey.dataset, base=str(tiny_base), epochs=1, epoch_steps=1)
    card = promote(own, run.id, "sks").card
    assert card.license.startswith("creativeml-openrail-m (") and card.description["base"] == str(tiny_base)
    assert card.description["token"] == "sks" and len(card.description["base_sha256"]) == 64


def test_a_preview_shows_each_prompt_beside_what_the_base_drew(make):
    recipe = make(samples=2, method="full", learning_rate=1e-2, prior_weight=0.0)
    untouched = recipe.preview()
    assert untouched.columns == ("base", "sample 1", "sample 2")
    assert [row["prompt"] for row in untouched.rows] == ["a photo of sks leaf", "a photo of a leaf", "a dog"]
    assert all((row[0] == row[1]).all() and (row[1] != row[2]).any() for row in untouched.pictures)
    for _ in range(3):
        recipe.step(recipe.next_batch())
    taught = recipe.preview()
    assert all((then[0] == now[0]).all() for then, now in zip(untouched.pictures, taught.pictures, strict=True))
    assert any((now[0] != now[1]).any() for now in taught.pictures)


def test_what_is_no_number_becomes_no_picture(make):
    with pytest.raises(RunError, match="pictures: 1 of 1 came out with values that are no numbers"):
        make().model.decode(torch.full((1, 4, 16, 16), torch.nan))


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prompt": "a photo of leaf"}, "prompt: got 'a photo of leaf', expected the token 'sks' as a word of it"),
        ({"prompt": "a photo of sksleaf"}, "prompt: got .* expected the token 'sks' as a word"),
        ({"token": ""}, "prompt: .* expected the token ''"),
        ({"prior_prompt": "a photo of sks leaf"}, "prior_prompt: got .* expected words without the token 'sks'"),
        ({"probes": "a leaf, sks dog"}, "probes: got 'sks dog', expected words without the token"),
        ({"probes": "a photo of SKS leaf"}, "probes: got 'a photo of SKS leaf', expected words without the token"),
        ({"token": "Sks", "prior_prompt": "a sks leaf"}, "prior_prompt: got 'a sks leaf', expected words without"),
        ({"token": "sks leaf"}, "prompt: .* expected the token 'sks leaf' as a word"),
    ],
)
def test_prompts_that_cannot_teach_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        DreamBoothConfig.build({"dataset": "d", **values})


def test_more_steps_than_draw_a_picture_are_refused():
    with pytest.raises(ConfigError, match="sample_steps: got 501, expected less than or equal to 500"):
        DreamBoothConfig.build({"dataset": "d", "sample_steps": 501})


@pytest.mark.parametrize("prompt", ["a photo of a leaf, sks, macro", "SKS leaf", "a (sks) leaf"])
def test_a_token_is_known_as_clip_reads_it(prompt):
    assert DreamBoothConfig.build({"dataset": "d", "prompt": prompt}).prompt == prompt


def test_a_size_that_the_base_cannot_halve_is_refused(make):
    with pytest.raises(ConfigError, match="size_px: got 34, expected a multiple of 4 px for this base"):
        make().model.require_size(34)


def test_a_size_that_is_not_the_bases_own_is_warned_of_once(own, settings, tiny_base, tmp_path):
    for size_px, count in ((32, 0), (64, 1)):
        watcher = Watcher(tmp_path / f"{size_px}")
        train(settings("dreambooth", size_px=size_px, epochs=1, prior_weight=0.0), own, watcher)
        said = [warning for warning in watcher.warnings if "px" in warning]
        assert len(said) == count
    assert said[0].startswith("The base was trained on pictures of 32 px and is taught at 64 px: ")
    assert "Choose size_px 32" in said[0]


def test_eight_bits_need_what_there_is_not_here(make):
    with pytest.raises(ConfigError, match="optimizer: adamw8bit needs .*; choose adamw"):
        make(optimizer="adamw8bit")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_part_that_cannot_be_read_is_named(own, settings, tiny_base, tmp_path, part):
    folder = tmp_path / "damaged"
    shutil.copytree(tiny_base, folder)
    for file in (folder / part).iterdir():
        file.write_text("{")
    accept(own, open_base(own, str(folder)))
    with pytest.raises(CheckpointError) as caught:
        DreamBooth.from_config(settings("dreambooth", base=str(folder)), own, CPU, Watcher(tmp_path / "run"))
    assert str(folder / part) in str(caught.value) and "\n" not in str(caught.value)


def test_a_base_that_predicts_neither_noise_nor_velocity_is_refused(tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base, tmp_path / "base")
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace('"epsilon"', '"sample"'))
    with pytest.raises(CheckpointError, match="its U-Net predicts 'sample', expected epsilon or v_prediction"):
        load_stable_diffusion(folder, CPU)


def test_a_full_memory_is_one_line_and_its_fix_is_queued(own, journey, tiny_base, monkeypatch):
    def full(*args: Any, **kwargs: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2.00 GiB.")

    values = {**TINY["dreambooth"], "base": str(tiny_base), "prior_weight": 0.0, "device": "cpu"}
    run = submit(own, "dreambooth", build_config("dreambooth", {**values, "dataset": journey.dataset}))
    monkeypatch.setattr(DreamBooth, "step", full)
    with pytest.raises(OutOfMemory) as caught:
        execute(own, run, lane="cpu", owner="cli")
    assert str(caught.value) == "The memory is full: try gradient_checkpointing true or batch_size 1."
    assert run.status().failure.message == str(caught.value)
    assert main(["fix", run.id, "--workspace", str(own.root)]) == 0
    fixed = next(other for other in list_runs(own, "dreambooth") if other.id not in {run.id})
    assert fixed.record.settings == {**run.record.settings, "gradient_checkpointing": True}
