"""What a training run saves: weights for users, a state for resuming, previews for looking.

```
weights/0012.safetensors    the exported networks, with the recipe's description in the header
state.pt                    everything a resume needs; one file, replaced
previews/0012.jpg  .json    what the networks make of the probes
```
"""

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors

from leafcore.errors import CheckpointError
from leafcore.files import require_space, write_bytes, write_json
from leafcore.images import encode_jpeg
from leafcore.train.recipe import Preview, Recipe


def weights_path(folder: Path, epoch: int) -> Path:
    """Return where an epoch's weights are."""
    return folder / "weights" / f"{epoch:04d}.safetensors"


def save_weights(folder: Path, recipe: Recipe, epoch: int) -> Path:
    """Write the exported networks of an epoch.

    Raises:
        DiskFull: There is no room; nothing was written.
    """
    path = weights_path(folder, epoch)
    write_weights(path, recipe, {**recipe.describe(), "epoch": epoch})
    return path


def write_weights(path: Path, recipe: Recipe, description: Mapping[str, Any]) -> None:
    """Write the exported networks as they are now.

    Args:
        path: Where to.
        recipe: Whose networks.
        description: What the file's header says of them.

    Raises:
        DiskFull: There is no room; nothing was written.
    """
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, weights in recipe.weights().items()
        for key, value in weights.items()
    }
    content = save_tensors(tensors, metadata={"leaf": json.dumps(description)})
    path.parent.mkdir(parents=True, exist_ok=True)
    require_space(path.parent, len(content))
    write_bytes(path, content)


def read_weights(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """Read a weights file.

    Returns:
        The recipe's description, and each network's tensors by the network's name.

    Raises:
        CheckpointError: It is missing, no safetensors file, or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such weights file.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: not a safetensors file ({error}); expected weights that this app saved."
        ) from None
    if "leaf" not in metadata:
        raise CheckpointError(f"{path}: a safetensors file, but its header does not say which networks it holds.")
    networks: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, rest = key.partition(".")
        networks.setdefault(name, {})[rest] = tensor
    return json.loads(metadata["leaf"]), networks


def save_state(folder: Path, recipe: Recipe, step: int, extra: Mapping[str, Any]) -> None:
    """Write everything a resume needs, replacing the last.

    Raises:
        DiskFull: There is no room; the last state is untouched.
    """
    buffer = io.BytesIO()
    torch.save({"step": step, "recipe": recipe.state_dict(), **extra}, buffer)
    require_space(folder, buffer.getbuffer().nbytes)
    write_bytes(folder / "state.pt", buffer.getvalue())


def load_state(folder: Path) -> dict[str, Any] | None:
    """Read what `save_state` wrote, or None if there is nothing yet.

    Raises:
        CheckpointError: The file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise CheckpointError(
            f"{folder / 'state.pt'}: cannot be read ({type(error).__name__}); start the run anew."
        ) from None
    return state


def save_preview(folder: Path, preview: Preview, epoch: int) -> None:
    """Write an epoch's preview: what its rows and columns are, then the picture, by which readers find both."""
    size = preview.pictures[0][0].shape[0]
    facts = {"columns": preview.columns, "rows": preview.rows, "size_px": size}
    write_json(folder / "previews" / f"{epoch:04d}.json", facts)
    picture = encode_jpeg(preview.as_sheet(), quality=92)
    write_bytes(folder / "previews" / f"{epoch:04d}.jpg", picture)
