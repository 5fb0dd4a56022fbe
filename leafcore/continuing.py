"""New runs of another one's settings: with more epochs, with what a failure asks for, or with another seed.

A run's settings never change, so going on under others is a new run. It begins with the other's state, weights, samples
and curves, and ends as if it had been trained that way from there on. With another seed it begins anew.
"""

import itertools
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leafcore.checks import check
from leafcore.errors import ConfigError, JobError
from leafcore.files import write_bytes
from leafcore.interruption import interruption
from leafcore.jobs import build_config, submit
from leafcore.runs import RESUMABLE, Run, create_run, list_runs
from leafcore.train.configs import RECIPES, DreamBoothConfig, NoiseModelConfig, TranslationConfig
from leafcore.workspace import Workspace

EXTENDABLE = (TranslationConfig, NoiseModelConfig, DreamBoothConfig)  # whose learning rate outlasts the last epoch


def extend(workspace: Workspace, run: Run, epochs: int) -> Run:
    """Queue a run that trains for more epochs, exactly as if they had been asked for from the start.

    The epochs are added to those at the full learning rate. While the rate was still full, that is the same training;
    if it was falling already, it goes back up to where the longer schedule stands, and then falls as before. A name
    that is given stays with its epoch: which of the later ones deserves one is seen when they are there.

    Raises:
        ConfigError: It is neither a GAN nor DreamBooth, or the epochs are out of bounds.
        JobError: It is queued or running, or it has saved nothing.
    """
    config = RECIPES[run.kind].config if run.kind in RECIPES else None
    if config is None or not issubclass(config, EXTENDABLE):
        *kinds, last = [kind for kind, row in RECIPES.items() if issubclass(row.config, EXTENDABLE)]
        raise ConfigError(
            f"run: {run.id} is a {run.kind} run, expected {', '.join(kinds)} or {last}; others' learning "
            "rates end with their last epoch, so train those anew."
        )
    if epochs < 1:
        raise ConfigError(f"epochs: got {epochs}, expected at least 1.")
    changes: dict[str, Any] = {"epochs": run.record.settings["epochs"] + epochs}
    if (workspace.checkpoints / run.record.settings["promote_as"] / "card.json").exists():
        changes["promote_as"] = ""  # the name is taken, by an epoch that this run, or one that it extends, promoted
    return continue_run(workspace, run, changes)


def run_fixed(workspace: Workspace, run: Run) -> Run:
    """Queue a run with the settings that a failure asks for; a training goes on from its last good state.

    Raises:
        JobError: The run has neither failed nor been killed for want of memory, or nothing is known that would mend it.
    """
    status = run.status()
    failure = status.failure or interruption(run, status)
    if failure is None or not failure.fix:
        raise JobError(f"Run {run.id} is {status.state}; no other settings are known that would mend it.")
    return continue_run(workspace, run, failure.fix)


def again(workspace: Workspace, run: Run, seeds: Sequence[int]) -> list[Run]:
    """Queue trainings from the start with a run's settings and dataset version, each with a seed of its own.

    Generators trained alike but for the seed show how much of what a comparison finds is owed to one training's luck.
    The name that the run promotes under stays its own.

    Raises:
        ConfigError: It is no training, a seed is named twice, out of bounds, or its own; nothing was queued.
        InputError: What its settings name is no longer there; nothing was queued.
    """
    if run.kind not in RECIPES:
        raise ConfigError(f"run: {run.id} is a {run.kind} run, expected a training: {', '.join(RECIPES)}.")
    own = run.record.settings["seed"]
    if not seeds or len({own, *seeds}) <= len(seeds):
        given = ", ".join(map(str, seeds)) or "none"
        raise ConfigError(f"seeds: got {given}, expected seeds that differ from each other and from {own}, the run's.")
    values = {**run.record.settings, "promote_as": ""}
    configs = [build_config(run.kind, {**values, "seed": seed}) for seed in seeds]
    for config in configs:
        check(workspace, config)
    title = run.record.title.removesuffix(f", seed {own}")
    return [
        submit(workspace, run.kind, config, title=f"{title}, seed {seed}")
        for config, seed in zip(configs, seeds, strict=True)
    ]


def next_seeds(workspace: Workspace, run: Run, count: int) -> list[int]:
    """Return the smallest seeds above a run's own with which its settings were not trained yet, or asked to be."""
    taken = {each.record.settings["seed"] for each in list_runs(workspace, run.kind) if _alike(each, run)}
    free = (seed for seed in itertools.count(int(run.record.settings["seed"]) + 1) if seed not in taken)
    return list(itertools.islice(free, count))


def _alike(one: Run, other: Run) -> bool:
    """Whether two trainings have the same settings but for the seed and the name."""
    first, second = ({**run.record.settings, "seed": 0, "promote_as": ""} for run in (one, other))
    return first == second


def continue_run(workspace: Workspace, run: Run, changes: Mapping[str, Any]) -> Run:
    """Queue a new run with some settings changed that begins where another one stands.

    Args:
        workspace: Where both are.
        run: Done, failed, stopped, paused or interrupted; one that saved no state is begun anew.
        changes: Settings by name; under some, such as another method, no state can be gone on from.

    Raises:
        ConfigError: A setting is wrong.
        JobError: The run is queued or at work.
    """
    config = build_config(run.kind, {**run.record.settings, **changes})
    with run.locked():
        state = run.status_written().state
        if state not in RESUMABLE | {"done", "running"}:  # "running", but nobody holds it: interrupted
            raise JobError(f"Run {run.id} is {state}; stop it first.")
        has_state = goes_on(run, changes)
        return create_run(
            workspace,
            run.kind,
            config,
            title=run.record.title,
            uses=run.record.uses,
            extends=run.id if has_state else "",
            prepare=lambda folder: _inherit(run.folder, folder) if has_state else None,
        )


def goes_on(run: Run, changes: Mapping[str, Any]) -> bool:
    """Return whether a new run with some settings changed can begin where another one stands, or must begin anew."""
    config = RECIPES[run.kind].config if run.kind in RECIPES else None
    shaping = config.ANEW if config is not None else frozenset()
    return not shaping & changes.keys() and (run.folder / "state.pt").exists()


def _inherit(source: Path, target: Path) -> None:
    """Give a new run what another one has made. Files that are only ever replaced as a whole are shared."""
    for name in ("weights", "previews", "confusion"):
        for path in sorted((source / name).glob("*")):
            _share(path, target / name / path.name)
    for name in ("state.pt", "sample.jpg", "base.json"):
        if (source / name).exists():
            _share(source / name, target / name)
    if (source / "metrics.jsonl").exists():  # which grows
        write_bytes(target / "metrics.jsonl", (source / "metrics.jsonl").read_bytes())


def _share(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
