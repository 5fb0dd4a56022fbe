"""Settings of synthesis; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import field_validator, model_validator

from leafcore.chain_steps import LabelRule, parse_step
from leafcore.config import Config, Names, setting
from leafcore.denoising import GUIDANCE, SAMPLER, SAMPLING_STEPS, STRENGTH, Sampler
from leafcore.errors import ConfigError
from leafcore.synthesize.parts import Part, read_parts
from leafcore.train.train_config import Precision

AUTO = "auto"
WHOLE = "all"  # in place of a mask set: the whole picture may change
WHOLE_OF_PROMPT = f"masks {WHOLE}"  # what says so of a prompt over sources


class VerificationConfig(Config):
    """Settings of what is asked of generated pictures."""

    verify: Literal["auto", "yes", "no"] = setting(
        "auto",
        "Whether pictures are verified, and those that fail rejected. auto: of a prompt, or a chain with a step that "
        "draws, by everything; of another chain, by their pixels and the judge of labels; from noise, by nothing.",
    )
    judge: str = setting(
        "auto",
        "Classifier that names the pictures; auto takes the newest over their dataset; none. One that names less than "
        "80% of real validation pictures rightly, or was tried on less than 20, rejects nothing.",
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
    min_change: float = setting(
        0.5,
        "Verifying a chain: a picture that differs less from its source, on the leaf, is rejected.",
        unit="% of the range",
        ge=0,
        le=100,
        advanced=True,
    )
    max_background: float = setting(
        10.0,
        "Verifying a chain: a picture whose background, outside the mask, changed more is rejected.",
        unit="% of the range",
        ge=0,
        le=100,
        advanced=True,
    )
    min_contrast: float = setting(
        2.0,
        "Verifying a chain: a picture with less contrast, or one that looks like an earlier one of the run, is "
        "rejected.",
        unit="% of the range",
        ge=0,
        le=50,
        advanced=True,
    )


class SynthesizeConfig(VerificationConfig):
    """Settings of `synthesize`: a chain that translates sources, or a checkpoint that makes them of noise or words."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"verify": "no"},  # what was trained for a minute makes nothing that would pass
        "draft": {},
        "paper": {},
    }

    chain: Names = setting(
        (),
        "Steps in order, translators or DreamBooth models: checkpoints, or ids of training runs. Each may end in :back "
        "(from B to A), a strength from 0 to 1 such as :0.7 (the rest stays as it was), and :leaf or :all (where it "
        "changes the picture; else as trained): healthy-to-rust:0.7:leaf.",
        ref="translators",
        max_length=8,
    )
    checkpoint: str = setting(
        "",
        "Instead of a chain: a model that makes pictures from noise or a prompt, a checkpoint or a training run.",
        ref="noise_model",
    )
    also: Names = setting(
        (),
        "From a prompt: further models of the same base, taught by LoRA, whose tokens are drawn together.",
        ref="prompt_models",
        max_length=4,
    )
    plan: tuple[Part, ...] = setting(
        (),
        "Instead of one chain or checkpoint: several parts, made one after another as one set. A list of objects with "
        "source, chain and count, or checkpoint, label and count, each with what it draws and how; or a whole balance "
        "plan.",
        ref="plan",
        max_length=64,
    )
    chain_preset: str = setting("", "Instead of a chain: one that was saved under this name.", ref="chain_preset")
    label_rule: LabelRule = setting(
        "union",
        "Label set of what a chain makes: union of the source's labels and each step's, healthy dropped; the last "
        "step's; or custom.",
    )
    custom_label: str = setting("", "Of the rule custom: the label set, such as rust scab.")
    keep_steps: bool = setting(
        False, "Of a chain: keep what each step made beside the pictures, to be looked at; no export holds it."
    )
    dataset: str = setting("", "Dataset whose train pictures are the sources.", ref="dataset")
    source: str = setting("healthy", "Label set of the sources; of a prompt: those to draw over.", ref="domain")
    sources_from: Literal["train", "val", "test"] = setting(
        "train",
        "Split of the sources. Others than train judge models, and are refused without an override.",
        advanced=True,
    )
    override: str = setting(
        "", "Why pictures of val or test are translated all the same; every export is stamped with it.", advanced=True
    )
    label: str = setting("", "From noise: the label set to make; empty: what the model makes, each class in turn.")
    prompt: str = setting(
        "", "From a prompt, or of a chain in which one step draws: what to draw, in words; empty: what was taught."
    )
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
    size_px: int = setting(
        0, "Of a chain: side of the pictures; 0: the size that its steps were trained at.", unit="px", ge=0, le=4096
    )
    sizing: Literal["resize", "tiles"] = setting(
        "resize",
        "Another size by resize: translated at the size of training, the change enlarged and added to the source; or "
        "by tiles of that size, which fade into each other and see no whole leaf.",
        advanced=True,
    )
    negative: str = setting(
        "", "From a prompt, or of steps of a chain that draw: what is not wanted, in words.", advanced=True
    )
    lora_strength: float = setting(
        1.0,
        "From a prompt, or of steps of a chain that draw: how much of what LoRA learned is added.",
        ge=0,
        le=2,
        advanced=True,
    )
    base: str = setting(
        "",
        "From a prompt: where the base model of the checkpoint is now, a folder or a hub id; empty: where it was, or "
        "wherever an accepted one is the same.",
        ref="base",
        advanced=True,
    )
    masks: str = setting(
        "",
        "Mask set, for what changes the leaf only; empty: the dataset's exact masks, else its newest set; of a prompt "
        "over sources also all: the whole picture.",
        ref="chain_masks",
        advanced=True,
    )
    seed: int = setting(0, "Seed of the choice of sources, or of the noise.", ge=0, le=2**63 - 1)
    batch_size: int = setting(
        0, "Pictures per forward pass; 0: as many as are fastest at their size, on this device.", ge=0, le=1024,
        advanced=True,
    )  # fmt: skip
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

    def parts(self) -> list["SynthesizeConfig"]:
        """Return the settings of each part of the plan, as if it were made alone.

        Raises:
            ConfigError: Those of a part do not fit together.
        """
        own = {"plan", "chain", "chain_preset", "checkpoint", "label", "source", "count"}
        shared = self.model_dump(exclude=own)
        found = []
        for number, part in enumerate(self.plan, start=1):
            try:
                found.append(SynthesizeConfig.build({**shared, **part.told()}))
            except ConfigError as error:
                raise ConfigError(f"plan: part {number}: {error}") from None
        return found

    @field_validator("chain")
    @classmethod
    def _known_options(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(f"{name}{how}" for name, how in map(parse_step, value))
        except ConfigError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="before")
    @classmethod
    def _no_source_of_noise(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        if values.get("plan"):
            try:
                plan = read_parts(values["plan"])
            except ConfigError as error:
                raise ValueError(str(error)) from None
            return {"source": "", "count": sum(part.count for part in plan), **values, "plan": plan}
        return {"source": "", **values} if values.get("checkpoint") else values

    @model_validator(mode="after")
    def _plan_alone(self) -> Self:
        """Refuse beside a plan what its parts say themselves."""
        if not self.plan:
            return self
        given = [name for name in ("chain", "chain_preset", "checkpoint", "source", "label") if getattr(self, name)]
        if given:
            raise ValueError(f"{given[0]}: each part of a plan says its own; leave it out.")
        total = sum(part.count for part in self.plan)
        if self.count != total:
            raise ValueError(f"count: got {self.count}, but the plan makes {total}; leave it out.")
        if not self.dataset:
            raise ValueError(f"dataset: missing. {self._meaning('dataset')}")
        try:
            self.parts()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _label_of_a_chain(self) -> Self:
        if self.label_rule != "union" and (self.checkpoint or self.plan):
            raise ValueError(f"label_rule: got {self.label_rule!r}, which only one chain takes; leave it out.")
        if (self.label_rule == "custom") != bool(self.custom_label.strip()):
            raise ValueError(
                f"custom_label: got {self.custom_label!r} with label_rule {self.label_rule!r}; expected a label set "
                "such as 'rust scab' with the rule custom, and none with another."
            )
        return self

    @model_validator(mode="after")
    def _sources_that_judge(self) -> Self:
        split = self.sources_from
        if split != "train" and not self.override.strip():
            raise ValueError(
                f"sources_from: got {split!r}, but whatever learns from such a set has seen what judges it: no score "
                f"on {split} pictures would count. Take train, or say why in override, which stamps every export."
            )
        if split == "train" and self.override:
            raise ValueError("override: train pictures need none; leave it out, or say sources_from val or test.")
        if split != "train" and not self.source and not self.plan:
            raise ValueError(
                f"sources_from: got {split!r}, but what is made from nothing has no sources; leave it out."
            )
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.plan:
            return self
        if self.checkpoint:
            given = [name for name in ("chain", "chain_preset", "size_px", "masks") if getattr(self, name)]
            if given and (given[0] != "masks" or not self.source):
                raise ValueError(f"{given[0]}: a checkpoint that makes pictures from noise takes none; leave it out.")
            return self
        if self.chain and self.chain_preset:
            raise ValueError(f"chain_preset: got {self.chain_preset!r} beside a chain; leave one of them out.")
        for name in ("chain", "dataset", "source"):
            if not getattr(self, name) and not (name == "chain" and self.chain_preset):
                hint = " Or name a checkpoint that makes pictures from noise." if name == "chain" else ""
                raise ValueError(f"{name}: missing. {self._meaning(name)}{hint}")
        given = [name for name in ("label", "truncation", "also") if getattr(self, name)]
        if given:
            model = "draws from a prompt" if given[0] == "also" else "makes pictures from noise"
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
