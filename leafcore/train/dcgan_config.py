"""The settings of the recipe `dcgan`; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore.config import setting
from leafcore.train.noise_config import NoiseModelConfig


def require_size(value: object) -> object:
    """Return a side that a DCGAN can make, in px, as it was given.

    Raises:
        ValueError: It is another.
    """
    if str(value) not in {"64", "128", "256"}:
        raise ValueError(f"size_px: got {value}, expected 64, 128 or 256 px.")
    return value


class DCGANConfig(NoiseModelConfig):
    """DCGAN (Radford et al. 2016): pictures of noise, as published; classes, WGAN-GP and larger pictures by setting."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {
            "epochs": 2, "batch_size": 8, "filters": 8, "disc_filters": 8, "max_steps_per_epoch": 12, "save_every": 1,
        },
        "draft": {
            "epochs": 200, "batch_size": 32, "filters": 32, "disc_filters": 32, "diffaug": True, "ema_decay": 0.99,
            "save_every": 20,
        },
        "paper": {},
        "conditional": {"conditional": "projection", "spectral_norm": True, "ema_decay": 0.999},
        "wgan-gp": {"loss": "wgan-gp", "learning_rate": 1e-4, "beta1": 0.0, "beta2": 0.9},
        "128px": {"size_px": 128, "ema_decay": 0.999},
        "small-data": {"epochs": 1000, "batch_size": 32, "diffaug": True, "ema_decay": 0.999},
    }  # fmt: skip
    PURPOSES: ClassVar[Mapping[str, str]] = {
        **NoiseModelConfig.PURPOSES,
        "conditional": "pictures of a class that is asked for",
        "wgan-gp": "steadier than the publication's loss, five times the work",
        "128px": "twice the side",
        "small-data": "a few hundred pictures or less",
    }

    conditional: Literal["none", "projection", "acgan"] = setting(
        "none",
        "Makes pictures of a class: the discriminator is told it (projection), or has to tell it (acgan).",
    )
    loss: Literal["bce", "wgan-gp"] = setting(
        "bce", "What is fought over: real or fake as published, or a distance with a gradient penalty."
    )
    epochs: int = setting(500, "Epochs to train.", ge=1, le=100_000)
    batch_size: int = setting(128, "Pictures per step, of a critic per step of its own.", ge=2, le=1024)
    size_px: int = setting(64, "Side of the pictures: 64, 128 or 256.", unit="px", ge=64, le=256, multiple_of=64)
    save_every: int = setting(
        50, "Weights and samples are saved every so many epochs.", unit="epochs", ge=1, advanced=True, group="Saving"
    )
    diffaug: bool = setting(
        False,
        "Changes colors, shifts and cuts out of real and fake alike, for a few hundred pictures or less (DiffAugment).",
        advanced=True,
        group="Data",
    )
    latent: int = setting(100, "Length of the latent vector.", ge=1, le=1024, advanced=True, group="Network")
    filters: int = setting(
        64, "Channels of the generator's last layer (ngf).", ge=4, le=256, advanced=True, group="Network"
    )
    disc_filters: int = setting(
        64, "Channels of the discriminator's first layer (ndf).", ge=4, le=256, advanced=True, group="Network"
    )
    spectral_norm: bool = setting(
        False,
        "Normalises the discriminator's layers by their largest singular value, in place of batch normalisation.",
        advanced=True,
        group="Network",
    )
    ema_decay: float = setting(
        0.0, "Keeps the generator's moving average instead of its last weights, such as 0.999; 0: the last.",
        ge=0, lt=1, advanced=True, group="Network",
    )  # fmt: skip
    real_label: float = setting(
        0.9, "What the discriminator is to say of real pictures; of bce.", gt=0.5, le=1, advanced=True, group="Losses"
    )
    weight_class: float = setting(1.0, "Weight of telling the class, of acgan.", ge=0, advanced=True, group="Losses")
    weight_penalty: float = setting(
        10.0, "Weight of the gradient penalty of the critic.", ge=0, advanced=True, group="Losses"
    )
    critic_steps: int = setting(
        5,
        "Steps of the critic for one of the generator; bce takes one.",
        ge=1,
        le=100,
        advanced=True,
        group="Optimizer",
    )
    beta1: float = setting(0.5, "Adam's first momentum.", ge=0, lt=1, advanced=True, group="Optimizer")
    beta2: float = setting(0.999, "Adam's second momentum.", ge=0, lt=1, advanced=True, group="Optimizer")

    @field_validator("size_px", mode="before")
    @classmethod
    def _can_be_made(cls, value: object) -> object:
        return require_size(value)

    @model_validator(mode="after")
    def _penalty_is_differentiable(self) -> "DCGANConfig":
        if self.compiled and self.loss == "wgan-gp":
            raise ValueError(
                "compiled: got true with wgan-gp, expected false; torch.compile cannot differentiate its gradients."
            )
        return self
