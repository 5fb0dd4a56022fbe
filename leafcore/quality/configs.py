"""Settings of `quality`; free of torch."""

from typing import Literal

from leafcore.config import Config, DistinctNames, setting
from leafcore.embedding import BUNDLED

AUTO, NO_JUDGE = "auto", "none"


class QualityConfig(Config):
    """Settings of `quality`. Test pictures are never looked at: what is chosen by these numbers is chosen on others."""

    dataset: str = setting(..., "Dataset whose real pictures the sets are held against.", ref="dataset")
    synthetic: DistinctNames = setting(
        ...,
        "Synthetic sets to measure: ids of the runs that made or labelled them.",
        ref="synthetics",
        min_length=1,
        max_length=32,
    )
    reals: Literal["val", "train-and-val"] = setting(
        "val",
        "Real pictures of the distances. Train pictures too, where validation has few: it flatters what repeats them.",
    )
    count: int = setting(
        0,
        "Pictures of each set and class; 0: as many as the smallest set has, so that numbers compare.",
        ge=0,
        le=10_000,
        unit="pictures",
    )
    judge: str = setting(
        AUTO,
        "Classifier that names the pictures: a checkpoint or a run; auto takes the newest over the same dataset; none.",
        ref="set_judge",
    )
    size_px: int = setting(
        0,
        "Side at which all pictures are looked at, real ones too; 0: the largest that enlarges neither them nor a set.",
        unit="px",
        ge=0,
        le=1024,
        advanced=True,
    )
    backbone: str = setting(
        AUTO,
        f"Features: any timm model; auto takes {BUNDLED}, and inception_v3 where its weights are.",
        advanced=True,
    )
    pretrained: bool = setting(True, "Use ImageNet weights; without them distances mean little.", advanced=True)
    batch_size: int = setting(32, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    seed: int = setting(0, "Seed of the choice of pictures and of KID's folds.", ge=0, le=2**32 - 1, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
