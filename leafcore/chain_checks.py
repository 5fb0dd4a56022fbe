"""Checks of the chains that a config names."""

from typing import Any

from leafcore.chain_steps import Step, parse_step
from leafcore.chains import picture_size
from leafcore.path_checks import Checked
from leafcore.pins import pin
from leafcore.runs import open_run
from leafcore.synthesize.heeded import require_heeded_by_chain
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
    if len(there) == len(pins) and value:  # what is yet to be trained may heed what the others do not
        require_heeded_by_chain(config, there)
    return tuple(f"{ref}{how}" for (ref, _, _), how in pins), [run_id for (_, _, used), _ in pins for run_id in used]


def draws(workspace: Workspace, config: Any) -> bool:
    """Whether a step of a chain draws from a prompt, one that is yet to be trained too."""
    pins = [pin(workspace, ref) for ref, _ in map(parse_step, config.chain)]
    return any(
        open_run(workspace, used[0]).kind == "dreambooth" if checkpoint is None else checkpoint.is_prompt_model
        for _, checkpoint, used in pins
    )


def steps_there(workspace: Workspace, config: Any) -> list[Step]:
    """Return the steps of a chain but those that are yet to be trained."""
    pins = [(pin(workspace, ref), how) for ref, how in map(parse_step, config.chain)]
    return [Step(checkpoint, how) for (_, checkpoint, _), how in pins if checkpoint is not None]
