"""The verb that takes in weights which others published: whatever is not known of them stays unknown."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from safetensors.torch import save

from leafcore.checkpoints import CheckpointCard, require_free, sha256
from leafcore.data.labels import label_set
from leafcore.data.seen import UNKNOWN
from leafcore.errors import ConfigError
from leafcore.files import require_space, write_bytes, write_json
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.train.lflseg_data import CLASSES
from leafcore.train.published import LFLSEG_PX, Tensors, read_lflseg, read_tensors
from leafcore.train.published_gans import find_files, in_words, read_networks
from leafcore.upstream.configs import AdoptConfig, require_domains
from leafcore.workspace import Workspace


class AdoptResult(BaseModel):
    """What was taken in.

    Attributes:
        checkpoint: Its name.
        recipe: What kind of model it is.
        network: What it is, in words; a backbone by timm's name.
        weights_sha256: The hash of the checkpoint's weights.
        source_sha256: The hash of the file they were in; of the generator's, if there were several.
    """

    checkpoint: str
    recipe: str
    network: str
    weights_sha256: str
    source_sha256: str


@dataclass(frozen=True)
class _Adopted:
    """What a file or folder holds, as ours.

    Attributes:
        description: Of it, but for where it comes from.
        tensors: All weights, each under its network's name and its own.
        network: What a person calls the first network.
        files: Where they were; the first network's first.
    """

    description: dict[str, Any]
    tensors: Tensors
    network: str
    files: list[Path]


def adopt(config: AdoptConfig, workspace: Workspace, progress: Progress) -> AdoptResult:
    """Make a checkpoint of weights that another program saved.

    Nobody wrote down which pictures they have seen, and every leak check says so.

    Raises:
        CheckpointError: A file cannot be read, or holds another network.
        ConfigError: The name is taken, or nobody says what a generator translates.
        DiskFull: There is no room for a copy.
    """
    require_free(workspace, config.name)
    progress.phase("reading weights")
    source = Path(config.file).expanduser()
    adopted = _lflseg(source) if _is_lflseg(config, source) else _translator(config, source)
    hashes = [sha256(file) for file in adopted.files]
    files = {file.name: digest for file, digest in zip(adopted.files, hashes, strict=True)}
    origin = {"said": config.origin, "file": source.name, "sha256": hashes[0], "files": files}
    description = {**adopted.description, "dataset": UNKNOWN, "origin": origin}
    content = save(adopted.tensors, {"leaf": json.dumps(description)})

    progress.phase("saving")
    workspace.checkpoints.mkdir(parents=True, exist_ok=True)
    require_space(workspace.checkpoints, len(content))
    folder = workspace.checkpoints / config.name
    write_bytes(folder / "weights.safetensors", content)
    card = CheckpointCard(
        name=config.name,
        recipe=description["recipe"],
        description=description,
        run="",
        epoch=0,
        weights_sha256=sha256(folder / "weights.safetensors"),
        license=config.license,
        created=time.time(),
        code_version=code_version(),
    )
    write_json(folder / "card.json", card.model_dump(mode="json"))
    return AdoptResult(
        checkpoint=config.name,
        recipe=card.recipe,
        network=adopted.network,
        weights_sha256=card.weights_sha256,
        source_sha256=hashes[0],
    )


def _is_lflseg(config: AdoptConfig, source: Path) -> bool:
    if config.recipe == "auto" and not source.is_dir():
        return not next(iter(read_tensors(source))).startswith("model.")  # which no ResNet classifier's names do
    return config.recipe == "lflseg"


def _lflseg(source: Path) -> _Adopted:
    published = read_lflseg(source)
    args = {"name": published.backbone, "num_classes": len(CLASSES)}
    description = {
        "recipe": "lflseg",
        "classes": list(CLASSES),
        "size_px": LFLSEG_PX,
        "input": published.scale.describe(),
        "nets": {"classifier": {"type": "backbone", "args": args}},
    }
    tensors = {f"classifier.{key}": tensor.contiguous() for key, tensor in published.tensors.items()}
    return _Adopted(description, tensors, published.backbone, [source])


def _translator(config: AdoptConfig, source: Path) -> _Adopted:
    try:
        require_domains(config.a, config.b)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    files = find_files(source, config.epoch)
    networks = read_networks(files)
    generator = networks["gen_ab"].description
    factor = 2 ** generator["args"].get("downs", 2)
    if config.size_px % factor:
        raise ConfigError(
            f"size_px: got {config.size_px}, expected a multiple of {factor} px: {files['gen_ab'].name} is a "
            f"{in_words(generator)}."
        )
    description = {
        "recipe": "cyclegan" if config.recipe == "auto" else config.recipe,
        "a": label_set(config.a),
        "b": label_set(config.b),
        "size_px": config.size_px,
        "nets": {role: network.description for role, network in networks.items()},
    }
    tensors = {
        f"{role}.{key}": tensor.contiguous()
        for role, network in networks.items()
        for key, tensor in network.tensors.items()
    }
    return _Adopted(description, tensors, in_words(generator), [files[role] for role in networks])
