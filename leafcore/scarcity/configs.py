"""Settings of a scarcity study; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore.config import require_seeds, setting
from leafcore.data.configs import SplitConfig
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.train.dcgan_config import require_size


class ScarcityConfig(SplitConfig):
    """Settings of `scarcity`. The defaults are the published study's: everything thinned, then split, then learned."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"scale": "smoke", "count": 48, "min_confidence": 0.0},
        "draft": {"scale": "draft", "count": 400},
        "paper": {},
    }

    dataset: str = setting(..., "Dataset to make scarce.", ref="dataset")
    limit: int = setting(100, "Pictures that each label set keeps at most; rarer ones stay as they are.", ge=1)
    conditional: Literal["none", "projection", "acgan"] = setting(
        "none",
        "none: as published, the GAN makes what it likes and a teacher labels it; else it is asked for each class.",
    )
    count: int = setting(1000, "Pictures to generate.", ge=1, le=1_000_000)
    min_confidence: float = setting(0.75, "Probability from which the teacher's label is accepted.", ge=0, le=1)
    co_teacher: bool = setting(
        False, "Trains a second teacher from another seed, and keeps only pictures on which both agree.", advanced=True
    )
    size_px: int = setting(
        64, "Side of the generated pictures: 64, 128 or 256.", unit="px", ge=64, le=256, multiple_of=64, advanced=True
    )
    epochs: int = setting(0, "Epochs of the GAN; 0: its preset's.", ge=0, le=100_000, advanced=True)
    scale: Literal["smoke", "draft", "paper"] = setting(
        "paper", "Preset of the GAN, the teacher and the comparison.", advanced=True
    )
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    @field_validator("size_px", mode="before")
    @classmethod
    def _can_be_made(cls, value: object) -> object:
        return require_size(value)

    @model_validator(mode="after")
    def _every_seed_fits(self) -> "ScarcityConfig":
        require_seeds(self.seed, max(2, EvaluateConfig.PRESETS[self.scale]["seeds"]))  # 2: with a second teacher
        return self
