"""The verb that makes a picture again from the recipe that it carries, and says whether the pixels are the same."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel

from leafcore.data.recipes import provenance_in
from leafcore.data.synthetic_sets import Provenance
from leafcore.environment import environment
from leafcore.errors import DatasetError
from leafcore.files import write_bytes
from leafcore.images import encode_png, open_rgb, sheet
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.synthesize.remake import remake
from leafcore.synthesize.reproduce_config import MADE, ReproduceConfig
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

NOT_RECORDED = "not recorded"


class Change(BaseModel):
    """What was something else when the picture was made: `then` and `now`."""

    then: str
    now: str


class ReproduceResult(BaseModel):
    """What came of making a picture again.

    Attributes:
        same: Whether all pixels are.
        largest: The largest difference of a color value, of 255.
        mean: The mean difference, of 255.
        share: Of the pixels that differ, from 0 to 1.
        changed: What differs of what may explain it: "code", each library, "gpu", "driver".
        sentence: All of this in words.
    """

    same: bool
    largest: int
    mean: float
    share: float
    changed: dict[str, Change]
    sentence: str


def reproduce(config: ReproduceConfig, workspace: Workspace, progress: Progress) -> ReproduceResult:
    """Make a picture again from its recipe, and compare the pixels.

    Raises:
        DatasetError: The picture carries no recipe, or its source is gone or not as it was.
        InputError: A model or a mask set is not here.
    """
    progress.phase("loading")
    path = Path(config.picture)
    recipe, then = provenance_in(path), np.asarray(open_rgb(path))
    height, width = then.shape[:2]
    if {height, width} != {recipe.size_px}:
        raise DatasetError(
            f"{path}: {width} x {height} px, but its recipe makes {recipe.size_px} x {recipe.size_px}; the picture was "
            "changed."
        )
    device = resolve_device("cpu" if config.device == "auto" and recipe.gpu == "none" else config.device)
    progress.phase("making it again")
    now = remake(recipe, workspace, device, progress)
    if recipe.batch > 1 and (now != then).any():
        now = remake(recipe, workspace, device, progress, recipe.batch)
    write_bytes(progress.folder / MADE, encode_png(now))
    progress.sample(sheet([[then, now]]))
    return compare(then, now, changes(recipe, str(device)))


def compare(then: np.ndarray, now: np.ndarray, changed: dict[str, Change]) -> ReproduceResult:
    """Say how two pictures differ.

    Args:
        then: (H, W, 3) uint8.
        now: The same of the other.
        changed: What may explain it.
    """
    apart = np.abs(then.astype(int) - now.astype(int))
    largest, mean, share = int(apart.max()), float(apart.mean()), float((apart > 0).any(axis=-1).mean())
    if not largest:
        sentence = "The pixels are the same."
    else:
        told = [f"{name} was {one.then}, is {one.now}" for name, one in changed.items()]
        why = "; ".join(told) or "code, libraries and device are the same, so the picture or its recipe was changed"
        sentence = f"{share:.1%} of the pixels differ, by {mean:.2g} on average and {largest} at most, of 255: {why}."
    return ReproduceResult(
        same=not largest, largest=largest, mean=mean, share=share, changed=changed, sentence=sentence
    )


def changes(recipe: Provenance, device: str) -> dict[str, Change]:
    """Return what computes otherwise now than when a picture was made.

    Args:
        recipe: Of the picture.
        device: Where it is made now.
    """
    here = environment(device)
    then = {"code": recipe.code_version, **_libraries(recipe.libraries), "gpu": recipe.gpu, "driver": recipe.driver}
    now = {"code": code_version(), **_libraries(here["libraries"]), "gpu": here["gpu"], "driver": here["driver"]}
    return {
        name: Change(then=then.get(name) or NOT_RECORDED, now=now.get(name) or "not here")
        for name in {**now, **then}
        if then.get(name) != now.get(name)
    }


def _libraries(text: str) -> dict[str, str]:
    """Return versions by name: of "python 3.11.2, torch 2.4"."""
    parts = (part.strip().partition(" ") for part in text.split(",") if part.strip())
    return {name: version for name, _, version in parts}
