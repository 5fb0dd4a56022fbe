"""Settings of a comparison; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore.config import Config, setting

Arm = Literal["real", "real_plus_synthetic"]
ARMS: tuple[Arm, ...] = ("real", "real_plus_synthetic")
ARM_TITLES: dict[str, str] = {"real": "Real", "real_plus_synthetic": "Real + synthetic"}


class EvaluateConfig(Config):
    """Settings of `evaluate`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"seeds": 2, "steps": 24, "epochs": 2, "size_px": 64, "batch_size": 16},
        "draft": {"seeds": 3, "steps": 240, "epochs": 8, "size_px": 128},
        "paper": {"seeds": 5, "steps": 3000, "epochs": 30, "size_px": 256},
    }

    dataset: str = setting(..., "Dataset whose real pictures train and test the classifiers.", ref="dataset")
    synthetic: tuple[str, ...] = setting(
        ...,
        "Synthetic sets to add: ids of the runs that made or labelled them.",
        ref="synthetics",
        min_length=1,
        max_length=32,
    )
    seeds: int = setting(3, "Classifiers trained per arm; fewer than 3 says little.", ge=1, le=20)
    steps: int = setting(600, "Optimizer steps of every classifier, the same in all arms.", ge=2, le=1_000_000)
    epochs: int = setting(10, "How often within these steps validation picks the best weights.", ge=1, le=1000)
    backbone: str = setting("tf_efficientnet_lite0", "Classifier: any timm model; the default needs no download.")
    pretrained: bool = setting(True, "Start from ImageNet weights.", advanced=True)
    size_px: int = setting(128, "Side of the pictures the classifiers see.", unit="px", ge=32, le=1024, multiple_of=32)
    batch_size: int = setting(32, "Pictures per step.", ge=2, le=1024, advanced=True)
    learning_rate: float = setting(1e-3, "Step size of AdamW.", gt=0, le=1, advanced=True)
    seed: int = setting(0, "Seed of the first classifier; the others follow.", ge=0, le=2**32 - 1, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto", "fp32 is exact; bf16 is up to twice as fast; auto takes bf16 on a GPU.", advanced=True
    )

    @field_validator("synthetic", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _a_step_per_epoch(self) -> "EvaluateConfig":
        if self.epochs > self.steps:
            raise ValueError(f"epochs: got {self.epochs}, expected at most as many as steps ({self.steps}).")
        return self
