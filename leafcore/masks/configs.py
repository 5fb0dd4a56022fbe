"""Settings of mask making; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar

from leafcore.config import Config, setting

DELTA = 0.35  # the paper's threshold
EMPTY, FULL = 0.02, 0.98  # shares of a picture beyond which a mask is suspicious


class MasksConfig(Config):
    """Settings of `make_masks`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {}, "draft": {}, "paper": {}}

    dataset: str = setting(..., "Dataset to make masks for: every picture of it, in all splits.", ref="dataset")
    model: str = setting(..., "LFLSeg weights: a checkpoint, or the id of an lflseg run.", ref="lflseg")
    delta: float = setting(DELTA, "A pixel is leaf where the heat map reaches this; lower takes more.", ge=0, le=1)
    batch_size: int = setting(16, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
