"""What a DreamBooth run begins with: the same base at every start, and prompts that its text encoder reads whole."""

from collections.abc import Sequence
from pathlib import Path

from transformers import CLIPTokenizer

from leafcore.base_list import find_base
from leafcore.base_models import BaseModel, open_base
from leafcore.errors import CheckpointError, ConfigError
from leafcore.files import read_json, write_json
from leafcore.progress import Progress
from leafcore.prompts import has_token
from leafcore.train.dreambooth_config import DreamBoothConfig
from leafcore.workspace import Workspace

BASE_FILE = "base.json"  # in the run's folder: which base its state belongs to
EVERYDAY = 40_000  # pieces of CLIP's 49,408 come in the order in which merging frequent ones made them


def base_of_run(workspace: Workspace, name: str, folder: Path) -> BaseModel:
    """Return the base that a run starts from; that of a run which goes on, wherever it is now.

    Raises:
        CheckpointError: It is no base, or gone.
    """
    identity = _began_with(folder)
    return find_base(workspace, name, identity) if identity else open_base(workspace, name)


def keep_base(folder: Path, base: BaseModel, identity: str) -> None:
    """Write down which base a run has, or refuse to go on with another than it began with.

    Args:
        folder: The run's.
        base: Which it is now.
        identity: Its `fingerprint`.

    Raises:
        CheckpointError: The run's state belongs to another base.
    """
    before = _began_with(folder)
    if before and before != identity:
        raise CheckpointError(
            f"base: in {base.folder} is another model (fingerprint {identity[:12]}) than this run began with "
            f"({before[:12]}); put that one back, or start a new run."
        )
    write_json(folder / BASE_FILE, {"name": base.name, "sha256": identity})


def _began_with(folder: Path) -> str:
    """Return the fingerprint of the base that a run's state belongs to; empty if there is no state yet."""
    if not (folder / "state.pt").exists() or not (folder / BASE_FILE).exists():
        return ""
    return str(read_json(folder / BASE_FILE)["sha256"])


def check_size(native_px: int, size_px: int, progress: Progress) -> None:
    """Warn that a base is taught at another size than its own.

    Args:
        native_px: See `StableDiffusion.native_px`.
        size_px: Of the pictures that it is taught.
        progress: Who is warned.
    """
    if native_px not in (0, size_px):
        progress.warn(
            f"The base was trained on pictures of {native_px} px and is taught at {size_px} px: at a size that is not "
            f"its own it draws worse, prior pictures too. Choose size_px {native_px} if memory and time allow."
        )


def check_prompts(
    tokenizer: CLIPTokenizer, config: DreamBoothConfig, labels: Sequence[str], progress: Progress
) -> None:
    """Say what the text encoder never reads of a prompt, and that the token means something already.

    Args:
        tokenizer: The base's.
        config: Says prompts and token.
        labels: What the pictures show; a token that names it is none.
        progress: Who is warned.

    Raises:
        ConfigError: It never reads the token.
    """
    limit = tokenizer.model_max_length
    for prompt in dict.fromkeys((config.prompt, *config.probe_prompts)):
        pieces = _pieces(tokenizer, prompt)
        if len(pieces) <= limit - 2:  # a start and an end are added
            continue
        read, lost = (tokenizer.decode(part).strip() for part in (pieces[: limit - 2], pieces[limit - 2 :]))
        said = f"the text encoder reads {limit - 2} pieces of a prompt, and this one has {len(pieces)}"
        if prompt == config.prompt and not has_token(read, config.token):
            raise ConfigError(f"prompt: got {prompt!r}: {said}: the token {config.token!r} is never read; shorten it.")
        progress.warn(f"Of the prompt {prompt!r} the end {lost!r} is not read: {said}.")
    pieces = _pieces(tokenizer, config.token)
    is_everyday = len(pieces) == 1 and pieces[0] < EVERYDAY < len(tokenizer)
    if is_everyday or has_token(" ".join(labels), config.token):
        progress.warn(
            f"The token {config.token!r} is a word that the base knows well: what that means is mixed into the "
            "pictures, and unlearned elsewhere. A rare one, such as sks, means nothing yet."
        )


def _pieces(tokenizer: CLIPTokenizer, text: str) -> list[int]:
    """Return a text in pieces of the vocabulary, however many they are."""
    pieces: list[int] = tokenizer(text, add_special_tokens=False, verbose=False).input_ids
    return pieces
