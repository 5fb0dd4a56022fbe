"""The settings of the recipe `dreambooth`; free of torch."""

import importlib.util
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore import devices
from leafcore.base_models import DEFAULT_BASE
from leafcore.config import setting
from leafcore.data.labels import label_sets
from leafcore.denoising import PROMPT_MOST
from leafcore.denoising import Sampler as Sampler
from leafcore.prompts import has_token
from leafcore.train.train_config import TrainConfig


class DreamBoothConfig(TrainConfig):
    """DreamBooth (Ruiz et al. 2023, arXiv 2208.12242): Stable Diffusion learns a disease by a word of its own.

    By default it learns by LoRA (Hu et al. 2022, arXiv 2106.09685); preset `paper` changes all weights.
    """

    ANEW: ClassVar[frozenset[str]] = frozenset({"method", "optimizer"})
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {
            "epochs": 2, "epoch_steps": 4, "size_px": 64, "prior_images": 4, "samples": 1, "sample_steps": 4,
            "probes": "a leaf",
        },
        "draft": {"epochs": 4, "size_px": 256, "prior_images": 50, "samples": 1, "sample_steps": 15},
        "paper": {
            "method": "full", "learning_rate": 5e-6, "prior_images": 1000, "train_text_encoder": True,
            "gradient_checkpointing": True,
        },
    }  # fmt: skip

    base: str = setting(
        DEFAULT_BASE,
        "Stable Diffusion to start from: an id on the Hugging Face Hub, fetched once, or a folder of one.",
        ref="base",
        group="Network",
        min_length=1,
    )
    accept_license: bool = setting(
        False, "The base's license was read and is accepted; asked once per base, before its first use."
    )
    labels: tuple[str, ...] = setting(
        (), "Label sets whose train pictures show what the prompt says, with commas; empty: all.", ref="label_sets"
    )
    prompt: str = setting("a photo of sks leaf", "What the pictures show, in words; the rare token is one of them.")
    token: str = setting("sks", "The rare token: a word that means nothing yet, and will mean this disease.")
    method: Literal["lora", "full"] = setting(
        "lora",
        "Changes small matrices beside the weights (lora, a few MB), or all weights (full, gigabytes).",
        group="Network",
    )
    prior_weight: float = setting(
        1.0, "Weight of prior preservation, which keeps what the base knows of leaves; 0: without.", ge=0, le=100
    )
    prior_prompt: str = setting("a photo of a leaf", "What the base draws for prior preservation; without the token.")
    prior_images: int = setting(
        200, "Pictures that the base draws of it, once for all runs; in a cache.", ge=1, le=10_000
    )
    epochs: int = setting(10, "Epochs to train; after each, weights and samples are saved.", ge=1, le=10_000)
    epoch_steps: int = setting(100, "Steps of an epoch: drift is measured after so many.", ge=1, le=100_000)
    batch_size: int = setting(1, "Pictures per step, and as many for prior preservation.", ge=1, le=64)
    size_px: int = setting(
        512, "Side of the pictures; 512 for Stable Diffusion 1.5, 768 for 2.1.", unit="px", ge=32, le=1024,
        multiple_of=8,
    )  # fmt: skip
    learning_rate: float = setting(
        1e-4, "Step size of AdamW; about 5e-6 if all weights learn.", gt=0, le=1, advanced=True, group="Optimizer"
    )
    accumulate: int = setting(
        1, "Batches whose gradients are summed for one step: a larger batch in the same memory.",
        ge=1, le=256, advanced=True, group="Optimizer",
    )  # fmt: skip
    optimizer: Literal["adamw", "adamw8bit"] = setting(
        "adamw", "adamw8bit holds its moments in 8 bits; needs bitsandbytes and a GPU.", advanced=True,
        group="Optimizer",
    )  # fmt: skip
    weight_decay: float = setting(1e-2, "Weight decay of AdamW.", ge=0, le=1, advanced=True, group="Optimizer")
    max_gradient_norm: float = setting(
        1.0, "Longer gradients are cut to this length.", gt=0, advanced=True, group="Optimizer"
    )
    gradient_checkpointing: bool = setting(
        False, "Computes the U-Net's activations twice, keeps none: less memory, a quarter more time.", advanced=True,
        group="Optimizer",
    )  # fmt: skip
    lora_rank: int = setting(8, "Rank of the matrices, of lora.", ge=1, le=256, advanced=True, group="Network")
    train_text_encoder: bool = setting(
        False, "The text encoder learns too: closer likeness, more drift.", advanced=True, group="Network"
    )
    min_snr: float = setting(
        0.0, "Clamps the loss's weight at this signal-to-noise ratio, such as 5 (min-SNR); 0: all steps alike.",
        ge=0, advanced=True, group="Losses",
    )  # fmt: skip
    flip: bool = setting(False, "Mirrored pictures are learned too.", advanced=True, group="Data")
    probes: str = setting(
        "a leaf, a photo, a photo of a dog, an oil painting of a city",
        "Prompts whose meaning must not drift, with commas; the prior prompt is one as well.",
        advanced=True,
        group="Saving",
    )
    samples: int = setting(2, "Samples per prompt at every save.", ge=1, le=8, advanced=True, group="Saving")
    sample_steps: int = setting(
        25, "Denoising steps of samples and prior pictures.", ge=1, le=PROMPT_MOST["dpm-solver"], advanced=True,
        group="Saving",
    )  # fmt: skip
    guidance: float = setting(
        7.5, "How strongly samples and prior pictures follow their prompt (guidance).", ge=0, le=50, advanced=True,
        group="Saving",
    )  # fmt: skip

    @property
    def probe_prompts(self) -> tuple[str, ...]:
        """The prompts whose drift is measured, each once."""
        prompts = [self.prior_prompt, *(prompt.strip() for prompt in self.probes.split(","))]
        return tuple(dict.fromkeys(filter(None, prompts)))

    def leaner(self) -> list[list[dict[str, Any]]]:
        """Return gradient checkpointing, then 8-bit Adam where it is present; then LoRA. See `Config.leaner`."""
        kept: dict[str, Any] = {} if self.gradient_checkpointing else {"gradient_checkpointing": True}
        same = [kept] if kept else []
        if self.method == "lora":  # whose moments take a few MB
            return [same]
        has_adamw8bit = importlib.util.find_spec("bitsandbytes") is not None and not devices.is_cpu(self.device)
        if self.optimizer == "adamw" and has_adamw8bit:
            same.append({**kept, "optimizer": "adamw8bit"})
        rate = type(self).model_fields["learning_rate"].default  # all weights learn at a far lower one
        rates = {} if self.learning_rate == rate else {"learning_rate": rate}
        return [same, [{**kept, "method": "lora", **rates}]]

    @field_validator("labels", mode="before")
    @classmethod
    def _label_sets(cls, value: object) -> object:
        return label_sets(value)

    @model_validator(mode="after")
    def _prompt_has_the_token(self) -> "DreamBoothConfig":
        if len(self.token.split()) != 1 or not has_token(self.prompt, self.token):
            raise ValueError(
                f"prompt: got {self.prompt!r}, expected the token {self.token!r} as a word of it, such as "
                f"'a photo of {self.token or 'sks'} leaf'."
            )
        for prompt in self.probe_prompts:
            if has_token(prompt, self.token):
                name = "prior_prompt" if prompt == self.prior_prompt else "probes"
                raise ValueError(f"{name}: got {prompt!r}, expected words without the token {self.token!r}.")
        return self
