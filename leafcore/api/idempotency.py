"""A submission that is sent twice counts once, if it says so: by a key of the client's choice.

The key's file in the workspace says what was asked for and which run came of it. It is written before the run can be
carried out, so that neither a lost answer nor a restart lets a second run begin.
"""

import hashlib

from filelock import FileLock

from leafcore.config import Config
from leafcore.errors import ConfigError, NotFoundError
from leafcore.files import read_json, write_json
from leafcore.jobs import submit
from leafcore.runs import Run, open_run
from leafcore.workspace import Workspace

LOCK_S = 30.0


def submit_keyed(
    workspace: Workspace, key: str, asked: str, kind: str, config: Config, *, title: str = ""
) -> tuple[Run, bool]:
    """Queue a run, unless it was queued under the same key before.

    Args:
        workspace: Where it goes.
        key: Of the client's choice; one per wish.
        asked: The whole request; under one key there is only one.
        kind: A key of `jobs.KINDS`.
        config: Its settings.
        title: What a person reads in lists.

    Returns:
        The run, and whether it is new. One that was deleted frees its key.

    Raises:
        ConfigError: Something else was asked for under this key.
        InputError: See `jobs.submit`.
    """
    file = workspace.submissions / f"{_digest(key)}.json"
    workspace.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.locks / "submissions.lock", timeout=LOCK_S, is_singleton=False, thread_local=False):
        try:
            known = read_json(file)
            run = open_run(workspace, known["run"])
        except (FileNotFoundError, NotFoundError):
            note = {"asked": _digest(asked)}
            return submit(
                workspace,
                kind,
                config,
                title=title,
                prepare=lambda folder: write_json(file, {**note, "run": folder.name}),
            ), True
    if known["asked"] != _digest(asked):
        raise ConfigError(
            f"Idempotency-Key: {key!r} was sent with other settings before, for run {run.id}; send a new key."
        )
    return run, False


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
