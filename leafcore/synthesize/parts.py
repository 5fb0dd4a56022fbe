"""Parts of one synthesis: several label sets, each with its chain or checkpoint and its count; free of torch."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leafcore.config import Config, Names, setting
from leafcore.data.labels import words
from leafcore.denoising import Sampler
from leafcore.errors import ConfigError


class Part(Config):
    """One part of a plan; what it leaves empty is the whole's."""

    source: str = setting("", "Label set of the sources; empty: made from noise.")
    chain: Names = setting((), "Steps in order.", max_length=8)
    checkpoint: str = setting("", "Instead of a chain: a model that makes pictures from noise or a prompt.")
    label: str = setting("", "From noise: the label set to make.")
    count: int = setting(..., "Pictures to make.", ge=1, le=1_000_000)
    prompt: str = setting("", "Of what draws: what, in words.")
    negative: str = setting("", "Of what draws: what is not wanted, in words.")
    guidance: float = setting(0.0, "Of a diffusion model: how strongly it keeps to the class or the prompt.")
    sampler: Sampler = setting("auto", "Of a diffusion model: how noise is taken away.")
    sampling_steps: int = setting(0, "Of a diffusion model: in how many steps.")
    strength: float | None = setting(None, "Of what draws over sources: how much is drawn anew.")
    lora_strength: float | None = setting(None, "Of what draws: how much of what LoRA learned is added.")
    masks: str = setting("", "Mask set.")
    judge: str = setting("", "Classifier that names the pictures.")
    leaf_model: str = setting("", "LFLSeg model that tells full leaves.")

    def told(self) -> dict[str, Any]:
        """Return what it does not leave empty."""
        return self.model_dump(exclude_defaults=True)


@dataclass(frozen=True)
class Share:
    """What a part of a synthesis makes of the whole.

    Attributes:
        first: The number of its first picture.
        drawn: How many sources of its label set the parts before it have drawn.
        config_hash: Of the whole's settings; empty if it is the whole.
    """

    first: int = 0
    drawn: int = 0
    config_hash: str = ""

    def rows(self, rows: Sequence[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
        """Return those rows of a ledger that are among the `count` pictures of this part."""
        numbers = range(self.first, self.first + count)
        return [row for row in rows if int(str(row["file"]).partition("-")[0]) in numbers]


def read_parts(value: Any) -> tuple[Part, ...]:
    """Return the parts that settings name: as JSON or its values, or a whole balance plan.

    Raises:
        ConfigError: It is neither, a part is wrong, or nothing makes a label set of the plan.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value or "[]")
        except json.JSONDecodeError as error:
            raise ConfigError(f"plan: no JSON ({error}); expected {_EXPECTED}.") from None
    if isinstance(value, Mapping):
        value = parts_of_plan(value.get("plan", value))
    if not isinstance(value, list | tuple):
        raise ConfigError(f"plan: got {value!r}, expected {_EXPECTED}.")
    return tuple(part if isinstance(part, Part) else _read(part, number) for number, part in enumerate(value, start=1))


_EXPECTED = 'a list such as [{"source": "healthy", "chain": ["healthy-to-rust"], "count": 24}], or a balance plan'


def _read(value: Any, number: int) -> Part:
    if not isinstance(value, Mapping):
        raise ConfigError(f"plan: part {number} is {value!r}, expected {_EXPECTED}.")
    try:
        return Part.build(value)
    except ConfigError as error:
        raise ConfigError(f"plan: part {number}: {error}") from None


def parts_of_plan(plan: Any, *, skip: bool = False) -> list[dict[str, Any]]:
    """Return the parts that carry a balance plan out.

    Args:
        plan: As JSON has a `BalancePlan`.
        skip: Whether to leave out label sets that nothing makes.

    Raises:
        ConfigError: It is no plan, nothing makes some of its label sets, or nothing is left to make.
    """
    if not isinstance(plan, Mapping) or not isinstance(plan.get("rows"), list | tuple):
        raise ConfigError(f"plan: got no rows, expected {_EXPECTED}.")
    lacking = [words(str(row["labels"])) for row in plan["rows"] if not row.get("way")]
    if lacking and not skip:
        raise ConfigError(
            f"plan: no generator makes {', '.join(lacking)}; train one, or ask to skip what nothing makes."
        )
    parts = [{**row["way"], "count": row["count"]} for row in plan["rows"] if row.get("way") and row["count"]]
    if not parts:
        raise ConfigError("plan: there is nothing to make.")
    return parts


def shares(parts: Sequence[Any], config_hash: str) -> Iterator[Share]:
    """Yield what each part makes of the whole, so that parts with the same sources draw others while there are some.

    Args:
        parts: Settings with `source` and `count`, in order.
        config_hash: Of the whole.
    """
    first, drawn = 0, Counter[str]()
    for part in parts:
        yield Share(first, drawn[part.source], config_hash)
        first += part.count
        drawn[part.source] += part.count
