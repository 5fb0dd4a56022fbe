"""What a picture that somebody brings along tells of itself: its recipe, and whether this workspace knows it."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from pydantic import BaseModel, ValidationError

from leafcore.data.duplicates import perceptual_hash
from leafcore.data.labels import words
from leafcore.data.synthetic_sets import MAKERS, PNG_KEY, Provenance
from leafcore.errors import ConfigError, DatasetError
from leafcore.images import open_rgb
from leafcore.runs import Run, list_runs
from leafcore.workspace import Workspace

Known = Literal["yes", "rewritten", "changed", "no"]
KNOWN: dict[Known, str] = {
    "yes": "It is in this workspace, and unchanged.",
    "rewritten": "It is in this workspace; the file was written anew, its pixels are the same.",
    "changed": "It was made in this workspace, but this file was changed since.",
    "no": "It is not in this workspace; reproduce it to see whether it was changed.",
}
ALIKE_BITS = 4  # of 64 in which the perceptual hashes of one picture, encoded twice, may differ


class Found(BaseModel):
    """What is known of a picture.

    Attributes:
        sha256: Of its file.
        recipe: That it carries; None for none.
        known: Whether this workspace has it.
        run: The run of this workspace that made it, or what looks like it; empty for none.
        file: Its name there.
        told: The same in words, line by line.
    """

    sha256: str
    recipe: dict[str, Any] | None
    known: Known
    run: str = ""
    file: str = ""
    told: tuple[str, ...]


def look_up(workspace: Workspace, path: Path) -> Found:
    """Return what is known of a picture.

    Raises:
        DatasetError: It is no picture, or its recipe is damaged.
    """
    recipe = read_recipe(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if recipe is None:
        run, file = _alike(workspace, path)
        look = f"It looks like {file} of run {run}, whose file has one." if run else "Nothing here looks like it."
        told = (f"There is no recipe in it: it is a photograph, or was saved by another program. {look}",)
        return Found(sha256=sha256, recipe=None, known="no", run=run, file=file, told=told)
    parsed = provenance_in(path)
    known = _known(workspace, parsed, path, sha256)
    run, file = ("", "") if known == "no" else (parsed.run, parsed.file)
    lines = (*describe(parsed), KNOWN[known])
    return Found(sha256=sha256, recipe=recipe, known=known, run=run, file=file, told=lines)


def read_recipe(path: Path) -> dict[str, Any] | None:
    """Return the recipe that a PNG carries, None if it carries none.

    Raises:
        DatasetError: The file is missing or no picture, or its recipe is damaged.
    """
    open_rgb(path)  # says what is wrong with it
    with Image.open(path) as image:
        text = getattr(image, "text", {}).get(PNG_KEY)
    try:
        recipe: dict[str, Any] | None = json.loads(text) if text else None
    except json.JSONDecodeError:
        raise DatasetError(f"{path}: its text {PNG_KEY!r} is no JSON; the picture was changed.") from None
    return recipe


def provenance_in(path: Path) -> Provenance:
    """Return the recipe that a picture carries, of a synthetic set or of the API's `generate`.

    Raises:
        DatasetError: It is no picture, carries no recipe, or one that is damaged.
    """
    said = read_recipe(path)
    if said is None:
        raise DatasetError(f"{path}: carries no recipe; expected a PNG of a synthetic set, as it was written.")
    try:
        return Provenance.model_validate(said if "chain" in said else _of_generated(said, open_rgb(path).width))
    except (ValidationError, KeyError):
        raise DatasetError(f"{path}: its recipe is incomplete; the picture was changed.") from None


def _of_generated(said: dict[str, Any], size_px: int) -> dict[str, Any]:
    """Return the recipe of a picture that was made on the spot, in the form of a set's."""
    step = {"checkpoint": said["checkpoint"].partition("#")[0], "weights_sha256": said["weights_sha256"]}
    blank = dict.fromkeys(Provenance.model_fields.keys() & {
        "file", "source", "source_sha256", "source_labels", "group", "split", "dataset", "run", "config_hash",
        "code_version", "source_license", "weights_license",
    }, "")  # fmt: skip
    chain = [{"recipe": "", "run": "", "epoch": 0, **step}]
    return {**blank, "label_rule": "what was asked for", "chain": chain, "size_px": size_px, **said}


