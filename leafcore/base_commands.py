"""The command that lists base models, and accepts their licenses."""

from collections.abc import Callable
from typing import Any

from leafcore.base_list import BaseRow, accept_base, list_bases
from leafcore.progress import size
from leafcore.terminal import table
from leafcore.workspace import Workspace


def add_bases(command: Callable[..., Any]) -> None:
    """Add the command to the parser.

    Args:
        command: Adds one and returns its parser, given its name, a summary, and what it calls.
    """
    added = command("bases", "List base models: license, size, where each is; accept the license of one.", _bases)
    added.add_argument(
        "--accept", default="", metavar="BASE", help="This one's license was read and is accepted: an id, or a folder."
    )


def _bases(arguments: Any, workspace: Workspace) -> dict[str, Any]:
    rows = [accept_base(workspace, arguments.accept)] if arguments.accept else list_bases(workspace)
    if arguments.json:
        return {"bases": [row.model_dump(mode="json") for row in rows]}
    usable = [row for row in rows if not row.problem]
    heads = ("base", "license", "accepted", "size", "where", "taught on it")
    return {
        "bases": table(heads, [_cells(row) for row in usable]) + "\n",
        "licenses": {row.license: row.license_url for row in usable},
        "fetched to": str(workspace.downloads / "models"),
        **{row.name: row.problem for row in rows if row.problem},
    }


def _cells(row: BaseRow) -> tuple[str, ...]:
    return (
        row.name,
        row.license,
        "yes" if row.accepted else "no",
        size(row.bytes) if row.bytes else "unknown",
        row.folder if row.is_here else "not fetched yet",
        ", ".join(row.used_by) or "none",
    )
