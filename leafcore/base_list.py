"""The base models that are known here, and where the one is that a checkpoint was taught on."""

from pydantic import BaseModel

from leafcore.base_hub import look_up
from leafcore.base_models import KNOWN, accept, accepted, fingerprint, is_accepted, open_base
from leafcore.base_models import BaseModel as Base
from leafcore.checkpoints import list_checkpoints
from leafcore.errors import CheckpointError
from leafcore.workspace import Workspace

DIGITS = 12  # of a fingerprint, in a message


class BaseRow(BaseModel):
    """A base as lists show it.

    Attributes:
        name: A hub id, or a folder.
        license: Its license as people write it; empty if it cannot be read.
        license_url: Where that can be read.
        bytes: Its size, if it is known.
        accepted: Whether its license, as it reads now, was accepted in this workspace.
        folder: Where it is, or would be fetched to.
        is_here: Whether it is there, complete.
        used_by: The checkpoints that were taught on it.
        problem: Why it cannot be used, in a sentence; empty if it can.
    """

    name: str
    license: str = ""
    license_url: str = ""
    bytes: int | None = None
    accepted: bool = False
    folder: str = ""
    is_here: bool = False
    used_by: list[str] = []
    problem: str = ""


def list_bases(workspace: Workspace) -> list[BaseRow]:
    """Return the bases that were accepted here or that checkpoints need, then the others that are known."""
    users: dict[str, list[str]] = {}
    for checkpoint in list_checkpoints(workspace):
        if checkpoint.is_prompt_model:
            users.setdefault(str(checkpoint.card.description["base"]), []).append(checkpoint.name)
    names = dict.fromkeys([*accepted(workspace), *users, *KNOWN])
    return [_row(workspace, name, users.get(name, [])) for name in names]


def _row(workspace: Workspace, name: str, users: list[str]) -> BaseRow:
    try:
        base = open_base(workspace, name)
    except CheckpointError as error:
        return BaseRow(name=name, used_by=users, problem=str(error))
    return BaseRow(
        name=base.name,
        license=base.license_title,
        license_url=base.license_url,
        bytes=base.bytes,
        accepted=is_accepted(workspace, base),
        folder=str(base.folder),
        is_here=base.is_here,
        used_by=users,
    )


def accept_base(workspace: Workspace, name: str) -> BaseRow:
    """Accept the license of a base, which may be one that nobody here used before.

    Raises:
        CheckpointError: It is no base, or its license cannot be looked up.
    """
    base = look_up(workspace, name)
    accept(workspace, base)
    return next(row for row in list_bases(workspace) if row.name == base.name)


def find_base(workspace: Workspace, name: str, identity: str, given: str = "") -> Base:
    """Return the base that weights were taught on: where it was then, or where else the same one is now.

    Args:
        workspace: Whose accepted bases are looked through.
        name: What it was called when they were taught.
        identity: Its `fingerprint` then.
        given: Where it is now, if somebody says so; else every accepted base is a candidate.

    Returns:
        One that is here and the same; if there is none, what `given` or `name` says, to be fetched or refused.

    Raises:
        CheckpointError: It is gone, and nobody has said where to.
    """
    if given:
        return open_base(workspace, given)
    gone = ""
    for candidate in dict.fromkeys([name, *accepted(workspace)]):
        try:
            base = open_base(workspace, candidate)
        except CheckpointError as error:
            gone = str(error) if candidate == name else gone
            continue
        if base.is_here and fingerprint(base.folder) == identity:
            return base
    if not gone:
        return open_base(workspace, name)
    raise CheckpointError(
        f"{gone} If it was moved, say where it is now, as `base` or by `leafcore bases --accept FOLDER`; it must be "
        f"the same one, of fingerprint {identity[:DIGITS]}."
    )
