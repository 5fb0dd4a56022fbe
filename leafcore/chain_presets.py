"""Chains that people saved under a name: `chains/<name>.json` in the workspace. Free of torch."""

from typing import Any, TypeVar

from pydantic import Field, ValidationError

from leafcore.chain_steps import LabelRule, parse_step
from leafcore.config import Config
from leafcore.errors import ConfigError, DatasetError, NotFoundError
from leafcore.files import read_json, write_json
from leafcore.workspace import Workspace, check_name

C = TypeVar("C", bound=Config)


class ChainPreset(Config):
    """A chain to use again. Its models are named, not pinned: what a name means then is looked up when it is used."""

    chain: tuple[str, ...] = Field(min_length=1, max_length=8, description="Steps in order, see `chain_steps`.")
    label_rule: LabelRule = Field("union", description="Label set of what it makes.")
    custom_label: str = Field("", description="Of the rule custom: the label set.")


def save_preset(workspace: Workspace, name: str, preset: ChainPreset) -> None:
    """Save a chain under a name; what had it before is replaced.

    Raises:
        ConfigError: The name or a step cannot be one.
    """
    for step in preset.chain:
        parse_step(step)
    write_json(workspace.chains / f"{check_name(name, 'chain_preset')}.json", preset.model_dump(mode="json"))


def list_presets(workspace: Workspace) -> dict[str, ChainPreset]:
    """Return the chains that were saved, by name; one that cannot be read is left out."""
    found = {}
    for path in sorted(workspace.chains.glob("*.json")):
        try:
            found[path.stem] = open_preset(workspace, path.stem)
        except (ConfigError, DatasetError, NotFoundError):
            continue  # damaged, or deleted just now
    return found


def open_preset(workspace: Workspace, name: str) -> ChainPreset:
    """Return the chain that has a name.

    Raises:
        NotFoundError: None has it.
        DatasetError: Its file is damaged.
    """
    path = workspace.chains / f"{check_name(name, 'chain_preset')}.json"
    try:
        return ChainPreset.model_validate(read_json(path))
    except FileNotFoundError:
        raise NotFoundError(_unknown(workspace, name)) from None
    except (ValueError, ValidationError):
        raise DatasetError(f"{path}: no chain can be read from it; delete it, and save the chain again.") from None


def delete_preset(workspace: Workspace, name: str) -> None:
    """Forget a chain.

    Raises:
        NotFoundError: None has this name.
    """
    try:
        (workspace.chains / f"{check_name(name, 'chain_preset')}.json").unlink()
    except FileNotFoundError:
        raise NotFoundError(_unknown(workspace, name)) from None


def fill_in(workspace: Workspace, config: C) -> C:
    """Return settings with the chain in place of the name that it was saved under.

    Raises:
        NotFoundError: None has this name.
    """
    values: dict[str, Any] = config.model_dump()
    preset = open_preset(workspace, values.pop("chain_preset"))
    return type(config).build(values | preset.model_dump())


def _unknown(workspace: Workspace, name: str) -> str:
    known = ", ".join(path.stem for path in sorted(workspace.chains.glob("*.json"))) or "none"
    return f"chain_preset: there is no {name!r}; saved: {known}."
