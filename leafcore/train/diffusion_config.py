"""The settings of the recipe `diffusion`; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from leafcore.config import setting
from leafcore.train.noise_config import NoiseModelConfig


class DiffusionConfig(NoiseModelConfig):
    """A diffusion model of the dataset's own pictures (Ho et al. 2020), asked for a class by guidance; needs no other.

    Defaults are Nichol and Dhariwal's of 2021 (arXiv 2102.09672) at 64 px, a GPU's work; `draft` is for a CPU.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {
            "epochs": 2, "size_px": 32, "batch_size": 8, "filters": 16, "levels": 2, "blocks": 1, "samples": 4,
            "max_steps_per_epoch": 12, "save_every": 1,
        },
        "draft": {
            "epochs": 200, "batch_size": 16, "filters": 48, "levels": 3, "blocks": 1, "patch": 2, "snr_gamma": 5.0,
            "ema_decay": 0.999, "learning_rate": 4e-4, "precision": "bf16", "save_every": 20,
        },
        "paper": {},
    }  # fmt: skip

    conditional: Literal["classes", "none"] = setting(
        "classes", "Makes pictures of a class by classifier-free guidance, or of whatever it likes (none)."
    )
    epochs: int = setting(500, "Epochs to train.", ge=1, le=100_000)
    batch_size: int = setting(128, "Pictures per step.", ge=1, le=1024)
    size_px: int = setting(64, "Side of the pictures.", unit="px", ge=32, le=256, multiple_of=4)
    learning_rate: float = setting(1e-4, "Step size of AdamW.", gt=0, le=1, advanced=True, group="Optimizer")
    weight_decay: float = setting(0.0, "Weight decay of AdamW.", ge=0, le=1, advanced=True, group="Optimizer")
    max_gradient: float = setting(
        1.0, "Longer gradients are cut to this length; 0: none is.", ge=0, le=1000, advanced=True, group="Optimizer"
    )
    save_every: int = setting(
        50, "Weights and samples are saved every so many epochs.", unit="epochs", ge=1, advanced=True, group="Saving"
    )
    filters: int = setting(
        128, "Channels of the U-Net's first level.", ge=8, le=256, multiple_of=8, advanced=True, group="Network"
    )
    levels: int = setting(
        4,
        "Levels of the U-Net, each of half the side; only the last has attention.",
        ge=2, le=6, advanced=True, group="Network",
    )  # fmt: skip
    blocks: int = setting(2, "Residual blocks per level.", ge=1, le=4, advanced=True, group="Network")
    patch: int = setting(
        1, "Squares of so many pixels become channels: 2 makes a step about four times faster.",
        ge=1, le=4, advanced=True, group="Network",
    )  # fmt: skip
    ema_decay: float = setting(
        0.9999, "Keeps the network's moving average instead of its last weights; 0: the last.",
        ge=0, lt=1, advanced=True, group="Network",
    )  # fmt: skip
    timesteps: int = setting(1000, "Levels of noise to learn.", ge=10, le=10_000, advanced=True, group="Noise")
    schedule: Literal["cosine", "linear"] = setting(
        "cosine",
        "How noise grows over the timesteps: by a cosine (Nichol and Dhariwal 2021), or linearly (Ho et al. 2020).",
        advanced=True,
        group="Noise",
    )
    prediction: Literal["v", "epsilon"] = setting(
        "v",
        "What the network tells: the velocity, which is defined in pure noise too (Salimans and Ho 2022), or the noise "
        "(epsilon).",
        advanced=True,
        group="Noise",
    )
    class_dropout: float = setting(
        0.1,
        "Share of pictures whose class is not told, so that guidance knows the difference (Ho and Salimans 2022).",
        gt=0, lt=1, advanced=True, group="Noise",
    )  # fmt: skip
    snr_gamma: float = setting(
        0.0,
        "Weighs timesteps by min-SNR, such as 5, which learns faster (Hang et al. 2023); 0: all alike.",
        ge=0, le=100, advanced=True, group="Losses",
    )  # fmt: skip

    @model_validator(mode="after")
    def _can_be_halved(self) -> "DiffusionConfig":
        unit = self.patch * 2 ** (self.levels - 1)
        if self.size_px % unit:
            raise ValueError(
                f"size_px: got {self.size_px} px, expected a multiple of {unit} px: {self.levels} levels halve it "
                f"{self.levels - 1} times, in patches of {self.patch} px."
            )
        return self
