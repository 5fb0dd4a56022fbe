"""The commands that look at synthetic pictures: the review of a set, the recipe of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from leafcore.data.recipes import look_up
from leafcore.data.review import MOST_STARS
from leafcore.data.reviewing import Said, review_state, say
from leafcore.errors import ConfigError
from leafcore.path_checks import check_picture
from leafcore.workspace import Workspace

Answer = dict[str, Any]
NAMES = "FILE[,FILE...]"


def add_review(command: Callable[..., Any]) -> None:
    """Add the command to the parser.

    Args:
        command: Adds one and returns its parser, given its name, a summary, and what it calls.
    """
    added = command(
        "review", "Keep, reject or rate pictures of a synthetic set; say nothing and see how it stands.", _say
    )
    added.add_argument("run", metavar="RUN", help="The run that made the set.")
    for name, meaning in (("keep", "Keep these."), ("reject", "Reject these."), ("open", "Take their verdict away.")):
        added.add_argument(f"--{name}", default="", metavar=NAMES, help=meaning)
    added.add_argument(
        "--stars", nargs=2, action="append", default=[], metavar=("N", NAMES),
        help=f"Give these 1 to {MOST_STARS} stars, 0 for none. Again for another number.",
    )  # fmt: skip
    added.add_argument("--undo", action="store_true", help="First take back the last choice of the same name.")
    added.add_argument("--by", default="cli", metavar="NAME", help="Who speaks (default cli).")


def add_recipe(command: Callable[..., Any]) -> None:
    """Add the command to the parser; see `add_review`."""
    added = command(
        "recipe", "Say what a picture tells of itself: what made it, of what, and whether it is known.", _tell
    )
    added.add_argument("picture", metavar="PICTURE", help="A picture, or RUN/FILE of a synthetic set.")


def _tell(arguments: Any, workspace: Workspace) -> Answer:
    path, _ = check_picture(workspace, None, arguments.picture)
    found = look_up(workspace, Path(path))
    return found.model_dump(mode="json") if arguments.json else {"picture": path, "told": "\n".join(found.told)}


def _say(arguments: Any, workspace: Workspace) -> Answer:
    said = Said(
        keep=_files(arguments.keep),
        reject=_files(arguments.reject),
        open=_files(arguments.open),
        stars=_rated(arguments.stars),
        undo=arguments.undo,
        by=arguments.by,
    )
    is_quiet = not said.files and not said.undo
    state = review_state(workspace, arguments.run) if is_quiet else say(workspace, arguments.run, said)
    if arguments.json:
        return state.model_dump(mode="json")
    counts = state.model_dump(include={"run", "pictures", "kept", "rejected", "unrated"})
    return {**counts, **{f"{stars} stars": count for stars, count in state.stars.items()}}


def _files(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _rated(given: list[list[str]]) -> dict[str, int]:
    stars: dict[str, int] = {}
    for number, files in given:
        if not number.isdecimal():
            raise ConfigError(
                f"stars: got {number!r}, expected a number from 0 to {MOST_STARS}, then names of pictures."
            )
        stars |= dict.fromkeys(_files(files), int(number))
    return stars
