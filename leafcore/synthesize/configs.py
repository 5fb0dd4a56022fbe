"""Settings of synthesis; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import field_validator, model_validator

from leafcore.config import Config, setting
from leafcore.denoising import GUIDANCE, SAMPLER, SAMPLING_STEPS, Sampler


class SynthesizeConfig(Config):
    """Settings of `synthesize`: a chain that translates sources, or a checkpoint that makes them of noise or words."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {}, "draft": {}, "paper": {}}

    chain: tuple[str, ...] = setting(
        (),
        "Translators in order: checkpoints, or ids of training runs.",
        ref="translators",
        max_length=8,
    )
    checkpoint: str = setting(
        "",
        "Instead of a chain: a model that makes pictures from noise or a prompt, a checkpoint or a training run.",
        ref="noise_model",
    )
    dataset: str = setting("", "Dataset whose train pictures are the sources.", ref="dataset")
    source: str = setting("healthy", "Label set of the sources.", ref="domain")
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
    negative: str = setting("", "From a prompt: what is not wanted, in words.", advanced=True)
    lora_strength: float = setting(
        1.0, "From a prompt: how much of what LoRA learned is added.", ge=0, le=2, advanced=True
    )
    masks: str = setting(
        "",
        "Mask set, for translators that change the leaf only; empty: the dataset's exact masks, else its newest set.",
        ref="chain_masks",
        advanced=True,
    )
    seed: int = setting(0, "Seed of the choice of sources, or of the noise.", ge=0, le=2**63 - 1)
    judge: str = setting(
        "auto",
        "From noise: classifier that names the pictures; auto takes the newest over the model's dataset; none.",
        ref="noise_judge",
        advanced=True,
    )
    batch_size: int = setting(8, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    @field_validator("chain", mode="before")
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
            given = [name for name in ("chain", "source", "masks") if getattr(self, name)]
            if given:
                raise ValueError(f"{given[0]}: a checkpoint that makes pictures from noise takes none; leave it out.")
            return self
        for name in ("chain", "dataset", "source"):
            if not getattr(self, name):
                hint = " Or name a checkpoint that makes pictures from noise." if name == "chain" else ""
                raise ValueError(f"{name}: missing. {self._meaning(name)}{hint}")
        names = ("label", "truncation", "guidance", "sampling_steps", "prompt", "negative")
        given = [name for name in names if getattr(self, name)]
        given += ["sampler"] if self.sampler != "auto" else []
        if given:
            model = "draws from a prompt" if given[0] in {"prompt", "negative"} else "makes pictures from noise"
            raise ValueError(f"{given[0]}: a chain takes none; it is for a checkpoint that {model}.")
        return self


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
