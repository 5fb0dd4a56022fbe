"""Settings of mask making; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from leafcore.config import Config, setting

DELTA = 0.35  # the paper's threshold
EMPTY, FULL = 0.02, 0.98  # shares of a picture beyond which a mask is suspicious

CamMethod = Literal["gradcam", "gradcam++", "layercam", "eigencam"]
CamTarget = Literal["full leaf", "predicted"]


class CamConfig(Config):
    """How a heat map is drawn from a classifier."""

    method: CamMethod = setting(
        "gradcam", "How the heat map is drawn; all but gradcam need a backward pass or more.", advanced=True
    )
    layer: str = setting("", "Layer to look at, such as layer3 of a ResNet; empty: the last maps.", advanced=True)
    target: CamTarget = setting(
        "full leaf", "The class that the heat map speaks for: full leaf, or each picture's own.", advanced=True
    )

    def cam(self) -> "CamConfig":
        """Return these three settings alone."""
        return CamConfig(method=self.method, layer=self.layer, target=self.target)


class MasksConfig(CamConfig):
    """Settings of `make_masks`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {}, "draft": {}, "paper": {}}

    dataset: str = setting(..., "Dataset to make masks for: every picture of it, in all splits.", ref="dataset")
    model: str = setting(..., "LFLSeg weights: a checkpoint, or the id of an lflseg run.", ref="lflseg")
    delta: float = setting(DELTA, "A pixel is leaf where the heat map reaches this; lower takes more.", ge=0, le=1)
    batch_size: int = setting(16, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
