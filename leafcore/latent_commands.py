"""The commands that look into a noise model: the way between two seeds, and every class of the same noise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast, get_args

from leafcore.errors import ConfigError
from leafcore.files import write_bytes
from leafcore.flags import add_flags
from leafcore.latent_tools import Asked, WayFormat, ask_for_pictures, encode_grid, encode_way, noise_question
from leafcore.questions import GridQuestion, InterpolationQuestion, NoiseQuestion, Question, answer_file
from leafcore.workspace import Workspace

Answer = dict[str, Any]

PINNED = "weights_sha256"  # of a question, filled in here


class InThisProcess:
    """Answers questions without a server's warm worker, for a command that asks once.

    Args:
        workspace: Where models are, and answers are kept.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def ask(self, question: Question) -> Path:
        """Return the file that answers a question; see `WarmWorker.ask`."""
        target = answer_file(self._workspace, question)
        if not target.exists():
            from leafcore.answers import answer  # loads torch, which what was answered before does not need

            answer(self._workspace, question)
        return target


def add_latent_tools(command: Callable[..., Any]) -> None:
    """Add the commands to the parser.

    Args:
        command: Adds one and returns its parser, given its name, a summary, and what it calls.
    """
    added = command("interpolate", "Go from one seed of a noise model to another: a strip or an animation.", _way)
    add_flags(added, "interpolate", InterpolationQuestion, {PINNED})
    ends = ", ".join(f".{end}" for end in get_args(WayFormat))
    added.add_argument("--to", type=Path, required=True, metavar="FILE", help=f"The strip or the animation: {ends}.")
    added = command("class-grid", "Make the same noise in every class of a noise model, a row each.", _grid)
    add_flags(added, "class-grid", GridQuestion, {PINNED, "label"})
    added.add_argument("--to", type=Path, required=True, metavar="FILE.png", help="The grid.")


def _way(arguments: Any, workspace: Workspace) -> Answer:
    format = cast(WayFormat, _ending(arguments.to, get_args(WayFormat)))
    question = _question(InterpolationQuestion, arguments, workspace)
    return _written(arguments.to, encode_way(ask_for_pictures(InThisProcess(workspace), question), format), question)


def _grid(arguments: Any, workspace: Workspace) -> Answer:
    _ending(arguments.to, ("png",))
    question = _question(GridQuestion, arguments, workspace)
    return _written(arguments.to, encode_grid(ask_for_pictures(InThisProcess(workspace), question)), question)


def _question(kind: type[Asked], arguments: Any, workspace: Workspace) -> Asked:
    given = {key.removeprefix("set_"): value for key, value in vars(arguments).items() if key.startswith("set_")}
    if "checkpoint" not in given:
        raise ConfigError("checkpoint: missing. Name a noise model; `leafcore checkpoints` lists them.")
    return noise_question(kind, workspace, **given)


def _ending(path: Path, known: tuple[str, ...]) -> str:
    ending = path.suffix.lower().removeprefix(".")
    if ending not in known:
        raise ConfigError(f"to: got {path}, expected a file that ends in {' or '.join(f'.{one}' for one in known)}.")
    return ending


def _written(path: Path, content: bytes, question: NoiseQuestion) -> Answer:
    target = path.expanduser().resolve()
    write_bytes(target, content)
    return {"path": str(target), **question.model_dump(mode="json")}
