"""Settings of imports and drawings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import field_validator, model_validator

from leafcore.config import Config, setting
from leafcore.data.formats import Format
from leafcore.data.kaggle import kaggle_source
from leafcore.errors import ConfigError
from leafcore.workspace import check_name


class SplitConfig(Config):
    """How pictures are divided."""

    val: float = setting(0.15, "Share of pictures kept for choosing epochs and thresholds.", ge=0, lt=1, advanced=True)
    test: float = setting(0.15, "Share of pictures kept for the final comparison.", ge=0, lt=1, advanced=True)
    seed: int = setting(0, "Seed of the split.", ge=0, advanced=True)

    @model_validator(mode="after")
    def _some_train(self) -> "SplitConfig":
        if self.val + self.test >= 1:
            raise ValueError(f"val and test: got {self.val} + {self.test}, expected less than 1 together.")
        return self


class ImportConfig(SplitConfig):
    """Settings of `import_dataset`."""

    source: Path = setting(
        ...,
        "A folder per class, a train.csv with pictures, trainA and trainB; a ZIP of these; or kaggle:SLUG.",
        ref="source",
    )
    name: str = setting(..., "What the dataset is called here.")
    format: Format = setting("auto", "How the source is laid out.")
    image_column: str = setting("", "Of a table of another layout: the column of file names.", advanced=True)
    label_column: str = setting("", "Of such a table: the column of labels.", advanced=True)
    group_column: str = setting("", "Of such a table: the column that says what belongs together.", advanced=True)
    split_column: str = setting(
        "", "Of such a table: the column that says train, val or test; these are kept.", advanced=True
    )
    group_regex: str = setting(
        "", "Pictures whose file name matches with the same first bracket belong together.", advanced=True
    )
    near_duplicates: bool = setting(
        True, "Pictures that show the same photograph belong together, so that no split divides them.", advanced=True
    )
    license: str = setting("none stated", "Licence of the pictures; travels with every export.", advanced=True)

    @field_validator("source", mode="before")
    @classmethod
    def _source(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():  # as a path, nothing means the folder one happens to be in
            raise ValueError("source: empty, expected a folder of pictures or a CSV table.")
        return value

    @field_validator("source")
    @classmethod
    def _slug(cls, value: Path) -> Path:
        kaggle_source(value)
        return value

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return _checked_name(value)

    @model_validator(mode="after")
    def _columns(self) -> "ImportConfig":
        others = self.group_column or self.split_column
        if bool(self.image_column) != bool(self.label_column) or (others and not self.image_column):
            raise ValueError(
                "image_column and label_column: name both, or neither; group_column and split_column go with them."
            )
        return self

    @field_validator("group_regex")
    @classmethod
    def _regex(cls, value: str) -> str:
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"group_regex: got {value!r}, which is no regular expression ({error}).") from None
        if value and groups < 1:
            raise ValueError(f"group_regex: got {value!r}, expected one bracket around the part that names the group.")
        return value


class RenderConfig(SplitConfig):
    """Settings of `render_dataset`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"count": 180, "size_px": 96},
        "draft": {"count": 700, "size_px": 128},
    }

    name: str = setting("sample-leaves", "What the dataset is called here.")
    count: int = setting(700, "About how many pictures to draw.", ge=20, le=100_000)
    size_px: int = setting(128, "Side of a picture.", unit="px", ge=32, le=1024, multiple_of=16)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return _checked_name(value)


def _checked_name(value: str) -> str:
    try:
        return check_name(value, "dataset")
    except ConfigError as error:
        raise ValueError(str(error)) from None
