"""Settings of taking weights in and of writing them; free of torch."""

from pathlib import Path
from typing import Literal, Self

from pydantic import field_validator, model_validator

from leafcore.config import Config, setting
from leafcore.data.labels import label_set
from leafcore.errors import ConfigError
from leafcore.workspace import check_name

TRANSLATORS = ("leafgan", "cyclegan")


class AdoptConfig(Config):
    """Settings of `adopt`."""

    file: str = setting(
        ...,
        "Weights: LFLSeg_resnet101.pth as LeafGAN publishes it; or a generator that CycleGAN's or LeafGAN's code saved "
        "(latest_net_G_A.pth), or the folder of all that it saved.",
        ref="saved",
        min_length=1,
    )
    name: str = setting(..., "What to call the checkpoint.")
    a: str = setting("healthy", "Label set that a generator translates from.")
    b: str = setting("", "Label set that a generator translates to; needed for one.")
    size_px: int = setting(
        256, "Side of the pictures that a generator was trained on.", unit="px", ge=32, le=1024, multiple_of=4
    )
    epoch: str = setting("latest", "Which epoch of a folder: latest, or a number such as 200.", advanced=True)
    recipe: Literal["auto", "lflseg", "leafgan", "cyclegan"] = setting(
        "auto",
        "What kind of model it is; auto tells LFLSeg from a generator, and takes a generator for CycleGAN's: LeafGAN's "
        "look the same.",
        advanced=True,
    )
    origin: str = setting("unknown", "Where the weights come from: a link, a paper.", min_length=1)
    license: str = setting("unknown", "Under which terms they may be used.", min_length=1)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        try:
            return check_name(value, "name")
        except ConfigError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _two_domains(self) -> Self:
        if self.recipe in TRANSLATORS or self.b:
            require_domains(self.a, self.b)
        return self


def require_domains(a: str, b: str) -> None:
    """Refuse a generator of which nobody says what it translates.

    Raises:
        ValueError: A label set is missing, or both are the same.
    """
    if not a.strip() or not b.strip():
        raise ValueError(
            f"{'b' if a.strip() else 'a'}: missing; say from which label set to which the generator translates."
        )
    if label_set(a) == label_set(b):
        raise ValueError(f"a and b: got {a!r} twice, expected two different label sets.")


class WriteWeightsConfig(Config):
    """Settings of `write-weights`."""

    model: str = setting(..., "Translator to write: a checkpoint, a run, or run@epoch.", ref="translator")
    to: Path = setting(..., "Folder to write to; made if it is missing.", ref="weights_target")

    @field_validator("to", mode="before")
    @classmethod
    def _to(cls, value: object) -> object:
        if not str(value).strip():
            raise ValueError("to: empty, expected a folder to write to.")
        return value


def require_weights_target(folder: Path) -> None:
    """Refuse to write over weights.

    Raises:
        ConfigError: It is no folder, or holds weights of that name.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"to: {folder} is a file, expected a folder.")
    taken = sorted(folder.glob("latest_net_*.pth"))
    if taken:
        raise ConfigError(f"to: {folder} holds {taken[0].name} already; choose another folder.")
