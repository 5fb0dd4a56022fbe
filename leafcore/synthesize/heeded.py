"""Refusing settings of a synthesis that its models would silently ignore. Free of torch."""

from collections.abc import Sequence

from leafcore.chain_steps import Step
from leafcore.denoising import denoising_of
from leafcore.errors import ConfigError
from leafcore.noise import NoiseFacts
from leafcore.prompts import PromptFacts, prompt_facts
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.wish import OF_PROMPTS, USUAL, refuse_wishes, require_heeded, require_steps


def require_heeded_by_noise(config: SynthesizeConfig, facts: NoiseFacts) -> None:
    """Refuse what a model that makes pictures from noise would ignore.

    Raises:
        ConfigError: It is asked to draw over sources, or as from a prompt; see also `denoising_of`.
    """
    if config.source:
        raise ConfigError(f"source: {facts.name} makes pictures from noise and draws over none; leave it out.")
    denoising_of(facts, config, config.truncation)
    refuse_wishes(config, OF_PROMPTS, f"{facts.name} makes pictures from noise, not from a prompt")
    if config.base:
        raise ConfigError(f"base: {facts.name} makes pictures from noise and has none; leave it out.")


def require_heeded_by_prompt(config: SynthesizeConfig, facts: PromptFacts) -> None:
    """Refuse what a model that draws from a prompt would ignore.

    Raises:
        ConfigError: A setting is for models of another kind, or for sources; or too few steps are taken.
    """
    require_heeded([facts], config.prompt, config.lora_strength)
    if config.truncation:
        raise ConfigError(
            f"truncation: got {config.truncation:g}, but {facts.name} draws from a prompt; leave it out, and raise "
            "guidance for more typical pictures."
        )
    if not config.source:
        refuse_wishes(config, ("strength",), "nothing is drawn over without a source")
    require_steps(config, over=bool(config.source))


def require_heeded_by_chain(config: SynthesizeConfig, steps: Sequence[Step]) -> None:
    """Refuse what no step of a chain would heed.

    Raises:
        ConfigError: A setting is for steps that draw, and there is none, or several; or too few steps are taken.
    """
    facts = [prompt_facts(step.checkpoint) for step in steps if step.draws]
    if not facts:
        refuse_wishes(config, tuple(USUAL), "no step of the chain draws from a prompt")
        if config.base:
            raise ConfigError(f"base: got {config.base}, but no step of the chain has a base; leave it out.")
        return
    require_heeded(facts, config.prompt, config.lora_strength)
    require_steps(config, over=bool(config.source))
