"""Routes that only read: datasets, plans, checkpoints, kinds of run."""

from typing import Any

from fastapi import FastAPI

from leafcore import __version__
from leafcore.checkpoints import CheckpointCard, list_checkpoints, open_checkpoint
from leafcore.data import balance
from leafcore.data.manifest import list_datasets, load, versions
from leafcore.data.targets import parse_target
from leafcore.jobs import KINDS
from leafcore.plan import BalancePlan, plan_dataset
from leafcore.workspace import Workspace


def add_reading(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes that change nothing."""

    @api.get("/health")
    def health() -> dict[str, str]:
        """Say that the server is up."""
        return {"status": "ok", "version": __version__}

    @api.get("/datasets")
    def datasets() -> list[str]:
        """List datasets."""
        return list_datasets(workspace)

    @api.get("/datasets/{name}")
    def dataset(name: str) -> dict[str, Any]:
        """Show a dataset's balance, its card and its versions."""
        found = load(workspace, name)
        card = found.card.model_dump(mode="json", exclude={"root", "source"})
        return {**balance.summary(found), "card": card, "versions": versions(workspace, found.name)}

    @api.get("/datasets/{name}/plan")
    def plan(name: str, target: str = "median", cap: int | None = None) -> BalancePlan:
        """Plan what to make so that every label set has the largest's, the median's, the study's or N train pictures.

        With a cap, every label set gets as many, and sources leave train as their translations join.
        """
        return plan_dataset(workspace, load(workspace, name), parse_target(target), cap)

    @api.get("/checkpoints")
    def checkpoints() -> list[CheckpointCard]:
        """List promoted and shipped checkpoints."""
        return [checkpoint.card for checkpoint in list_checkpoints(workspace)]

    @api.get("/checkpoints/{name}")
    def checkpoint(name: str) -> CheckpointCard:
        """Show a checkpoint's card."""
        return open_checkpoint(workspace, name).card

    @api.get("/kinds")
    def kinds() -> dict[str, Any]:
        """Describe every kind of run: its title, its presets, and the JSON schema of its settings."""
        return {
            name: {"title": kind.title, "presets": dict(kind.config.PRESETS), "schema": kind.config.model_json_schema()}
            for name, kind in KINDS.items()
        }
