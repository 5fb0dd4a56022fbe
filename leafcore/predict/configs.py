"""Settings of a prediction; free of torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore.config import Config, setting

Layout = Literal["own", "plant-pathology-2021", "plant-pathology-2020", "cassava"]


class ViewsConfig(Config):
    """How often a picture is looked at, see `measure.views`."""

    tiles: Literal[0, 4, 9, 16] = setting(
        0, "Local crops that are looked at beside the whole picture; the cassava study: 4."
    )
    tta: Literal[1, 2, 4, 8] = setting(
        1, "Times that each is looked at: as it is, flipped, then zoomed with more contrast too; the study: 4."
    )

    @field_validator("tiles", "tta", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    @property
    def views(self) -> int:
        """How often each picture is looked at in all."""
        return (1 + self.tiles) * self.tta


class PredictConfig(ViewsConfig):
    """Settings of `predict`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"study": {"tiles": 4, "tta": 4}}
    PURPOSES: ClassVar[Mapping[str, str]] = {"study": "four tiles, four times each, as for cassava leaves"}

    model: str = setting(
        ..., "Classifier: a checkpoint, or a run, whose best epoch it is, or run@epoch.", ref="classifier"
    )
    path: str = setting("", "A picture, or a folder of pictures, those in its folders too.", ref="pictures")
    dataset: str = setting("", "Dataset to name a split of, instead of a path.", ref="dataset")
    split: Literal["train", "val", "test"] = setting(
        "val", "Which pictures of a dataset. Looking at those of test is counted."
    )
    layout: Layout = setting("own", "Columns of the table: every label's probability, or what a competition asks for.")
    cam: bool = setting(False, "Also draws what in each picture speaks for its most probable label.")
    batch_size: int = setting(32, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    @model_validator(mode="after")
    def _one_source(self) -> "PredictConfig":
        if bool(self.path) == bool(self.dataset):
            got = "both" if self.path else "neither"
            raise ValueError(f"path: got {got} a path and a dataset, expected one of them.")
        return self
