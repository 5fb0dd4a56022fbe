"""Settings of synthesis; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import field_validator, model_validator

from leafcore.config import Config, setting
from leafcore.denoising import GUIDANCE, PROMPT_STEPS, SAMPLER, SAMPLING_STEPS, STRENGTH, Sampler
from leafcore.errors import ConfigError
from leafcore.train.train_config import Precision

WHOLE = "all"  # in place of a mask set: the whole picture may change


class VerificationConfig(Config):
    """Settings of what is asked of pictures that a model made without a chain."""

    verify: Literal["auto", "yes", "no"] = setting(
        "auto", "Whether pictures are verified, and those that fail rejected; auto: those drawn from a prompt."
    )
    judge: str = setting(
        "auto",
        "From noise or a prompt: classifier that names the pictures; auto takes the newest over the model's dataset; "
        "none.",
        ref="noise_judge",
        advanced=True,
    )
    leaf_model: str = setting(
        "auto",
        "Verifying: LFLSeg model that tells full leaves; auto takes a checkpoint; none.",
        ref="leaf_model",
        advanced=True,
    )
    min_leafness: float = setting(
        0.5, "Verifying: least probability of one full leaf that is accepted.", ge=0, le=1, advanced=True
    )
    copy_percentile: float = setting(
        1.0,
        "Verifying: a picture nearer to a training picture than all but so many real ones is a copy; 0: accepted.",
        unit="%",
        ge=0,
        le=50,
        advanced=True,
    )


class SynthesizeConfig(VerificationConfig):
    """Settings of `synthesize`: a chain that translates sources, or a checkpoint that makes them of noise or words."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {}, "draft": {}, "paper": {}}

    chain: tuple[str, ...] = setting(
        (),
        "Steps in order, translators or DreamBooth models: checkpoints, or ids of training runs.",
        ref="translators",
        max_length=8,
    )
    checkpoint: str = setting(
        "",
        "Instead of a chain: a model that makes pictures from noise or a prompt, a checkpoint or a training run.",
        ref="noise_model",
    )
    also: tuple[str, ...] = setting(
        (),
        "From a prompt: further models of the same base, taught by LoRA, whose tokens are drawn together.",
        ref="prompt_models",
        max_length=4,
    )
    dataset: str = setting("", "Dataset whose train pictures are the sources.", ref="dataset")
    source: str = setting("healthy", "Label set of the sources; of a prompt: those to draw over.", ref="domain")
    label: str = setting("", "From noise: the label set to make; empty: what the model makes, each class in turn.")
    prompt: str = setting("", "From a prompt: what to draw, in words; empty: what the model was taught.")
    count: int = setting(24, "Pictures to make; of a chain, each from another source.", ge=1, le=1_000_000)
    truncation: float = setting(
        0.0,
        "From noise: the largest latent value, less is more typical and less varied; 0: no limit.",
        ge=0,
        le=10,
        unit="standard deviations",
    )
    guidance: float = GUIDANCE
    sampler: Sampler = SAMPLER
    sampling_steps: int = SAMPLING_STEPS
    strength: float = setting(
        STRENGTH,
        "From a prompt over sources, or as a step of a chain: how much is drawn anew, from almost nothing to 1, all.",
        ge=0.05,
        le=1,
    )
    negative: str = setting("", "From a prompt: what is not wanted, in words.", advanced=True)
    lora_strength: float = setting(
        1.0, "From a prompt: how much of what LoRA learned is added.", ge=0, le=2, advanced=True
    )
    masks: str = setting(
        "",
        "Mask set, for what changes the leaf only; empty: the dataset's exact masks, else its newest set; of a prompt "
        "over sources also all: the whole picture.",
        ref="chain_masks",
        advanced=True,
    )
    seed: int = setting(0, "Seed of the choice of sources, or of the noise.", ge=0, le=2**63 - 1)
    batch_size: int = setting(8, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    precision: Precision = setting(
        "auto",
        "Of a chain: fp32 is exact; bf16 is up to twice as fast, a level or two off; auto takes bf16 on a GPU.",
        advanced=True,
    )
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    def verifies(self, *, from_prompt: bool) -> bool:
        """Whether the pictures of a model are verified.

        Args:
            from_prompt: Whether it draws from a prompt.
        """
        return self.verify == "yes" or (self.verify == "auto" and from_prompt)

    @field_validator("chain", "also", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _no_source_of_noise(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("checkpoint"):
            return {"source": "", **values}
        return values

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.checkpoint:
            given = [name for name in ("chain", "masks") if getattr(self, name)]
            if given and (given[0] == "chain" or not self.source):
                raise ValueError(f"{given[0]}: a checkpoint that makes pictures from noise takes none; leave it out.")
            return self
        for name in ("chain", "dataset", "source"):
            if not getattr(self, name):
                hint = " Or name a checkpoint that makes pictures from noise." if name == "chain" else ""
                raise ValueError(f"{name}: missing. {self._meaning(name)}{hint}")
        names = ("label", "truncation", "guidance", "sampling_steps", "prompt", "negative")
        given = [name for name in names if getattr(self, name)]
        given += ["sampler"] if self.sampler != "auto" else []
        given += ["also"] if self.also else []
        if given:
            model = "draws from a prompt" if given[0] in {"prompt", "negative", "also"} else "makes pictures from noise"
            raise ValueError(f"{given[0]}: a chain takes none; it is for a checkpoint that {model}.")
        return self


def require_a_step(config: SynthesizeConfig) -> None:
    """Refuse to draw over sources in no step at all.

    Raises:
        ConfigError: The strength is too small for so few steps.
    """
    steps = config.sampling_steps or PROMPT_STEPS
    if config.source and int(steps * config.strength) < 1:
        raise ConfigError(
            f"strength: got {config.strength:g} of {steps} steps, expected at least one whole step: "
            f"{1 / steps:.2g} or more."
        )


class PseudoLabelConfig(Config):
    """Settings of `pseudo-label`."""

    run: str = setting(..., "The synthesize run whose pictures have no labels.", ref="synthetic")
    teacher: str = setting(..., "Classifier that labels them: a checkpoint, or a training run.", ref="teacher")
    min_confidence: float = setting(
        0.75, "A picture is kept if the teacher gives its label set at least this probability.", ge=0, le=1
    )
    co_teacher: str = setting(
        "", "A second classifier: only pictures on whose label set both agree are kept.", ref="co_teacher"
    )
    dataset: str = setting(
        "", "Dataset whose labels these are; empty: the one of the pictures.", ref="dataset", advanced=True
    )
    batch_size: int = setting(32, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
