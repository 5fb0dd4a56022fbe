"""The settings of the classifier; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from leafcore.config import setting
from leafcore.data.labels import label_sets
from leafcore.train.train_config import Precision, TrainConfig

Augment = Literal["crop-flip", "study"]
Balance = Literal["none", "weights", "sampling"]
Statistics = Literal["backbone", "train"]


class ClassifierConfig(TrainConfig):
    """A disease classifier: one sigmoid per label if pictures have several, else a softmax."""

    BEST_BY: ClassVar[str] = "val_macro_f1"
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"epochs": 2, "size_px": 64, "max_steps_per_epoch": 12},
        "draft": {"epochs": 10, "size_px": 128, "max_steps_per_epoch": 30},
        "cassava": {
            "backbone": "efficientnet_b3", "epochs": 15, "batch_size": 8, "size_px": 512, "learning_rate": 1e-4,
            "cosine_floor": 0.3, "dropout": 0.4, "drop_path": 0.4, "augment": "study", "statistics": "train",
        },
    }  # fmt: skip
    PURPOSES: ClassVar[Mapping[str, str]] = {
        **TrainConfig.PURPOSES,
        "cassava": "the study of cassava leaves: EfficientNet-B3 at 512 px",
    }

    labels: tuple[str, ...] = setting(
        (), "Label sets to tell apart, with commas between them; empty: all.", ref="label_sets"
    )
    backbone: str = setting("tf_efficientnet_lite0", "Classifier: any timm model; the default needs no download.")
    pretrained: bool = setting(True, "Start from ImageNet weights.", advanced=True, group="Network")
    dropout: float = setting(
        0.0, "Share of the features that a step leaves out before the last layer; the cassava study: 0.4.",
        ge=0, lt=1, advanced=True, group="Network",
    )  # fmt: skip
    drop_path: float = setting(
        0.0, "Share of steps that the deepest block is left out of, shallower ones less; the cassava study: 0.4.",
        ge=0, lt=1, advanced=True, group="Network",
    )  # fmt: skip
    statistics: Statistics = setting(
        "backbone", "Mean and spread that pictures are scaled by: the backbone's own, or those of the train pictures.",
        advanced=True, group="Data",
    )  # fmt: skip
    augment: Augment = setting(
        "crop-flip",
        "What a step does to its pictures: a random crop, mirrored or not; the study also turns, zooms and recolors.",
        advanced=True,
        group="Data",
    )
    balance: Balance = setting(
        "none",
        "What makes up for rare labels: nothing; errors on them weigh more; or their pictures are drawn more often.",
        advanced=True,
        group="Data",
    )
    epochs: int = setting(15, "Epochs to train.", ge=1, le=1000)
    patience: int = setting(
        0, "Ends after so many epochs without a better validation score; 0: never early.", unit="epochs",
        ge=0, le=1000, advanced=True, group="Optimizer",
    )  # fmt: skip
    batch_size: int = setting(32, "Pictures per step.", ge=2, le=1024)
    size_px: int = setting(224, "Side of the pictures the classifier sees.", unit="px", ge=32, le=1024, multiple_of=32)
    learning_rate: float = setting(1e-3, "Step size of AdamW.", gt=0, le=1, advanced=True, group="Optimizer")
    cosine_floor: float = setting(
        0.0, "Share of the learning rate that its cosine falls to; the cassava study: 0.3.", ge=0, le=1,
        advanced=True, group="Optimizer",
    )  # fmt: skip
    precision: Precision = setting(
        "auto",
        "fp32 is exact; bf16 is up to twice as fast; auto takes bf16 on a GPU, and on a CPU where that is faster.",
        advanced=True,
        group="Optimizer",
    )
    weight_decay: float = setting(1e-2, "Weight decay of AdamW.", ge=0, le=1, advanced=True, group="Optimizer")

    @field_validator("labels", mode="before")
    @classmethod
    def _label_sets(cls, value: object) -> object:
        return label_sets(value)

    @field_validator("labels")
    @classmethod
    def _can_be_told_apart(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) == 1:
            raise ValueError(f"labels: got {value[0]} alone, expected two label sets or more, or none for all.")
        return value
