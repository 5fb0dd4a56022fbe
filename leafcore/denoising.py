"""How a diffusion model's noise is taken away: its settings, and what they come to for one model. Free of torch."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from leafcore.config import setting
from leafcore.errors import ConfigError
from leafcore.noise import NoiseFacts

Sampler = Literal["auto", "dpm-solver", "ddim"]

AUTO_GUIDANCE = 2.0
AUTO_STEPS = {"dpm-solver": 20, "ddim": 50}
PROMPT_GUIDANCE = 7.5
PROMPT_STEPS = 25
PROMPT_MOST = {"dpm-solver": 500, "ddim": 200}  # of a base's 1000 levels; nearer to all, steps miss some or fall on one
LEVELS_A_STEP = 2  # at least, of DPM-Solver: where two of its steps fall on one level, it divides by zero
STRENGTH = 0.6  # of what is drawn over a source

GUIDANCE = setting(
    0.0,
    "Of a diffusion model: how strongly it keeps to the class or the prompt, 1 as it learned, more is more typical and "
    f"less varied; 0: {AUTO_GUIDANCE:g} where there are classes, {PROMPT_GUIDANCE} of a prompt.",
    ge=0,
    le=20,
)
SAMPLER = setting("auto", "Of a diffusion model: how noise is taken away; auto is dpm-solver.", advanced=True)
SAMPLING_STEPS = setting(
    0,
    f"Of a diffusion model: in how many steps; 0: {AUTO_STEPS['dpm-solver']}, or {AUTO_STEPS['ddim']} of ddim, as far "
    f"as its levels of noise allow; {PROMPT_STEPS} of a prompt.",
    ge=0,
    le=1000,
    advanced=True,
)


class Asked(Protocol):
    """Settings that ask for pictures; each may leave it to the model."""

    @property
    def guidance(self) -> float:
        """See `GUIDANCE`."""
        ...

    @property
    def sampler(self) -> Sampler:
        """See `SAMPLER`."""
        ...

    @property
    def sampling_steps(self) -> int:
        """See `SAMPLING_STEPS`."""
        ...


@dataclass(frozen=True)
class Denoising:
    """How noise is taken away; of a model that makes its pictures at once, nothing is said.

    Attributes:
        guidance: Times the difference that the class makes, see `DiffusionGenerator`; 0 without classes.
        sampler: Which.
        sampling_steps: How often the network is asked.
    """

    guidance: float = 0.0
    sampler: Sampler = "auto"
    sampling_steps: int = 0

    def recipe(self) -> dict[str, Any]:
        """Return what a picture's recipe says of it: nothing of a picture that was made at once."""
        return asdict(self) if self.sampling_steps else {}


def nearest_steps(sampler: Sampler, wanted: int, timesteps: int) -> int:
    """Return the number of steps nearest to one that is wanted in which a sampler can take noise away.

    Steps of DDIM are all as long, a whole number of levels: unless they divide the levels, some noise is never taken.

    Args:
        sampler: Which; auto is dpm-solver.
        wanted: At least 1.
        timesteps: The levels of noise that the model learned.
    """
    if sampler != "ddim":
        return min(wanted, timesteps // LEVELS_A_STEP)
    dividing = [steps for steps in range(1, timesteps + 1) if timesteps % steps == 0]
    return min(dividing, key=lambda steps: max(steps / wanted, wanted / steps))


def denoising_of(facts: NoiseFacts, asked: Asked = Denoising(), truncation: float = 0.0) -> Denoising:
    """Return what settings come to for a model; what this returned comes to itself.

    Args:
        facts: The model's.
        asked: What is asked for.
        truncation: Of the latent vector, which only a model has that makes a picture at once.

    Raises:
        ConfigError: A setting is for models of another kind, or beyond what this one learned.
    """
    if not facts.diffuses:
        for name, value, auto in (
            ("guidance", asked.guidance, 0),
            ("sampler", asked.sampler, "auto"),
            ("sampling_steps", asked.sampling_steps, 0),
        ):
            if value != auto:
                raise ConfigError(
                    f"{name}: got {value}, but {facts.name} makes pictures in one step; it is for diffusion models, so "
                    "leave it out."
                )
        return Denoising()
    if truncation:
        raise ConfigError(
            f"truncation: got {truncation:g}, but {facts.name} is a diffusion model, which begins with whole "
            "noise; leave it out, and raise guidance for more typical pictures."
        )
    if asked.guidance and not facts.classes:
        raise ConfigError(
            f"guidance: got {asked.guidance:g}, but {facts.name} has no classes to be guided to; leave it out."
        )
    sampler: Sampler = "dpm-solver" if asked.sampler == "auto" else asked.sampler
    steps = nearest_steps(sampler, asked.sampling_steps or AUTO_STEPS[sampler], facts.timesteps)
    if asked.sampling_steps not in (0, steps):
        expected = (
            f"at most {steps} of {sampler}" if sampler != "ddim" else f"what divides them, of ddim, such as {steps}"
        )
        raise ConfigError(
            f"sampling_steps: got {asked.sampling_steps}, but {facts.name} learned {facts.timesteps} levels of noise; "
            f"expected {expected}."
        )
    return Denoising(
        guidance=(asked.guidance or AUTO_GUIDANCE) if facts.classes else 0.0,
        sampler=sampler,
        sampling_steps=steps,
    )
