"""Weights that others published, taken in as a checkpoint: whatever is not known of them stays unknown."""

import json
import time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, field_validator

from leafcore.checkpoints import CheckpointCard, require_free, sha256
from leafcore.config import Config, setting
from leafcore.data.seen import UNKNOWN
from leafcore.errors import ConfigError
from leafcore.files import require_space, write_bytes, write_json
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.workspace import Workspace, check_name


class AdoptConfig(Config):
    """Settings of `adopt`."""

    file: str = setting(
        ..., "Weights: LFLSeg as LeafGAN publishes it (LFLSeg_resnet101.pth).", ref="file", min_length=1
    )
    name: str = setting(..., "What to call the checkpoint.")
    recipe: Literal["lflseg"] = setting("lflseg", "What kind of model it is.", advanced=True)
    origin: str = setting("unknown", "Where the weights come from: a link, a paper.", min_length=1)
    license: str = setting("unknown", "Under which terms they may be used.", min_length=1)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        try:
            return check_name(value, "name")
        except ConfigError as error:
            raise ValueError(str(error)) from None


class AdoptResult(BaseModel):
    """What was taken in.

    Attributes:
        checkpoint: Its name.
        backbone: What timm calls its network.
        weights_sha256: The hash of the checkpoint's weights.
        source_sha256: The hash of the file they were in.
    """

    checkpoint: str
    backbone: str
    weights_sha256: str
    source_sha256: str


def adopt(config: AdoptConfig, workspace: Workspace, progress: Progress) -> AdoptResult:
    """Make a checkpoint of weights that another program saved.

    Nobody wrote down which pictures they have seen, and every leak check says so.

    Raises:
        CheckpointError: The file cannot be read, or holds another network.
        ConfigError: The name is taken.
        DiskFull: There is no room for a copy.
    """
    from safetensors.torch import save

    from leafcore.train.lflseg_data import CLASSES
    from leafcore.train.published import LFLSEG_PX, read_lflseg

    require_free(workspace, config.name)
    progress.phase("reading weights")
    source = Path(config.file).expanduser()
    published = read_lflseg(source)
    args = {"name": published.backbone, "num_classes": len(CLASSES)}
    description = {
        "recipe": config.recipe,
        "classes": list(CLASSES),
        "size_px": LFLSEG_PX,
        "input": published.scale.describe(),
        "dataset": UNKNOWN,
        "origin": {"said": config.origin, "file": source.name, "sha256": sha256(source)},
        "nets": {"classifier": {"type": "backbone", "args": args}},
    }
    tensors = {f"classifier.{key}": tensor.contiguous() for key, tensor in published.tensors.items()}
    content = save(tensors, {"leaf": json.dumps(description)})

    progress.phase("saving")
    workspace.checkpoints.mkdir(parents=True, exist_ok=True)
    require_space(workspace.checkpoints, len(content))
    folder = workspace.checkpoints / config.name
    write_bytes(folder / "weights.safetensors", content)
    card = CheckpointCard(
        name=config.name,
        recipe=config.recipe,
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
        backbone=published.backbone,
        weights_sha256=card.weights_sha256,
        source_sha256=sha256(source),
    )
