"""Settings of shortcut probes; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

from pydantic import model_validator

from leafcore.config import LAST_SEED, Config, require_seeds, setting

View = Literal["whole", "leaf", "background", "border"]
VIEWS: tuple[View, ...] = get_args(View)
VIEW_TITLES: dict[str, str] = {
    "whole": "Whole picture",
    "leaf": "Leaf only",
    "background": "Background only",
    "border": "Border only",
}


class ProbesConfig(Config):
    """Settings of `probes`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"seeds": 2, "steps": 24, "epochs": 2, "size_px": 64, "batch_size": 16},
        "draft": {"seeds": 3, "steps": 240, "epochs": 8, "size_px": 128},
        "paper": {"seeds": 5, "steps": 3000, "epochs": 30, "size_px": 256},
    }

    dataset: str = setting(..., "Dataset whose pictures are probed.", ref="dataset")
    masks: str = setting(
        "", "Mask set that says where the leaf is; empty: the exact masks, else the newest set.", ref="probe_masks"
    )
    seeds: int = setting(3, "Classifiers trained per view.", ge=1, le=20)
    steps: int = setting(600, "Optimizer steps of every classifier.", ge=2, le=1_000_000)
    epochs: int = setting(10, "How often within these steps the learning rate falls.", ge=1, le=1000, advanced=True)
    backbone: str = setting("tf_efficientnet_lite0", "Classifier: any timm model; the default needs no download.")
    pretrained: bool = setting(True, "Start from ImageNet weights.", advanced=True)
    size_px: int = setting(128, "Side of the pictures the classifiers see.", unit="px", ge=32, le=1024, multiple_of=32)
    batch_size: int = setting(32, "Pictures per step.", ge=2, le=1024, advanced=True)
    learning_rate: float = setting(1e-3, "Step size of AdamW.", gt=0, le=1, advanced=True)
    border: float = setting(0.08, "Width of the border, as a share of the side.", gt=0, lt=0.5, advanced=True)
    margin: float = setting(
        0.03, "How far around the mask counts as leaf, as a share of the side.", ge=0, le=0.25, advanced=True
    )
    seed: int = setting(0, "Seed of the first classifier; the others follow.", ge=0, le=LAST_SEED, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        "fp32 is exact; bf16 is up to twice as fast; auto takes bf16 on a GPU, and on a CPU where that is faster.",
        advanced=True,
    )

    @model_validator(mode="after")
    def _every_seed_fits(self) -> "ProbesConfig":
        require_seeds(self.seed, self.seeds)
        return self

    @model_validator(mode="after")
    def _a_step_per_epoch(self) -> "ProbesConfig":
        if self.epochs > self.steps:
            raise ValueError(f"epochs: got {self.epochs}, expected at most as many as steps ({self.steps}).")
        return self
