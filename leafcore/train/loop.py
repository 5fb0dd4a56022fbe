"""The training loop: steps, epochs, saving, previews, stopping, resuming, finiteness. A recipe supplies the rest."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module

import torch
from pydantic import BaseModel

from leafcore.checkpoints import promote
from leafcore.data.seen import save_seen
from leafcore.errors import Stopped, TrainingDiverged
from leafcore.progress import Progress
from leafcore.train.checkpointing import load_state, save_preview, save_state, save_weights
from leafcore.train.configs import RECIPES, TrainConfig
from leafcore.train.confusion import Confusion, load_confusion, save_confusion
from leafcore.train.device import resolve_device
from leafcore.train.new_settings import follow_settings, told_of
from leafcore.train.recipe import Losses, Recipe
from leafcore.train.retention import pinned_epochs, prune
from leafcore.train.trackers import tracked
from leafcore.workspace import Workspace


class TrainResult(BaseModel):
    """What a training run ended with.

    Attributes:
        epochs: How many were trained in all.
        steps: How many steps that were.
        losses: Every loss at the last step.
        scores: Validation scores of the last epoch, if the recipe has any.
        best_epoch: Of those whose weights were saved, the one to use, see `TrainConfig.BEST_BY`.
        confusion: Which classes that epoch takes for which on validation pictures, if the recipe tells classes apart.
        checkpoint: The name it was promoted under, empty for none.
    """

    epochs: int
    steps: int
    losses: dict[str, float]
    scores: dict[str, float]
    best_epoch: int
    confusion: Confusion | None = None
    checkpoint: str = ""


@dataclass(frozen=True)
class Best:
    """The epoch to use, so far: the first of those with the highest score, or the last if there is no score."""

    epoch: int = 0
    score: float | None = None

    def after(self, epoch: int, score: float | None) -> "Best":
        """Return what it is once another epoch is saved."""
        return self if self.score is not None and score is not None and score <= self.score else Best(epoch, score)


def train(config: TrainConfig, workspace: Workspace, progress: Progress) -> TrainResult:
    """Train the recipe that a config belongs to, going on from what the folder holds.

    Raises:
        InputError: The config, the dataset or the mask set is wrong; nothing was trained.
        TrainingDiverged: A loss is no longer a number.
        DiskFull: A save did not fit; the one before is untouched.
        Stopped: Somebody asked to stop; everything a resume needs is saved.
    """
    progress.phase("loading")
    device = resolve_device(config.device)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        recipe = open_recipe(config, workspace, device, progress)
        save_seen(progress.folder, recipe.seen)
        with tracked(config.tracker, config.model_dump(mode="json"), progress) as watcher:
            result = fit(recipe, watcher, lambda: pinned_epochs(workspace, progress.folder.name))
    if config.promote_as:
        promote(workspace, progress.folder.name, config.promote_as, epoch=result.best_epoch)
        result = result.model_copy(update={"checkpoint": config.promote_as})
    return result


def open_recipe(config: TrainConfig, workspace: Workspace, device: torch.device, progress: Progress) -> Recipe:
    """Return the recipe that a config belongs to, with its data loaded; see `Recipe.from_config`."""
    return recipe_of(config).from_config(config, workspace, device, progress)


def recipe_of(config: TrainConfig) -> type[Recipe]:
    """Return the class of the recipe that a config belongs to."""
    entry = next(entry for entry in RECIPES.values() if entry.config is type(config))
    module, name = entry.recipe.split(":")
    recipe: type[Recipe] = getattr(import_module(module), name)
    return recipe


def fit(recipe: Recipe, progress: Progress, pinned: Callable[[], set[int] | None] = set) -> TrainResult:
    """Run the loop itself; see `train`.

    Args:
        recipe: What is trained.
        progress: Who watches, and may ask to stop: it is asked after every step.
        pinned: Returns the epochs whose weights must stay whatever the config keeps; None: all, for now.
    """
    folder, config = progress.folder, recipe.config
    total = recipe.epochs * recipe.steps_per_epoch

    # Go on from the last saved state, if there is one.
    step, losses, scores, best = restore(recipe, progress)
    saved_at = time.monotonic()
    progress.cycle(recipe.steps_per_epoch * config.save_every)
    progress.phase("training")

    while step < total and not recipe.has_settled:
        # Take one step; look at the losses only now and then, so that a GPU need not wait.
        taken = recipe.step(recipe.next_batch())
        step += 1
        epoch = math.ceil(step / recipe.steps_per_epoch)
        if step % config.log_every == 0 or step == total:
            losses = on_host(taken)
            progress.report(step, total, epoch=epoch, **losses)  # what is no number too: the chart shows where
            require_finite(losses, step)
        else:
            progress.report(step, total)

        # Decide what to save; nothing that has diverged.
        ends_epoch = step % recipe.steps_per_epoch == 0
        stopping = progress.should_stop and step < total
        saving = ends_epoch or stopping or time.monotonic() - saved_at > config.state_every_s
        if saving:
            require_finite(on_host(taken), step)

        # Close the epoch: schedulers, scores, weights for users, samples for looking.
        if ends_epoch:
            progress.phase("validating")
            scores = recipe.end_epoch()
            if scores:
                progress.report(step, total, epoch=epoch, **scores)
            for warning in recipe.warnings():
                progress.warn(warning)
            if epoch % config.save_every == 0 or step == total or recipe.has_settled:
                save_epoch(recipe, progress, epoch)
                best = best.after(epoch, scores.get(config.BEST_BY))

        # Save what a resume needs; stop if somebody asked.
        if saving:
            progress.phase("saving")
            told = {"losses": losses, "scores": scores, "best": asdict(best), "settings": told_of(recipe)}
            save_state(folder, recipe, step, {**told, **_rng_states()})
            saved_at = time.monotonic()
            progress.saved(step)
            if config.keep_every:
                prune(folder, config.keep_every, best.epoch, pinned())
            progress.phase("training")
        if stopping:
            raise Stopped

    trained = step // recipe.steps_per_epoch
    chosen = best.epoch or trained
    confusion = load_confusion(folder, chosen)
    return TrainResult(epochs=trained, steps=step, losses=losses, scores=scores, best_epoch=chosen, confusion=confusion)


def save_epoch(recipe: Recipe, progress: Progress, epoch: int) -> None:
    """Save an epoch's weights, confusion matrix and samples."""
    progress.phase("saving")
    save_weights(progress.folder, recipe, epoch)
    if recipe.confusion is not None:
        save_confusion(progress.folder, recipe.confusion, epoch)
    progress.phase("sampling")
    preview = recipe.preview()
    if preview is not None:
        save_preview(progress.folder, preview, epoch)
        progress.sample(preview.as_sheet())


