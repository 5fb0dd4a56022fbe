"""Settings of synthesis and export; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from leafcore.config import Config, setting


class SynthesizeConfig(Config):
    """Settings of `synthesize`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {}, "draft": {}, "paper": {}}

    chain: tuple[str, ...] = setting(
        ...,
        "Translators in order: checkpoints, or ids of training runs.",
        ref="translators",
        min_length=1,
        max_length=8,
    )
    dataset: str = setting(..., "Dataset whose train pictures are the sources.", ref="dataset")
    source: str = setting("healthy", "Label set of the sources.", ref="label_set")
    count: int = setting(24, "Pictures to make, each from another source.", ge=1, le=1_000_000)
    masks: str = setting(
        "",
        "Mask set, for translators that change the leaf only; empty: the dataset's exact masks, else its newest set.",
        ref="chain_masks",
        advanced=True,
    )
    seed: int = setting(0, "Seed of the choice of sources.", ge=0)
    batch_size: int = setting(8, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    @field_validator("chain", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class ExportConfig(Config):
    """Settings of `export`."""

    run: str = setting(..., "The synthesize run to export.", ref="synthetic")
    format: Literal["csv"] = setting("csv", "Layout: csv is a folder of images and a labels.csv.")
