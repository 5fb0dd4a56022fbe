"""Settings of a comparison; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore.config import LAST_SEED, Config, require_seeds, setting, split_names

BaseArm = Literal["real", "classical", "oversampled", "weighted", "real_plus_synthetic", "replaced", "synthetic"]
Heuristic = Literal["match-largest", "capped", "proportional"]

BASELINE = "real"  # every other arm is compared with it
LEAST_SEEDS = 3  # classifiers per arm, below which nothing is claimed: how far trainings differ by chance is not seen
ARM_TITLES: dict[str, str] = {
    "real": "Real",
    "classical": "Real, classical augmentation",
    "oversampled": "Real, oversampled",
    "weighted": "Real, class weights",
    "real_plus_synthetic": "Real + synthetic",
    "replaced": "Real, sources replaced",
    "synthetic": "Synthetic only",
}
SYNTHETIC_ARMS = ("real_plus_synthetic", "replaced", "synthetic")  # those that learn from synthetic pictures


class EvaluateConfig(Config):
    """Settings of `evaluate`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"seeds": 3, "steps": 24, "epochs": 2, "size_px": 64, "batch_size": 16},
        "draft": {"seeds": 3, "steps": 240, "epochs": 8, "size_px": 128},
        "paper": {"seeds": 5, "steps": 3000, "epochs": 30, "size_px": 256},
    }

    dataset: str = setting(..., "Dataset whose real pictures train and test the classifiers.", ref="dataset")
    synthetic: tuple[str, ...] = setting(
        ...,
        "Synthetic sets to add: ids of the runs that made or labelled them.",
        ref="synthetics",
        min_length=1,
        max_length=32,
    )
    arms: tuple[BaseArm, ...] = setting(
        ("real", "classical", "real_plus_synthetic"),
        "What is compared, each arm with real pictures alone; replaced leaves out the sources of synthetic pictures.",
    )
    pooling: Literal["pooled", "each", "both"] = setting(
        "pooled",
        "Whether several synthetic sets make one arm together, one each, or both; of sets whose generators were "
        "trained alike but for the seed, one each also tells how much that seed matters.",
    )
    doses: tuple[int, ...] = setting(
        (),
        "Arms with so many synthetic pictures, in percent of the real train pictures of the same label set: 0 to 400.",
        unit="%",
        max_length=20,
    )
    heuristics: tuple[Heuristic, ...] = setting(
        (),
        "Arms that add as many as a rule says: match-largest fills every label set up to the largest one; capped does "
        "so but at most doubles it; proportional keeps the real proportions.",
    )
    seeds: int = setting(3, "Classifiers trained per arm; fewer than 3 give no verdict.", ge=1, le=20)
    steps: int = setting(600, "Optimizer steps of every classifier, the same in all arms.", ge=2, le=1_000_000)
    epochs: int = setting(10, "How often within these steps validation picks the best weights.", ge=1, le=1000)
    backbone: str = setting("tf_efficientnet_lite0", "Classifier: any timm model; the default needs no download.")
    pretrained: bool = setting(True, "Start from ImageNet weights.", advanced=True)
    size_px: int = setting(128, "Side of the pictures the classifiers see.", unit="px", ge=32, le=1024, multiple_of=32)
    batch_size: int = setting(32, "Pictures per step.", ge=2, le=1024, advanced=True)
    learning_rate: float = setting(1e-3, "Step size of AdamW.", gt=0, le=1, advanced=True)
    seed: int = setting(0, "Seed of the first classifier; the others follow.", ge=0, le=LAST_SEED, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        "fp32 is exact; bf16 is up to twice as fast; auto takes bf16 on a GPU, and on a CPU where that is faster.",
        advanced=True,
    )

    @field_validator("synthetic", "arms", "doses", "heuristics", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        """Read what a command line separates by commas; each is named once."""
        parts = split_names(value)
        if not isinstance(parts, list | tuple):
            return value
        return tuple(dict.fromkeys(part for part in parts if part != ""))

    @field_validator("doses")
    @classmethod
    def _within_reach(cls, doses: tuple[int, ...]) -> tuple[int, ...]:
        for dose in doses:
            if not 0 <= dose <= 400:
                raise ValueError(f"doses: got {dose}, expected percent from 0 to 400.")
        return tuple(sorted(doses))

    @model_validator(mode="after")
    def _every_seed_fits(self) -> "EvaluateConfig":
        require_seeds(self.seed, self.seeds)
        return self

    @model_validator(mode="after")
    def _a_step_per_epoch(self) -> "EvaluateConfig":
        if self.epochs > self.steps:
            raise ValueError(f"epochs: got {self.epochs}, expected at most as many as steps ({self.steps}).")
        return self

    @model_validator(mode="after")
    def _something_to_compare(self) -> "EvaluateConfig":
        if not (set(self.arms) & set(SYNTHETIC_ARMS) or any(self.doses) or self.heuristics):
            raise ValueError(
                f"arms: got {', '.join(self.arms) or 'none'}, expected one with synthetic pictures as well: "
                f"{', '.join(SYNTHETIC_ARMS)}, a dose above 0, or a heuristic."
            )
        return self


def arm_title(arm: str) -> str:
    """Return what a person calls an arm by its id alone, such as "dose.50" or "real_plus_synthetic.2"."""
    base, _, rest = arm.partition(".")
    if base == "dose":
        return f"Real + {rest} % synthetic"
    if base == "add":
        return f"Real + synthetic, {rest}"
    return ARM_TITLES.get(base, base) + (f" {rest}" if rest else "")
