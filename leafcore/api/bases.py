"""Routes of base models: which there are, and the acceptance of their licenses."""

from fastapi import FastAPI

from leafcore.base_list import BaseRow, accept_base, list_bases
from leafcore.workspace import Workspace


def add_bases(api: FastAPI, workspace: Workspace) -> None:
    """Add the routes."""

    @api.get("/bases")
    def bases() -> list[BaseRow]:
        """List base models: license, size, whether it was accepted, where each is."""
        return list_bases(workspace)

    @api.post("/bases/{base:path}/accept")
    def accept(base: str) -> BaseRow:
        """Accept the license of a base, by its id on the hub or its folder; read it first."""
        return accept_base(workspace, base)
