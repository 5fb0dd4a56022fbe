"""Settings of `realfake`; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar

from leafcore.config import Config, DistinctNames, setting
from leafcore.embedding import BUNDLED


class RealFakeConfig(Config):
    """Settings of `realfake`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"count": 24, "epochs": 1},
        "draft": {"count": 120, "epochs": 6},
        "paper": {"count": 1000, "epochs": 20},
    }

    dataset: str = setting(..., "Dataset whose photographs the sets are told from.", ref="dataset")
    synthetic: DistinctNames = setting(
        ...,
        "Synthetic sets to tell from photographs, each for itself: ids of the runs that made or labelled them.",
        ref="synthetics",
        min_length=1,
        max_length=32,
    )
    count: int = setting(200, "Most pictures of each kind to learn from, and to judge.", ge=8, le=10_000)
    epochs: int = setting(8, "Epochs of the fine-tuned network; 0: the linear probe alone.", ge=0, le=1000)
    held_out: float = setting(
        0.4,
        "Share of a set's groups that judge the machine; of photographs, validation does.",
        gt=0,
        lt=1,
        advanced=True,
    )
    size_px: int = setting(
        0,
        "Side to which all pictures are brought; 0: the largest, in steps of 32, that enlarges none.",
        unit="px",
        ge=0,
        le=1024,
        multiple_of=32,
        advanced=True,
    )
    quality: int = setting(
        50,
        "JPEG quality with which all pictures are encoded once more; high ones let files tell.",
        ge=30,
        le=95,
        advanced=True,
    )
    backbone: str = setting(BUNDLED, "Network of both machines: any timm model.", advanced=True)
    pretrained: bool = setting(True, "Start from ImageNet weights.", advanced=True)
    batch_size: int = setting(16, "Pictures per step.", ge=2, le=1024, advanced=True)
    learning_rate: float = setting(3e-4, "Step size of AdamW.", gt=0, le=1, advanced=True)
    seed: int = setting(0, "Seed of the choice of pictures and of training.", ge=0, le=2**32 - 1, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
