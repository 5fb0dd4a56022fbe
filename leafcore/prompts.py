"""Models that draw from prompts: what they were taught, on which base. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import label_set
from leafcore.errors import CheckpointError
from leafcore.noise import NoiseFacts, noise_facts


@dataclass(frozen=True)
class PromptFacts:
    """What a model that draws from prompts was taught.

    Attributes:
        name: What a person calls it.
        size_px: The side of the pictures that it was taught with.
        prompt: What it was taught, in words.
        token: The word that stands for it.
        labels: The one label set that it learned from; empty if there were several.
        dataset: `name@version` of the pictures that it learned from.
        base: The base model that its weights belong to.
        base_sha256: That base's `fingerprint`.
        method: "lora" if its weights are added to the base's, "full" if they replace them.
    """

    name: str
    size_px: int
    prompt: str
    token: str
    labels: str
    dataset: str
    base: str
    base_sha256: str
    method: str

    @property
    def makes(self) -> tuple[str, ...]:
        """The label sets of its pictures; empty if only a person or a classifier can tell."""
        return (self.labels,) if self.labels else ()

    def require_label(self, wanted: str) -> str:
        """Return the label set that its pictures are given: the one asked for, whatever the prompt says."""
        return label_set(wanted)

    def labels_of(self, indices: Sequence[int], wanted: str = "") -> list[str]:
        """Return the label sets of pictures by their numbers."""
        return [wanted or self.labels] * len(indices)


def prompt_facts(checkpoint: Checkpoint) -> PromptFacts:
    """Return what a model that draws from prompts was taught.

    Raises:
        CheckpointError: It draws nothing from prompts.
    """
    said = checkpoint.card.description
    if not checkpoint.is_prompt_model:
        raise CheckpointError(
            f"checkpoint: {checkpoint.name} is a {checkpoint.card.recipe} model and draws nothing from a prompt; "
            "expected a DreamBooth checkpoint."
        )
    named = {name: str(said[name]) for name in ("prompt", "token", "base", "base_sha256", "dataset")}
    method = str(next(iter(said["nets"].values()))["type"])
    return PromptFacts(
        checkpoint.name, int(said["size_px"]), labels=label_set(said.get("labels", "")), method=method, **named
    )


def made_of(checkpoint: Checkpoint) -> PromptFacts | NoiseFacts:
    """Return what a model makes without a source.

    Raises:
        CheckpointError: It makes nothing without one.
    """
    return prompt_facts(checkpoint) if checkpoint.is_prompt_model else noise_facts(checkpoint)
