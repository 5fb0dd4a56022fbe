"""Routes of chains that are saved under a name, and of a balance plan that becomes a run."""

from typing import Annotated

from fastapi import Body, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from leafcore.api.view import RunView, view
from leafcore.chain_presets import ChainPreset, delete_preset, list_presets, open_preset, save_preset
from leafcore.data.manifest import load
from leafcore.data.targets import parse_target
from leafcore.jobs import build_config, submit
from leafcore.plan import plan_dataset
from leafcore.workspace import Workspace


class MakePlan(BaseModel):
    """Which balance plan to carry out."""

    model_config = ConfigDict(extra="forbid")

    target: str = Field(default="median", description="largest, median, study or a number.")
    cap: int | None = Field(default=None, description="Instead: as many of each label set, sources being replaced.")
    skip: bool = Field(default=False, description="Leave out label sets that no generator makes.")


def add_chains(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes."""

    @api.post("/datasets/{name}/plan", status_code=201)
    def make_plan(name: str, wish: Annotated[MakePlan, Body()]) -> RunView:
        """Queue one run that makes all that a dataset's balance plan says."""
        dataset = load(workspace, name)
        plan = plan_dataset(workspace, dataset, parse_target(wish.target), wish.cap)
        return view(submit(workspace, "synthesize", build_config("synthesize", plan.settings(dataset, skip=wish.skip))))

    @api.get("/chains")
    def chains() -> dict[str, ChainPreset]:
        """List the chains that were saved, by name; a synthesis takes one as `chain_preset`."""
        return list_presets(workspace)

    @api.get("/chains/{name}")
    def chain(name: str) -> ChainPreset:
        """Show a chain that was saved."""
        return open_preset(workspace, name)

    @api.put("/chains/{name}")
    def save(name: str, preset: Annotated[ChainPreset, Body()]) -> ChainPreset:
        """Save a chain under a name; what had it before is replaced."""
        save_preset(workspace, name, preset)
        return preset

    @api.delete("/chains/{name}")
    def delete(name: str) -> dict[str, ChainPreset]:
        """Forget a chain; answers those that are left."""
        delete_preset(workspace, name)
        return list_presets(workspace)
