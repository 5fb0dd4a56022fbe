"""What a translation's training starts from instead of chance: a model of ours, or what the reference's code saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from leafcore.checkpoints import Checkpoint, open_checkpoint, require_unchanged, sha256
from leafcore.data.seen import UNKNOWN, Seen
from leafcore.errors import CheckpointError, ConfigError
from leafcore.files import read_json, write_json
from leafcore.progress import Progress
from leafcore.train.checkpointing import load_state, read_weights
from leafcore.train.published import Tensors
from leafcore.train.published_gans import find_files, in_words, read_networks
from leafcore.workspace import Workspace

AS_PUBLISHED = {"upsampling": "transposed", "residual": False}  # of a generator whose description does not say


@dataclass(frozen=True)
class TranslationStart:
    """Trained networks to go on from.

    Attributes:
        name: What people call them.
        tensors: The weights of each, by our name of its role; discriminators where they are known.
        described: What `nets.build` makes each generator from.
        seen: What they have seen, which whatever is trained from them has seen too.
        sha256: Of the file that gen_ab is in.
    """

    name: str
    tensors: dict[str, Tensors]
    described: dict[str, dict[str, Any]]
    seen: Seen
    sha256: str

    @property
    def origin(self) -> dict[str, Any]:
        """What a description says of it."""
        return {"name": self.name, "sha256": self.sha256, "networks": list(self.tensors)}

    def fill(self, networks: Mapping[str, nn.Module], described: Mapping[str, Any], progress: Progress) -> None:
        """Give networks the weights to start from; which begin anew is said.

        Args:
            networks: Those to train, by role.
            described: What `nets.build` made the generators from.
            progress: Told which networks begin anew.

        Raises:
            ConfigError: A network is of another form than the one to start from.
        """
        for name, tensors in self.tensors.items():
            if name in described:
                _require_form(self.name, name, self.described[name], described[name])
            _require_shapes(self.name, name, tensors, networks[name])
        for name, tensors in self.tensors.items():
            networks[name].load_state_dict(tensors)
        anew = [name for name in networks if name not in self.tensors]
        if anew:
            progress.warn(f"init: {self.name} gives {', '.join(self.tensors)}; {', '.join(anew)} begin anew.")


def start_translation(
    workspace: Workspace,
    init: str | Path,
    networks: Mapping[str, nn.Module],
    described: Mapping[str, Any],
    progress: Progress,
) -> tuple[dict[str, Any], Seen]:
    """Give networks the weights that training starts from; a run that goes on needs them no more.

    Args:
        workspace: Where checkpoints and runs are.
        init: See `open_translation_start`.
        networks: Those to train, by role.
        described: What `nets.build` made the generators from.
        progress: Its folder remembers where the weights came from.

    Returns:
        What a description says of where they came from, and what they have seen.

    Raises:
        InputError: There are no such weights, or they do not fit.
    """
    remembered = progress.folder / "start.json"
    if (progress.folder / "state.pt").exists() and remembered.exists():
        told = read_json(remembered)
        return told["origin"], told["seen"]
    start = open_translation_start(workspace, init)
    start.fill(networks, described, progress)
    write_json(remembered, {"origin": start.origin, "seen": start.seen})
    return start.origin, start.seen


def open_translation_start(workspace: Workspace, init: str | Path) -> TranslationStart:
    """Read the weights that training is to start from.

    Args:
        workspace: Where checkpoints and runs are.
        init: A generator's file, or a folder of files, that CycleGAN's or LeafGAN's code saved, see `find_files`; or
            what configs call a translator of ours. A run's last epoch comes with its discriminators, for they are in
            what it would resume from; any other epoch has only generators.

    Raises:
        NotFoundError: There is nothing by that name.
        CheckpointError: The weights are damaged, or translate nothing.
    """
    if isinstance(init, Path):
        files = find_files(init)
        published = read_networks(files)
        return TranslationStart(
            init.name,
            {name: network.tensors for name, network in published.items()},
            {name: network.description for name, network in published.items()},
            {UNKNOWN: [f"{init.name} (generator)"]},
            sha256(files["gen_ab"]),
        )
    checkpoint = open_checkpoint(workspace, init)
    if not checkpoint.is_translator:
        raise CheckpointError(
            f"init: {init} is a {checkpoint.card.recipe} model, expected a LeafGAN or CycleGAN model."
        )
    require_unchanged(checkpoint)
    description, networks = read_weights(checkpoint.weights)
    discriminators = {} if "disc_a" in networks else _discriminators(workspace, checkpoint, networks)
    return TranslationStart(
        checkpoint.name,
        {**networks, **discriminators},
        description["nets"],
        checkpoint.seen(),
        checkpoint.card.weights_sha256,
    )


def _discriminators(workspace: Workspace, checkpoint: Checkpoint, generators: dict[str, Tensors]) -> dict[str, Tensors]:
    """Return the discriminators that the run of some generators would resume with, if it would resume with these."""
    state = load_state(workspace.run(checkpoint.card.run)) if checkpoint.card.run else None
    if state is None:
        return {}
    held, parts = state["recipe"]["nets"], state["recipe"]["stateful"]
    for name, tensors in generators.items():
        averaged = parts.get(f"averaged_{name}", {})
        now = {key.removeprefix("module."): value for key, value in averaged.items()} or held[name]
        if not all(tensor.dtype == now[key].dtype and torch.equal(tensor, now[key]) for key, tensor in tensors.items()):
            return {}  # another epoch's, or kept in half
    return {name: tensors for name, tensors in held.items() if name not in generators}


def _require_form(source: str, name: str, got: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse to fill a generator from one of another form, naming both."""
    told = [{**part, "args": {**AS_PUBLISHED, **part["args"]}} for part in (got, expected)]
    if told[0] != told[1]:
        raise ConfigError(
            f"init: {name} of {source} is a {in_words(got)}, but these settings make a {in_words(expected)}; give the "
            "settings that its own training had."
        )


def _require_shapes(source: str, name: str, tensors: Tensors, network: nn.Module) -> None:
    """Refuse to fill a network with weights of other names or shapes."""
    got, expected = ({key: value.shape for key, value in part.items()} for part in (tensors, network.state_dict()))
    if got != expected:
        counts = [sum(shape.numel() for shape in part.values()) for part in (got, expected)]
        raise ConfigError(
            f"init: {name} of {source} has {counts[0]:,} weights, but these settings make one of {counts[1]:,}; give "
            "the settings that its own training had, disc_filters and disc_layers among them."
        )
