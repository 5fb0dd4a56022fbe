"""The command that makes a reported comparison anew and holds its numbers against the report's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from leafcore.config import Config
from leafcore.workspace import Workspace

Answer = dict[str, Any]


def add_replay(command: Callable[..., Any], carry_out: Callable[[Workspace, str, Config], Answer]) -> None:
    """Add the command to the parser.

    Args:
        command: Adds one and returns its parser, given its name, a summary, and what it calls.
        carry_out: Submits a run of a kind, carries it out, and returns what its command answers.
    """

    def call(arguments: Any, workspace: Workspace) -> Answer:
        from leafcore.report.replay import replay  # slow to import

        folder = arguments.folder.expanduser().resolve()
        return replay(folder, workspace, lambda config: carry_out(workspace, "evaluate", config)).model_dump()

    added = command("replay", "Make the comparison of a report again, on the CPU, and compare its scores.", call)
    added.add_argument("folder", type=Path, metavar="FOLDER", help="The replay folder of an unpacked report.")
