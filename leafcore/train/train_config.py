"""The settings that every recipe has; free of torch."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import field_validator

from leafcore.config import LAST_SEED, Config, setting
from leafcore.errors import ConfigError
from leafcore.workspace import check_name

Precision = Literal["auto", "fp32", "bf16"]


class TrainConfig(Config):
    """What every recipe needs to know."""

    PURPOSES: ClassVar[Mapping[str, str]] = {
        "smoke": "to see that everything works",
        "draft": "to see what can be learned",
        "paper": "the publication's settings",
    }
    BEST_BY: ClassVar[str] = ""  # the validation score, higher is better, that picks an epoch; empty: the last counts
    ANEW: ClassVar[frozenset[str]] = frozenset()  # settings without which a saved state cannot be gone on from

    dataset: str = setting(..., "Dataset to learn from; only its train pictures are used.", ref="dataset")
    epochs: int = setting(100, "Epochs to train.", ge=1, le=10_000)
    batch_size: int = setting(1, "Pictures per step.", ge=1, le=1024)
    size_px: int = setting(256, "Side of the pictures the networks see.", unit="px", ge=32, le=1024, multiple_of=4)
    learning_rate: float = setting(2e-4, "Step size of the optimizer.", gt=0, le=1, advanced=True, group="Optimizer")
    seed: int = setting(
        0, "Seed of everything random in this run.", ge=0, le=LAST_SEED, advanced=True, group="Optimizer"
    )
    max_steps_per_epoch: int = setting(
        0, "Cuts each epoch to so many steps; 0 means all.", ge=0, advanced=True, group="Saving"
    )
    save_every: int = setting(
        1, "Weights and samples are saved every so many epochs.", unit="epochs", ge=1, advanced=True, group="Saving"
    )
    keep_every: int = setting(
        0,
        "Of the saved weights only every so many epochs' are kept, beside the last and those in use; 0 keeps all, so "
        "that any can be scored and used: 3.6 GB of a translation with the paper's settings.",
        unit="epochs", ge=0, advanced=True, group="Saving",
    )  # fmt: skip
    state_every_s: float = setting(
        300.0,
        "What a resume needs is also saved after so many seconds within an epoch.",
        unit="s",
        gt=0,
        advanced=True,
        group="Saving",
    )
    log_every: int = setting(
        1, "Losses are recorded every so many steps.", unit="steps", ge=1, advanced=True, group="Saving"
    )
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True, group="Optimizer")
    precision: Precision = setting(
        "auto",
        "fp32 is exact; bf16 is up to twice as fast; auto takes bf16 on a GPU.",
        advanced=True,
        group="Optimizer",
    )
    tracker: Literal["none", "tensorboard", "wandb"] = setting(
        "none",
        "Follows the run elsewhere too: TensorBoard's files in the run's folder, or Weights & Biases.",
        ref="tracker",
        advanced=True,
        group="Saving",
    )
    promote_as: str = setting(
        "",
        "Promotes an epoch under this name when done: a classifier's best on validation pictures, else the last.",
        advanced=True,
        group="Saving",
    )

    @field_validator("promote_as")
    @classmethod
    def _promote_as(cls, value: str) -> str:
        try:
            return check_name(value, "promote_as") if value else value
        except ConfigError as error:
            raise ValueError(str(error)) from None
