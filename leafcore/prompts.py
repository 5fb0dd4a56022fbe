"""Models that draw from prompts: what they were taught, on which base. Free of torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import label_set, union
from leafcore.errors import CheckpointError, ConfigError
from leafcore.noise import NoiseFacts, noise_facts


def prompt_words(text: str) -> list[str]:
    """Return the words of a prompt as CLIP tells them apart (Radford et al. 2021): in lower case, digits one by one.

    >>> prompt_words("A photo of a leaf, SKS_2.")
    ['a', 'photo', 'of', 'a', 'leaf', 'sks', '2']
    """
    return re.findall(r"[^\W\d_]+|\d", text.lower())


def has_token(prompt: str, token: str) -> bool:
    """Whether a token is a word of a prompt, as CLIP reads it: in whatever case, beside whatever punctuation."""
    wanted, found = prompt_words(token), prompt_words(prompt)
    return bool(wanted) and any(found[at : at + len(wanted)] == wanted for at in range(len(found)))


@dataclass(frozen=True)
class PromptFacts:
    """What a model that draws from prompts was taught.

    Attributes:
        name: What a person calls it.
        size_px: The side of the pictures that it was taught with.
        prompt: What it was taught, in words.
        token: The word that stands for it; several with spaces, see `taught_together`.
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

    def missing_tokens(self, prompt: str) -> list[str]:
        """Return the tokens that a prompt is without."""
        return [token for token in self.token.split() if not has_token(prompt, token)]

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


def taught_together(facts: Sequence[PromptFacts]) -> PromptFacts:
    """Return what models know whose weights are all added to one base: every token in the first one's prompt.

    Args:
        facts: Of at least one model.

    Raises:
        ConfigError: They cannot be added: other bases, whole weights, or one token for two things.
    """
    first, *others = facts
    for other in others:
        full = next((one.name for one in (first, other) if one.method == "full"), "")
        if full:
            raise ConfigError(f"also: {full} changed all weights of its base; only what LoRA learned can be added.")
        if other.base_sha256 != first.base_sha256:
            raise ConfigError(
                f"also: {other.name} was taught on another base ({other.base}) than {first.name} ({first.base})."
            )
    tokens = [one.token for one in facts]
    if len({tuple(prompt_words(token)) for token in tokens}) < len(tokens):
        raise ConfigError(
            f"also: got the tokens {', '.join(tokens)}, expected another for each; teach one of them anew."
        )
    together = " ".join(tokens)
    known = all(one.labels for one in facts)
    return replace(
        first,
        name=" + ".join(one.name for one in facts),
        prompt=_with_tokens(first.prompt, first.token, tokens[1:]),
        token=together,
        labels=union(first.labels, [one.labels for one in others]) if known else "",
    )


def _with_tokens(prompt: str, token: str, others: Sequence[str]) -> str:
    """Return a prompt with other tokens after its own; at the end if that is not written there as it was given."""
    word = re.compile(rf"(?<![^\W\d_]){re.escape(token)}(?![^\W\d_])", re.IGNORECASE)
    added = "".join(f" {other}" for other in others)
    found, count = word.subn(lambda match: match.group() + added, prompt)
    return found if count else prompt + added


def made_of(checkpoint: Checkpoint) -> PromptFacts | NoiseFacts:
    """Return what a model makes without a source.

    Raises:
        CheckpointError: It makes nothing without one.
    """
    return prompt_facts(checkpoint) if checkpoint.is_prompt_model else noise_facts(checkpoint)


def given_labels(facts: PromptFacts | NoiseFacts, label: str = "", source: str = "") -> list[str]:
    """Return the label sets that pictures of a model are given; none if only a classifier can tell.

    Args:
        facts: What it makes.
        label: What was asked for; empty: what it makes.
        source: The label set of what it draws over, which stays; empty for nothing.
    """
    if label_set(label):
        return [label_set(label)]
    return [union(source, [labels]) if source else labels for labels in facts.makes]
