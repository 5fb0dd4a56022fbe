"""Settings of mask making; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from leafcore.config import Config, setting
from leafcore.data.mask_sets import REFINED, Refinement

DELTA = 0.35  # the paper's threshold
EMPTY, FULL = 0.02, 0.98  # shares of a picture beyond which a mask is suspicious
MOST_EMPTY = 0.1  # share of masks beyond which a threshold is doubtful

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
    refine: Literal["none", "grabcut"] = setting(
        "none", "none is the paper's mask; grabcut finds the leaf's own outline, and tidies it unless told not to."
    )
    largest: bool = setting(False, "Keep only the piece that the heat map speaks for most.")
    fill: bool = setting(False, "Fill holes in the leaf.")
    smooth_px: int = setting(
        0, "Smooth the outline: side of a median filter, on a square of 256 px; 0 for none.", unit="px", ge=0, le=63
    )
    corrections: str = setting(
        "none",
        "Corrections by hand: none, draft for those made on the Masks page so far, or the hash of earlier ones.",
        ref="corrections",
        pattern=r"^(none|draft|[0-9a-f]{12})$",
        advanced=True,
    )
    batch_size: int = setting(16, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    @model_validator(mode="before")
    @classmethod
    def _tidy_what_grabcut_finds(cls, values: Any) -> Any:
        """Fill in what GrabCut's outlines need, where nothing else was asked for."""
        if isinstance(values, dict) and values.get("refine") == "grabcut":
            return {**REFINED.model_dump(exclude={"method"}), **values}
        return values

    def refinement(self) -> Refinement:
        """Return what is done after the threshold."""
        return Refinement(method=self.refine, largest=self.largest, fill=self.fill, smooth_px=self.smooth_px)
