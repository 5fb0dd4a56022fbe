"""The settings that models which make pictures from noise have in common; free of torch."""

from pydantic import field_validator, model_validator

from leafcore.config import setting
from leafcore.data.labels import label_sets
from leafcore.train.train_config import TrainConfig


class NoiseModelConfig(TrainConfig):
    """What a model that makes pictures from noise learns from, and how it is watched."""

    labels: tuple[str, ...] = setting(
        (), "Label sets to learn, with commas between them; empty: all.", ref="label_sets"
    )
    conditional: str = setting("none", "How pictures of a class are asked for; none: they are not.")
    flip: bool = setting(True, "Mirrors every other picture, at random.", advanced=True, group="Data")
    compiled: bool = setting(
        False,
        "Compiles the networks (torch.compile; CUDA graphs on a GPU): minutes at the start, then faster steps.",
        advanced=True,
        group="Optimizer",
    )
    samples: int = setting(8, "Samples drawn at every save, per class.", ge=1, le=12, advanced=True, group="Saving")

    @field_validator("labels", mode="before")
    @classmethod
    def _label_sets(cls, value: object) -> object:
        return label_sets(value)

    @model_validator(mode="after")
    def _has_classes(self) -> "NoiseModelConfig":
        if self.conditional != "none" and len(self.labels) == 1:
            raise ValueError(
                f"conditional: got {self.conditional!r} with one label set; expected none, or several label sets."
            )
        return self
