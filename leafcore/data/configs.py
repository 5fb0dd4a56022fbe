"""Settings of imports, drawings and splits."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore.config import LAST_SEED, Config, setting
from leafcore.data.classes import LabelPolicy
from leafcore.data.formats import Format
from leafcore.data.kaggle import kaggle_source
from leafcore.data.labels import label_sets
from leafcore.errors import ConfigError
from leafcore.workspace import check_name


class SplitConfig(Config):
    """How pictures are divided."""

    val: float = setting(0.15, "Share of pictures kept for choosing epochs and thresholds.", ge=0, lt=1, advanced=True)
    test: float = setting(0.15, "Share of pictures kept for the final comparison.", ge=0, lt=1, advanced=True)
    seed: int = setting(0, "Seed of the split.", ge=0, le=LAST_SEED, advanced=True)

    @model_validator(mode="after")
    def _some_train(self) -> "SplitConfig":
        if self.val + self.test >= 1:
            raise ValueError(f"val and test: got {self.val} + {self.test}, expected less than 1 together.")
        return self


class GroupRules(Config):
    """Which pictures belong together, so that no split divides them. Rules add up."""

    group_regex: str = setting(
        "", "Pictures whose file name matches with the same first bracket belong together.", advanced=True
    )
    group_run: int = setting(
        0, "So many pictures of neighbouring camera numbers belong together; 0 for none.", ge=0, le=1000, advanced=True
    )
    group_day: bool = setting(False, "Pictures taken on one day (EXIF) belong together.", advanced=True)
    group_camera: bool = setting(False, "Pictures taken by one camera (EXIF) belong together.", advanced=True)
    leaf_map: str = setting(
        "", "PlantVillage's leaf-map.json: pictures of one leaf belong together.", ref="file", advanced=True
    )
    near_duplicates: bool = setting(
        True, "Pictures that show the same photograph belong together, so that no split divides them.", advanced=True
    )

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

    @field_validator("group_run")
    @classmethod
    def _run(cls, value: int) -> int:
        if value == 1:
            raise ValueError("group_run: got 1, expected 0 for none, or 2 and more: one picture is no run.")
        return value


class ImportConfig(SplitConfig, GroupRules):
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
    label_policy: LabelPolicy = setting(
        "multi-label",
        "Pictures of several labels: multi-label tells each label for itself, single-only leaves them out, combination "
        "makes each combination a class of its own.",
        advanced=True,
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


class ResplitConfig(SplitConfig, GroupRules):
    """Settings of `resplit`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "70-15-15": {"val": 0.15, "test": 0.15},
        "80-20": {"val": 0.0, "test": 0.2},
    }

    dataset: str = setting(..., "Dataset to split again.", ref="dataset")
    keep_groups: bool = setting(
        True, "What belongs together already stays together; without, only the rules below join pictures."
    )
    label_policy: Literal["keep", LabelPolicy] = setting(
        "keep",
        "Pictures of several labels: multi-label tells each label for itself, single-only leaves them out, combination "
        "makes each combination a class of its own; keep: as in this version.",
    )
    folds: int = setting(
        0,
        "Cross-validation: so many datasets NAME-fold-1-of-K, ..., each with another part as its test split; 0 for "
        "none. Validation is then a share of what is left.",
        ge=0,
        le=20,
    )
    leave_out: str = setting(
        "",
        "A group, or a name that a rule gives, such as a day or a camera: it becomes the test split. Validation is "
        "then a share of what is left.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "ResplitConfig":
        if self.folds == 1:
            raise ValueError("folds: got 1, expected 0 for none, or 2 and more.")
        if self.folds and self.leave_out:
            raise ValueError(f"folds and leave_out: got {self.folds} and {self.leave_out!r}, expected one of the two.")
        return self


class ScarceConfig(SplitConfig):
    """Settings of `scarce`."""

    dataset: str = setting(..., "Dataset to thin out.", ref="dataset")
    limit: int = setting(100, "Pictures that each label set keeps at most.", ge=1)
    labels: tuple[str, ...] = setting(
        (), "Label sets to thin out, with commas between them; empty: all.", ref="label_sets"
    )
    name: str = setting(..., "What the thinned dataset is called.")
    order: Literal["after-split", "before-split"] = setting(
        "after-split",
        "after-split: train is thinned, validation and test stay; before-split: all is thinned, then split again.",
    )

    @field_validator("labels", mode="before")
    @classmethod
    def _labels(cls, value: object) -> object:
        return label_sets(value)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return _checked_name(value)


def _checked_name(value: str) -> str:
    try:
        return check_name(value, "dataset")
    except ConfigError as error:
        raise ValueError(str(error)) from None
