"""The base of all configs: one definition from which form, flags, API schema and `config.json` are made."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from leafcore.errors import ConfigError

LAST_SEED = 2**32 - 1  # numpy's and scikit-learn's highest


class Config(BaseModel):
    """All settings of one verb. Frozen; an unknown key is an error.

    Attributes:
        PRESETS: Named settings that differ from the defaults; the defaults themselves are the paper's.
        PURPOSES: What a preset is for, in a few words, where its name does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    PURPOSES: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def build(cls, values: Mapping[str, Any], *, preset: str | None = None) -> Self:
        """Check settings and fill in the rest from a preset, then from the defaults.

        Args:
            values: Settings by name, as a form, a command line or a request gives them.
            preset: One of `PRESETS`, or None for the defaults.

        Raises:
            ConfigError: A setting is unknown, missing or out of bounds; the message names it, what it got and what
                it expects.
        """
        base: Mapping[str, Any] = {}
        if preset is not None:
            if preset not in cls.PRESETS:
                raise ConfigError(f"preset: got {preset!r}, expected one of {', '.join(cls.PRESETS) or 'none'}.")
            base = cls.PRESETS[preset]
        try:
            return cls.model_validate({**base, **values})
        except ValidationError as error:
            raise ConfigError(" ".join(cls._explain(problem) for problem in error.errors()[:3])) from None

    @classmethod
    def _explain(cls, problem: ErrorDetails) -> str:
        """Turn one of pydantic's findings into a sentence: setting, got, expected, what it means."""
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            return f"{name}: unknown setting. Known: {', '.join(cls.model_fields)}."
        if problem["type"] == "missing":
            return f"{name}: missing. {cls._meaning(name)}"
        if problem["type"] == "value_error":
            return str(problem["ctx"]["error"])
        expected = problem["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        return f"{name}: got {problem['input']!r}, expected {expected}. {cls._meaning(name)}"

    @classmethod
    def _meaning(cls, name: str) -> str:
        field = cls.model_fields.get(name)
        return (field.description or "") if field else ""

    def leaner(self) -> list[list[dict[str, Any]]]:
        """Return changes that take ever less memory, other than a smaller batch or smaller pictures.

        Returns:
            Stages of changes, each of which includes what the ones before it must keep. In the first, what comes out
            stays the same; in a later one it does not. Empty where no such settings are known.
        """
        return []

    def digest(self) -> str:
        """Return the first 12 hex digits of the SHA-256 of all settings."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def setting(
    default: Any,
    description: str,
    *,
    unit: str = "",
    ref: str = "",
    advanced: bool = False,
    group: str = "",
    **bounds: Any,
) -> Any:
    """Declare one setting of a config.

    Args:
        default: Its value if none is given; `...` if one must be.
        description: One sentence for a person; shown in the form, the command's help and the API.
        unit: What it is counted in, such as "px"; empty for a plain number or a word.
        ref: What its value names, such as "dataset" or "checkpoint", so that a form can offer a choice.
        advanced: Whether the form folds it away.
        group: The heading under which the form draws it there; empty for none.
        **bounds: `ge`, `gt`, `le`, `lt`, `min_length`, `multiple_of`, as in `pydantic.Field`.
    """
    extra: dict[str, Any] = {"unit": unit, "ref": ref, "advanced": advanced, "group": group}
    return Field(default, description=description, json_schema_extra=extra, **bounds)


def require_seeds(first: int, count: int) -> None:
    """Refuse a setting `seed` from which further seeds are counted up, where not all of them can be seeds.

    Args:
        first: The setting.
        count: How many there are to be, the first included.

    Raises:
        ValueError: The last is too high; a config's validator makes a `ConfigError` of it.
    """
    if first + count - 1 > LAST_SEED:
        raise ValueError(
            f"seed: got {first}, expected at most {LAST_SEED - count + 1}, for {count} seeds are counted up from it."
        )


def split_names(value: object) -> object:
    """Return names that a text lists with commas between them; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


# Names in order, as a list or as a text with commas between them.
Names = Annotated[tuple[str, ...], BeforeValidator(split_names)]
DistinctNames = Annotated[Names, AfterValidator(_each_once)]  # one that is said twice counts once
