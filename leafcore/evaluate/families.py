"""Which synthetic sets come from generators that were trained alike but for the seed; free of torch.

It is told by what was recorded: each picture names the runs that trained its generators, and every run has its
settings. Nothing is said of sets whose generators were trained elsewhere: nobody knows their seeds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.errors import NotFoundError
from leafcore.runs import Run, open_run
from leafcore.train.configs import RECIPES
from leafcore.workspace import Workspace

# Settings that change no weights: how a training is called, kept and watched, and where it computes.
BESIDE_TRAINING = {
    "seed", "device", "promote_as", "tracker", "log_every", "save_every", "keep_every", "state_every_s",
}  # fmt: skip
BESIDE_MAKING = {"seed", "device", "batch_size"}  # the same of a synthetic set
MODELS = {"chain", "chain_preset", "checkpoint", "also"}  # settings that name the generators of a set


@dataclass(frozen=True)
class Member:
    """A synthetic set of a family.

    Attributes:
        position: Of the set, among the comparison's.
        set: The run that made it.
        seeds: Of the trainings of its generators, those alone in which the family differs.
        epochs: Whose weights made it, in the same order.
    """

    position: int
    set: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """Synthetic sets whose generators were trained alike but for the seed.

    Attributes:
        members: One per generator, in the comparison's order.
        left_out: Further sets of the same generators.
    """

    members: tuple[Member, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Made:
    """How a set was made: what must be alike, and what may differ."""

    alike: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]


def find_families(workspace: Workspace, sets: Sequence[SyntheticSet]) -> tuple[Family, ...]:
    """Return the families of two generators or more among synthetic sets, in the order of their first sets.

    Alike are: recipe, settings and dataset version of each training, what it went on from, and the settings of the set.
    Seeds, names and devices may differ, and the epoch, which is chosen for each training by itself. Sets of one chain
    of several models are a family if each model is either the same in all of them or another in each.

    Args:
        workspace: Where the runs are.
        sets: Of a comparison, in order.
    """
    alike: dict[str, list[tuple[int, SyntheticSet, _Made]]] = {}
    for position, pictures in enumerate(sets):
        made = _made(workspace, pictures)
        if made is not None:
            alike.setdefault(made.alike, []).append((position, pictures, made))
    return tuple(family for rows in alike.values() if (family := _family(rows)) is not None)


def _family(rows: Sequence[tuple[int, SyntheticSet, _Made]]) -> Family | None:
    first: dict[tuple[int, ...], tuple[int, SyntheticSet, _Made]] = {}
    for row in rows:
        first.setdefault(row[2].seeds, row)
    left_out = tuple(pictures.id for position, pictures, made in rows if first[made.seeds][0] != position)
    kinds = [len(set(of_model)) for of_model in zip(*first, strict=True)]
    if len(first) < 2 or any(1 < kind < len(first) for kind in kinds):
        return None
    differs = [at for at, kind in enumerate(kinds) if kind > 1]
    members = tuple(
        Member(
            position,
            pictures.id,
            tuple(made.seeds[at] for at in differs),
            tuple(made.epochs[at] for at in differs),
        )
        for position, pictures, made in first.values()
    )
    return Family(members, left_out)


def _made(workspace: Workspace, pictures: SyntheticSet) -> _Made | None:
    """Return how a set was made; None where a generator's training is not there."""
    steps = _steps(pictures)
    try:
        trainings = [open_run(workspace, step["run"]) for step in steps if step["run"]]
        if not steps or len(trainings) < len(steps) or any(run.kind not in RECIPES for run in trainings):
            return None
        alike = [
            _making(workspace, open_run(workspace, pictures.id)),
            sorted(pictures.manifest["masks"].unique()),  # the newest, if none was named
            [[step["back"], step["strength"], step["where"]] for step in steps],
            [_training(workspace, run) for run in trainings],
        ]
    except NotFoundError:
        return None
    return _Made(
        json.dumps(alike, sort_keys=True),
        tuple(int(run.record.settings["seed"]) for run in trainings),
        tuple(int(step["epoch"]) for step in steps),
    )


def _steps(pictures: SyntheticSet) -> list[Mapping[str, Any]]:
    """Return each model that made a set and how it was applied, once, in the order of the pictures."""
    found: dict[str, Mapping[str, Any]] = {}
    for chain in pictures.manifest["chain"].unique():
        for step in json.loads(chain):
            kept = {"back": False, "strength": 1.0, "where": "", **step, "file": ""}  # a picture's own
            found.setdefault(json.dumps(kept, sort_keys=True), kept)
    return list(found.values())


def _making(workspace: Workspace, run: Run) -> dict[str, Any]:
    """Return what a set was made with, but for its generators; of pseudo-labels, what was labelled as well."""
    settings = {name: value for name, value in run.record.settings.items() if name not in BESIDE_MAKING | MODELS}
    if settings.get("plan"):
        settings["plan"] = [{k: v for k, v in part.items() if k not in MODELS} for part in settings["plan"]]
    if run.kind == "pseudo-label":
        settings["run"] = _making(workspace, open_run(workspace, settings["run"]))
    return {"kind": run.kind, **settings}


def _training(workspace: Workspace, run: Run) -> dict[str, Any]:
    """Return how a generator was trained, but for its seed; and how differently those that it went on from."""
    own = _settings(run)
    before, earlier = [], run.record.extends
    while earlier:
        ancestor = open_run(workspace, earlier)
        settings = {**_settings(ancestor), "epochs": own["epochs"]}  # more of them are the same training
        before += [settings] if settings != own else []
        earlier = ancestor.record.extends
    return {"recipe": run.kind, "settings": own, "before": before}


def _settings(run: Run) -> dict[str, Any]:
    """Return the settings of a training that matter to its weights; those that an older file lacks, by default."""
    fields = RECIPES[run.kind].config.model_fields
    defaults = {name: field.default for name, field in fields.items() if not field.is_required()}
    every = {**json.loads(json.dumps(defaults, default=str)), **run.record.settings}
    return {name: value for name, value in every.items() if name not in BESIDE_TRAINING}
