"""Checks of the chains that a config names."""

from typing import Any

from leafcore.chain_steps import Step, parse_step
from leafcore.chains import picture_size
from leafcore.path_checks import Checked
from leafcore.pins import pin
from leafcore.workspace import Workspace


def check_translators(workspace: Workspace, config: Any, value: tuple[str, ...]) -> Checked:
    """Look up the steps of a chain, and pin their weights.

    Raises:
        InputError: One is unknown or does not fit.
    """
    parsed = [parse_step(text) for text in value]
    pins = [(pin(workspace, ref), how) for ref, how in parsed]
    there = [Step(checkpoint, how) for (_, checkpoint, _), how in pins if checkpoint is not None]
    if there:
        picture_size(there, config.size_px, config.sizing)
    return tuple(f"{ref}{how}" for (ref, _, _), how in pins), [run_id for (_, _, used), _ in pins for run_id in used]


def steps_there(workspace: Workspace, config: Any) -> list[Step]:
    """Return the steps of a chain but those that are yet to be trained."""
    pins = [(pin(workspace, ref), how) for ref, how in map(parse_step, config.chain)]
    return [Step(checkpoint, how) for (_, checkpoint, _), how in pins if checkpoint is not None]
