"""Models that make pictures from noise: what they make, and which numbers a picture is made of. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import label_set, require_known
from leafcore.errors import CheckpointError, ConfigError


@dataclass(frozen=True)
class NoiseFacts:
    """What a noise model makes.

    Attributes:
        name: What a person calls it.
        size_px: The side of its pictures.
        latent: How many numbers a picture is made of.
        classes: The label sets that it can be asked for, in the order that its generator counts them; empty if it is
            unconditional.
        labels: The one label set that it learned from; empty if there were several.
        dataset: `name@version` of the pictures that it learned from.
        timesteps: Levels of noise that a diffusion model learned; 0 if it makes a picture at once.
    """

    name: str
    size_px: int
    latent: int
    classes: tuple[str, ...]
    labels: str
    dataset: str
    timesteps: int = 0

    @property
    def diffuses(self) -> bool:
        """Whether it is a diffusion model, which takes noise away step by step."""
        return self.timesteps > 0

    @property
    def makes(self) -> tuple[str, ...]:
        """The label sets of its pictures; empty if only a classifier can tell."""
        return self.classes or ((self.labels,) if self.labels else ())

    def require_label(self, wanted: str) -> str:
        """Return the label set that was asked for, or "" for whatever the model makes.

        Raises:
            DatasetError: The model makes others.
            ConfigError: The model cannot be asked for one.
        """
        if not label_set(wanted):
            return ""
        if not self.makes:
            raise ConfigError(
                f"label: got {wanted!r}, but {self.name} is unconditional and makes what it likes; leave the label out."
            )
        return require_known(wanted, self.makes, self.name)

    def labels_of(self, indices: Sequence[int], wanted: str = "") -> list[str]:
        """Return the label sets of pictures by their numbers: the one asked for, else every class in turn."""
        if wanted or not self.classes:
            return [wanted or self.labels] * len(indices)
        return [self.classes[index % len(self.classes)] for index in indices]


def noise_facts(checkpoint: Checkpoint) -> NoiseFacts:
    """Return what a noise model makes.

    Raises:
        CheckpointError: It makes nothing from noise.
    """
    if not checkpoint.is_noise_model:
        raise CheckpointError(
            f"checkpoint: {checkpoint.name} is a {checkpoint.card.recipe} model and makes nothing from noise; "
            "expected a DCGAN or diffusion checkpoint."
        )
    said = checkpoint.card.description
    return NoiseFacts(
        name=checkpoint.name,
        size_px=int(said["size_px"]),
        latent=int(said["latent"]),
        classes=tuple(label_set(labels) for labels in said.get("classes", ())),
        labels=label_set(said.get("labels", "")),
        dataset=str(said.get("dataset", "")),
        timesteps=int(said.get("process", {}).get("timesteps", 0)),
    )


def picture_seed(seed: int, index: int) -> int:
    """Return the seed of one picture, so that picture k of a seed is the same however many are made with it."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
