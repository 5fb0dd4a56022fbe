"""Checkpoints: promoted models, the ones the Studio offers. Free of torch, so that pages can list them.

```
checkpoints/<name>/
  weights.safetensors    the networks, with the recipe's description in the header
  card.json              where they come from; the weights' SHA-256
  seen.json              what they have seen, for the leak check
  sample.jpg             what they do
```

A run that waits must not change its meaning when a name gets other weights, so what a config records ends in the first
digits of their hash: `healthy-to-rust#7e084268a26f`. Weights with another hash are refused.
"""

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from leafcore.data.seen import Seen, admit_unknown, load_seen, roles_of
from leafcore.errors import CheckpointError, ConfigError, NotFoundError
from leafcore.files import read_json, require_space, write_bytes, write_json
from leafcore.runs import code_version, open_run
from leafcore.workspace import SHIPPED_CHECKPOINTS, Workspace, check_name

PIN_DIGITS = 12  # of the weights' hash, in what a config records

log = logging.getLogger(__name__)


class CheckpointCard(BaseModel):
    """Where a checkpoint comes from.

    Attributes:
        name: What the Studio calls it.
        recipe: Which recipe made it.
        description: What the weights file's header says: networks, labels, size, dataset.
        run: The run it was promoted from.
        epoch: Which epoch's weights these are.
        weights_sha256: The weights file's hash.
        license: Under which terms the weights may be used.
        created: Seconds since 1970.
        code_version: Of the code that promoted it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    recipe: str
    description: dict[str, Any]
    run: str
    epoch: int
    weights_sha256: str
    license: str = "as the pictures it was trained on"
    created: float
    code_version: str


@dataclass(frozen=True)
class Checkpoint:
    """Weights that can be used: promoted, shipped, or an epoch of a run.

    Attributes:
        card: Where they come from.
        weights: The file.
        folder: Holds `seen.json`: the checkpoint's folder, or the run's.
    """

    card: CheckpointCard
    weights: Path
    folder: Path

    @property
    def name(self) -> str:
        """What a person calls it: its name, or `run@epoch`."""
        return self.card.name

    @property
    def ref(self) -> str:
        """`name#hash` or `run@epoch#hash`: what configs record, for it never means other weights."""
        return f"{self.name}#{self.card.weights_sha256[:PIN_DIGITS]}"

    @property
    def is_translator(self) -> bool:
        """Whether it turns pictures of one label set into pictures of another."""
        return "gen_ab" in self.card.description.get("nets", {})

    @property
    def is_noise_model(self) -> bool:
        """Whether it makes pictures from latent vectors, or from as much noise as a picture has."""
        return "latent" in self.card.description

    @property
    def is_prompt_model(self) -> bool:
        """Whether it draws what a prompt says."""
        return "token" in self.card.description

    def seen(self) -> Seen:
        """Return what the model has seen, by role; unknown where its recipe has a role that nobody wrote down."""
        return admit_unknown(load_seen(self.folder), roles_of(self.card.recipe), self.name)

    @property
    def shipped(self) -> bool:
        """Whether it came with the application."""
        return self.folder.parent == SHIPPED_CHECKPOINTS


def list_checkpoints(workspace: Workspace, recipe: str | None = None) -> list[Checkpoint]:
    """Return the user's checkpoints, then the shipped ones, each by name; one with a damaged card is left out.

    Args:
        workspace: Where the user's are.
        recipe: Only those of this recipe.
    """
    found: dict[str, Checkpoint] = {}
    for root in (workspace.checkpoints, SHIPPED_CHECKPOINTS):
        for card_file in sorted(root.glob("*/card.json")):
            try:
                found.setdefault(card_file.parent.name, _open_folder(card_file.parent))
            except CheckpointError as error:
                log.warning("%s", error)
    return [checkpoint for checkpoint in found.values() if recipe in {None, checkpoint.card.recipe}]


def open_checkpoint(workspace: Workspace, ref: str) -> Checkpoint:
    """Return weights by what a config calls them.

    Args:
        workspace: Where to look.
        ref: A checkpoint's name; or a run's id for its last epoch; or `id@epoch`. Each may end in `#` and the first
            digits of the weights' SHA-256, see `Checkpoint.ref`.

    Raises:
        NotFoundError: There is nothing by that name.
        CheckpointError: Its card is damaged, the weights are no safetensors file, or not those that the digits say.
    """
    named, _, digits = ref.partition("#")
    checkpoint = _find(workspace, named)
    if not checkpoint.card.weights_sha256.startswith(digits):
        raise CheckpointError(
            f"checkpoint: {named} holds other weights now ({checkpoint.ref.partition('#')[2]}) than were asked for "
            f"({digits}). Promote those under this name again and resume, or queue a new run with the present ones."
        )
    return checkpoint


def _find(workspace: Workspace, ref: str) -> Checkpoint:
    name, _, epoch = ref.partition("@")
    folder = workspace.checkpoint(name)
    if not epoch and (folder / "card.json").exists():
        return _open_folder(folder)
    run_folder = workspace.run(name)
    if (run_folder / "config.json").exists():
        return _open_epoch(run_folder, epoch)
    known = ", ".join(checkpoint.name for checkpoint in list_checkpoints(workspace)) or "none yet"
    raise NotFoundError(f"checkpoint: got {ref!r}, known: {known}; or the id of a training run.")


def _open_folder(folder: Path) -> Checkpoint:
    try:
        card = CheckpointCard.model_validate(read_json(folder / "card.json"))
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError):
        raise CheckpointError(
            f"{folder / 'card.json'}: damaged; promote {folder.name} again, with --replace."
        ) from None
    card = card.model_copy(update={"name": folder.name})  # the folder may have been renamed
    return Checkpoint(card, folder / "weights.safetensors", folder)


def _open_epoch(run_folder: Path, epoch: str) -> Checkpoint:
    saved = epochs(run_folder)
    if not saved:
        raise NotFoundError(f"checkpoint: run {run_folder.name} has saved no weights; it trains no model, or not yet.")
    wanted = _epoch_number(epoch, saved)
    weights = run_folder / "weights" / f"{wanted:04d}.safetensors"
    description = read_description(weights)
    card = CheckpointCard(
        name=f"{run_folder.name}@{wanted}",
        recipe=str(description["recipe"]),
        description=description,
        run=run_folder.name,
        epoch=wanted,
        weights_sha256=sha256(weights),
        **({"license": str(description["license"])} if "license" in description else {}),
        created=weights.stat().st_mtime,
        code_version=code_version(),
    )
    return Checkpoint(card, weights, run_folder)


def _epoch_number(text: str, saved: list[int]) -> int:
    if not text:
        return saved[-1]
    if not text.isdecimal() or int(text) not in saved:
        raise NotFoundError(f"epoch: got {text!r}, expected one of the saved epochs: {', '.join(map(str, saved))}.")
    return int(text)


def epochs(run_folder: Path) -> list[int]:
    """Return the epochs whose weights a run has saved, in order."""
    return sorted(int(path.stem) for path in (run_folder / "weights").glob("*.safetensors") if path.stem.isdigit())


def read_description(weights: Path) -> dict[str, Any]:
    """Read what a weights file's header says about its networks; no tensor is loaded.

    Raises:
        CheckpointError: It is no safetensors file, or not one of ours.
    """
    try:
        with safe_open(weights, framework="np") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{weights}: there is no such weights file.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{weights}: not a safetensors file ({error}); expected weights this app saved."
        ) from None
    if "leaf" not in metadata:
        raise CheckpointError(f"{weights}: a safetensors file whose header does not say which networks it holds.")
    description: dict[str, Any] = json.loads(metadata["leaf"])
    return description


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hex; one that has not changed is read once."""
    stat = path.stat()
    return _sha256(path, (stat.st_ino, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=256)
def _sha256(path: Path, version: tuple[int, int, int]) -> str:
    del version  # part of the key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_unchanged(checkpoint: Checkpoint) -> None:
    """Refuse weights that are not the ones the card was written for.

    Raises:
        CheckpointError: Their hash is another.
    """
    if sha256(checkpoint.weights) != checkpoint.card.weights_sha256:
        raise CheckpointError(
            f"{checkpoint.weights}: changed since {checkpoint.name} was promoted; put it back, or promote it again."
        )


def promote(
    workspace: Workspace,
    run_id: str,
    name: str,
    *,
    epoch: int | None = None,
    replace: bool | None = None,
    half: bool = False,
) -> Checkpoint:
    """Copy an epoch's weights to where the Studio finds them, under a name, pinned by their hash.

    Faces say `replace=False` unless a person asked for more; a run that promotes its own last epoch says nothing.

    Args:
        workspace: Where the run is, and where the checkpoint goes.
        run_id: The training run.
        name: What to call it.
        epoch: Which epoch; the last saved one if None.
        replace: Whether a checkpoint of that name may be overwritten; None: only one that came from the same run.
        half: Keep the weights in 16 bits: half the size, and each weight off by at most 0.05 %.

    Raises:
        ConfigError: The name cannot be used, or is taken.
        NotFoundError: There is no such run or epoch.
        CheckpointError: A weight does not fit into 16 bits.
        DiskFull: There is no room for a copy.
    """
    check_name(name, "name")
    run_folder = open_run(workspace, run_id).folder
    source = _open_epoch(run_folder, "" if epoch is None else str(epoch))
    target = workspace.checkpoints / name
    if not replace:
        require_free(workspace, name, run_id=run_id if replace is None else "")
    workspace.checkpoints.mkdir(parents=True, exist_ok=True)
    content = _in_half(source.weights) if half else source.weights.read_bytes()
    require_space(workspace.checkpoints, len(content))
    write_bytes(target / "weights.safetensors", content)
    _copy_if_there(run_folder / "seen.json", target / "seen.json")
    _copy_if_there(run_folder / "previews" / f"{source.card.epoch:04d}.jpg", target / "sample.jpg")
    kept = {"name": name, "created": time.time(), "weights_sha256": hashlib.sha256(content).hexdigest()}
    card = source.card.model_copy(update=kept)
    write_json(target / "card.json", card.model_dump(mode="json"))
    return _open_folder(target)


def require_free(workspace: Workspace, name: str, *, what: str = "name", run_id: str = "") -> None:
    """Refuse a name that one of the user's checkpoints has.

    Args:
        workspace: Where they are; a shipped one of that name is hidden, not overwritten.
        name: The name.
        what: The setting that asks for it, for the message.
        run_id: A run whose own checkpoint is no obstacle.

    Raises:
        ConfigError: The name is taken.
        CheckpointError: It is taken by a checkpoint whose card is damaged.
    """
    folder = workspace.checkpoints / name
    if not (folder / "card.json").exists():
        return
    card = _open_folder(folder).card
    if not run_id or card.run != run_id:
        raise ConfigError(
            f"{what}: there is already a checkpoint {name!r} (epoch {card.epoch} of run {card.run or 'unknown'}); "
            "choose another name. Only `promote --replace` overwrites it."
        )


def _in_half(weights: Path) -> bytes:
    """Return a weights file whose 32-bit numbers have become 16-bit ones; networks take them in as 32-bit again."""
    header = {"leaf": json.dumps(read_description(weights))}
    tensors = load(weights.read_bytes())
    for name, tensor in tensors.items():
        if tensor.dtype == np.float32:
            with np.errstate(over="ignore"):
                tensors[name] = tensor.astype(np.float16)
            if not np.isfinite(tensors[name]).all():
                raise CheckpointError(f"{weights}: {name} does not fit into 16 bits; promote it without half.")
    return save(tensors, metadata=header)


def _copy_if_there(source: Path, target: Path) -> None:
    """Copy a file; where there is none, take away what an earlier checkpoint of that name left."""
    if source.exists():
        write_bytes(target, source.read_bytes())
    else:
        target.unlink(missing_ok=True)
