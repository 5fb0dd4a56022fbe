"""What is asked of models that draw from a prompt: from nothing, over photographs, as steps of a chain. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from leafcore import denoising
from leafcore.denoising import PROMPT_GUIDANCE, PROMPT_MOST, PROMPT_STEPS, STRENGTH, Sampler
from leafcore.errors import ConfigError
from leafcore.prompts import PromptFacts

USUAL: dict[str, Any] = {
    "prompt": "",
    "negative": "",
    "guidance": 0.0,
    "sampler": "auto",
    "sampling_steps": 0,
    "strength": STRENGTH,
    "lora_strength": 1.0,
}
OF_PROMPTS = ("prompt", "negative", "strength", "lora_strength")  # what no other diffusion model heeds


@dataclass(frozen=True)
class Wish:
    """What is to be drawn, and how.

    Attributes:
        prompt: In words; empty: what the model was taught.
        negative: What is not wanted, in words.
        guidance: Of classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598); 1 or less: without.
        sampler: Which solver takes the steps.
        sampling_steps: How many denoising steps there are.
        strength: Over a picture: the share of these steps that is taken, in (0, 1]; at 1 nothing of it is left.
        lora_strength: How much of LoRA's weights is added, 1 as trained.
    """

    prompt: str = ""
    negative: str = ""
    guidance: float = PROMPT_GUIDANCE
    sampler: Sampler = "dpm-solver"
    sampling_steps: int = PROMPT_STEPS
    strength: float = STRENGTH
    lora_strength: float = 1.0


AS_TAUGHT = Wish()


class Asked(denoising.Asked, Protocol):
    """Settings that ask for drawn pictures; see `Wish`."""

    @property
    def prompt(self) -> str:
        """In words; empty: what the model was taught."""
        ...

    @property
    def negative(self) -> str:
        """What is not wanted."""
        ...

    @property
    def strength(self) -> float:
        """How much of a picture is drawn anew."""
        ...

    @property
    def lora_strength(self) -> float:
        """How much of LoRA's weights is added."""
        ...


def wish_of(asked: Asked) -> Wish:
    """Return what settings come to, with what they leave to the model."""
    return Wish(
        prompt=asked.prompt,
        negative=asked.negative,
        guidance=asked.guidance or PROMPT_GUIDANCE,
        sampler="dpm-solver" if asked.sampler == "auto" else asked.sampler,
        sampling_steps=asked.sampling_steps or PROMPT_STEPS,
        strength=asked.strength,
        lora_strength=asked.lora_strength,
    )


def require_heeded(facts: Sequence[PromptFacts], prompt: str, lora_strength: float) -> None:
    """Refuse what some models that draw would have to ignore.

    Args:
        facts: Of each that draws: one, or those of a chain's steps in order.
        prompt: What is asked for.
        lora_strength: Likewise.

    Raises:
        ConfigError: There is one prompt for several steps, or no LoRA whose strength could be changed.
    """
    if prompt and len(facts) > 1:
        names = ", ".join(one.name for one in facts)
        raise ConfigError(
            f"prompt: got {prompt!r}, but {len(facts)} steps draw ({names}), each what it was taught; leave it out."
        )
    if lora_strength != 1 and not any(one.method == "lora" for one in facts):
        raise ConfigError(
            f"lora_strength: got {lora_strength:g}, but {facts[0].name} changed all weights of its base and has no "
            "LoRA; leave it out."
        )


def require_steps(asked: Asked, *, over: bool) -> None:
    """Refuse to draw in more steps than a sampler takes well, or over pictures in no step at all.

    Args:
        asked: The settings.
        over: Whether pictures are drawn over.

    Raises:
        ConfigError: There are too many, or so little is drawn anew that it is less than one.
    """
    steps, sampler = asked.sampling_steps or PROMPT_STEPS, "dpm-solver" if asked.sampler == "auto" else asked.sampler
    if steps > PROMPT_MOST[sampler]:
        raise ConfigError(
            f"sampling_steps: got {steps}, expected at most {PROMPT_MOST[sampler]} of {sampler} for what is drawn from "
            "a prompt."
        )
    if over and int(steps * asked.strength) < 1:
        raise ConfigError(
            f"strength: got {asked.strength:g} of {steps} steps, expected at least one whole step: "
            f"{1 / steps:.2g} or more."
        )


def refuse_wishes(asked: Asked, names: Sequence[str], why: str) -> None:
    """Refuse what is only for models that draw from a prompt.

    Args:
        asked: The settings.
        names: Which of `USUAL` nothing heeds.
        why: What there is instead.

    Raises:
        ConfigError: One of them is not as usual.
    """
    for name in names:
        value = getattr(asked, name)
        if value != USUAL[name]:
            raise ConfigError(f"{name}: got {value!r}, but {why}; leave it out.")