def restore(recipe: Recipe, progress: Progress) -> tuple[int, dict[str, float], dict[str, float], Best]:
    """Load the last saved state, if there is one.

    Returns:
        The steps done, the losses and the scores last recorded, and the epoch to use.
    """
    state = load_state(progress.folder)
    if state is None:
        progress.rewind(0)
        return 0, {}, {}, Best()
    step = int(state["step"])
    recipe.load_state_dict(state["recipe"])
    torch.set_rng_state(state["torch_rng"])
    if torch.cuda.is_available() and state["cuda_rng"]:
        torch.cuda.set_rng_state_all(state["cuda_rng"])
    step = follow_settings(recipe, step, state.get("settings", {}))
    progress.rewind(step)
    progress.saved(step)
    return step, state.get("losses", {}), state.get("scores", {}), Best(**state.get("best", {}))


def _rng_states() -> dict[str, object]:
    return {
        "torch_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def on_host(losses: Losses) -> dict[str, float]:
    """Bring losses to the host, in one transfer."""
    return dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))


def require_finite(losses: dict[str, float], step: int) -> None:
    """Refuse to go on with losses that are no numbers.

    Raises:
        TrainingDiverged: One of them is not a number or infinite; it is named.
    """
    broken = [name for name, value in losses.items() if not math.isfinite(value)]
    if broken:
        raise TrainingDiverged(
            f"The loss {', '.join(broken)} is {losses[broken[0]]} at step {step}: training diverged. The last good "
            "epoch is kept; start a new run with a lower learning rate."
        )