def describe(recipe: Provenance) -> tuple[str, ...]:
    """Return a recipe in plain lines: what, from which source, through which models, how, by what."""
    shown = words(recipe.labels) or "no label"
    if recipe.source:
        of = f"{recipe.source} ({words(recipe.source_labels)}, {recipe.split}) of {recipe.dataset}"
        what = f"Shows {shown}, made of {of}."
    else:
        what = f"Shows {shown}, made {'of the prompt ' + repr(recipe.prompt) if recipe.prompt else 'from noise'}."
    models = " → ".join(
        f"{step.checkpoint} ({f'{step.recipe}, epoch {step.epoch}, ' if step.recipe else ''}{step.weights_sha256[:12]})"
        for step in recipe.chain
    )
    run = f"Run {recipe.run}, code {recipe.code_version}" if recipe.run else "Made on the spot"
    device = {"": "", "none": ", on a CPU"}.get(recipe.gpu, f", on {recipe.gpu} with driver {recipe.driver}")
    libraries = f", {recipe.libraries}" if recipe.libraries else ""
    lines = [
        what,
        f"Through {models}.",
        f"{recipe.size_px} px, seed {recipe.seed}{_how(recipe)}.",
        f"{run}{libraries}{device}.",
    ]
    licenses = [f"{name}: {text}" for name, text in _licenses(recipe) if text]
    return (*lines, f"Licences: {'; '.join(licenses)}.") if licenses else tuple(lines)


def _licenses(recipe: Provenance) -> tuple[tuple[str, str], ...]:
    return ("source", recipe.source_license), ("weights", recipe.weights_license)


def _how(recipe: Provenance) -> str:
    parts = [f"masks {recipe.masks}"] if recipe.masks != "none" else []
    parts += [f"truncation {recipe.truncation:g}"] if recipe.truncation else []
    if recipe.sampling_steps:
        parts.append(f"{recipe.sampling_steps} steps of {recipe.sampler}, guidance {recipe.guidance:g}")
    parts += [f"strength {recipe.strength:g}"] if recipe.strength else []
    parts += [f"without {recipe.negative!r}"] if recipe.negative else []
    return "".join(f", {part}" for part in parts)


def _known(workspace: Workspace, recipe: Provenance, path: Path, sha256: str) -> Known:
    """Return whether this workspace has a picture, and whether the file is still the one that was written."""
    try:
        folder = workspace.run(recipe.run)
    except ConfigError:  # such a run there cannot be
        return "no"
    row = next((row for row in _rows(folder) if row["file"] == recipe.file), None)
    if row is None:
        return "no"
    if row["sha256"] == sha256:
        return "yes"
    theirs, ours = open_rgb(path), open_rgb(folder / "images" / recipe.file)
    return "rewritten" if theirs.size == ours.size and theirs.tobytes() == ours.tobytes() else "changed"


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a ledger as they are; a run may be appending to it."""
    try:
        lines = (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(json.JSONDecodeError):  # the last one, while it is written
            yield json.loads(line)


def _alike(workspace: Workspace, path: Path) -> tuple[str, str]:
    """Return the run and the file of the synthetic picture that looks most like a picture; empty for none."""
    mine = int(perceptual_hash(open_rgb(path)), 16)
    apart = [((mine ^ int(phash, 16)).bit_count(), run.id, file) for run, file, phash in _hashes(workspace)]
    bits, run, file = min(apart, default=(ALIKE_BITS + 1, "", ""))
    return (run, file) if bits <= ALIKE_BITS else ("", "")


def _hashes(workspace: Workspace) -> Iterator[tuple[Run, str, str]]:
    for run in list_runs(workspace):
        if run.kind in MAKERS:
            yield from ((run, row["file"], row["phash"]) for row in _rows(run.folder) if row.get("phash"))
