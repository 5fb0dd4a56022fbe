"""The command that lists, saves and forgets chains under names."""

from collections.abc import Callable
from typing import Any

from leafcore.chain_presets import ChainPreset, delete_preset, list_presets, save_preset
from leafcore.config import split_names
from leafcore.errors import ConfigError
from leafcore.workspace import Workspace


def add_chains(command: Callable[..., Any]) -> None:
    """Add the command to the parser.

    Args:
        command: Adds one and returns its parser, given its name, a summary, and what it calls.
    """
    added = command("chains", "List the chains that were saved under a name; save one, or forget one.", _chains)
    added.add_argument("--save", default="", metavar="NAME", help="Save --chain under this name.")
    added.add_argument("--chain", default="", metavar="CHECKPOINT[,CHECKPOINT...]", help="The steps, in order.")
    added.add_argument(
        "--label-rule", default="union", metavar="union|last|custom", help="Label set of what it makes (default union)."
    )
    added.add_argument("--custom-label", default="", metavar="LABELS", help="Of the rule custom: the label set.")
    added.add_argument("--delete", default="", metavar="NAME", help="Forget this one.")


def _chains(arguments: Any, workspace: Workspace) -> dict[str, Any]:
    if bool(arguments.save) != bool(arguments.chain):
        raise ConfigError("chains: --save and --chain go together: the name, and the steps that it is for.")
    if arguments.delete:
        delete_preset(workspace, arguments.delete)
    if arguments.save:
        values = {
            "chain": split_names(arguments.chain),
            "label_rule": arguments.label_rule,
            "custom_label": arguments.custom_label,
        }
        save_preset(workspace, arguments.save, ChainPreset.build(values))
    return {"chains": {name: preset.model_dump(mode="json") for name, preset in list_presets(workspace).items()}}
