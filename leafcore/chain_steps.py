"""One step of a chain: which model, which way, how strongly, and where. Free of torch.

A step is written `NAME[:back][:STRENGTH][:leaf|:all]`, its options in any order: `healthy-to-rust`,
`healthy-to-rust:0.7`, `healthy-to-rust:back:leaf`. No name, run or hash holds a colon, and no shell minds one.
"""

from dataclasses import dataclass
from typing import Any, Literal

from leafcore.checkpoints import Checkpoint, CheckpointCard
from leafcore.data.labels import label_set
from leafcore.errors import ConfigError

Where = Literal["", "leaf", "all"]
LabelRule = Literal["union", "last", "custom"]
LABEL_RULES: dict[LabelRule, str] = {
    "union": "union of the source's labels and each step's target, healthy dropped",
    "last": "the last step's target alone",
    "custom": "as a person gave it",
}
BACK = "back"
SYNTAX = "NAME[:back][:STRENGTH from 0 to 1][:leaf|:all]"


@dataclass(frozen=True)
class How:
    """How a step is applied.

    Attributes:
        back: Whether it translates from B to A, by the generator that cycle training keeps beside.
        strength: How much of what it makes is blended with what it was given, from 0, nothing, to 1, as trained.
        where: "leaf": inside the mask only; "all": all over; "": as it was trained.
    """

    back: bool = False
    strength: float = 1.0
    where: Where = ""

    def __str__(self) -> str:
        """Return the options as they are written after a name; empty if there are none."""
        strength = "" if self.strength == 1 else f"{self.strength:g}"
        return "".join(f":{option}" for option in (BACK if self.back else "", strength, self.where) if option)


def parse_step(text: str) -> tuple[str, How]:
    """Return a step's model, as `open_checkpoint` reads it, and how it is applied.

    Raises:
        ConfigError: An option is unknown, given twice, or out of bounds.
    """
    name, *options = (part.strip() for part in text.split(":"))
    found: dict[str, Any] = {}
    for option in options:
        if option == BACK:
            said: dict[str, Any] = {"back": True}
        elif option in {"leaf", "all"}:
            said = {"where": option}
        else:
            said = {"strength": _strength(option, text)}
        if found.keys() & said.keys():
            raise ConfigError(f"chain: got {text!r}, which says {next(iter(said))} twice; expected {SYNTAX}.")
        found |= said
    return name, How(**found)


def _strength(option: str, text: str) -> float:
    try:
        value = float(option)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ConfigError(f"chain: got {option!r} in {text!r}, expected {SYNTAX}.")
    return value


@dataclass(frozen=True)
class Step:
    """A model and how it is applied.

    Attributes:
        checkpoint: The model.
        how: Its options.
    """

    checkpoint: Checkpoint
    how: How = How()

    @property
    def card(self) -> CheckpointCard:
        """Where the model comes from."""
        return self.checkpoint.card

    @property
    def name(self) -> str:
        """What a person writes: `healthy-to-rust:back`."""
        return f"{self.checkpoint.name}{self.how}"

    @property
    def ref(self) -> str:
        """What a config records: the same, pinned to the weights."""
        return f"{self.checkpoint.ref}{self.how}"

    @property
    def source(self) -> str:
        """The label set that it was trained to translate from; empty of a model that draws over any."""
        return target_of(self.checkpoint) if self.how.back else source_of(self.checkpoint)

    @property
    def target(self) -> str:
        """The label set that it adds."""
        return source_of(self.checkpoint) if self.how.back else target_of(self.checkpoint)

    @property
    def draws(self) -> bool:
        """Whether it draws from a prompt over what it is given."""
        return self.checkpoint.is_prompt_model

    @property
    def masked(self) -> bool:
        """Whether it changes the leaf only, so that it wants a mask: it is told to, or as it was trained."""
        return self.how.where == "leaf" or (self.how.where == "" and blends(self.checkpoint))


def blends(checkpoint: Checkpoint) -> bool:
    """Whether a model changes the leaf only: trained to, or drawing over a picture."""
    return bool(checkpoint.card.description.get("blend", False)) or checkpoint.is_prompt_model


def source_of(checkpoint: Checkpoint) -> str:
    """Return the label set that a translator was trained to translate from; empty of a model that draws over any."""
    return label_set(str(checkpoint.card.description.get("a", "")))


def target_of(checkpoint: Checkpoint) -> str:
    """Return the label set that a step adds: what it translates to, or was taught to draw."""
    said = checkpoint.card.description
    return label_set(str(said["b"] if "b" in said else said.get("labels", "")))


def keeps_way_back(checkpoint: Checkpoint) -> bool:
    """Whether a translator has its generator from B to A."""
    return "gen_ba" in checkpoint.card.description.get("nets", {})
