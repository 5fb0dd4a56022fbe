"""A study that was carried out once, tiny."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leafcore.jobs import build_config, execute, submit
from leafcore.runs import Run
from leafcore.scarcity import steps
from leafcore.workspace import Workspace
from tests.conftest import TINY, carrier

SETTINGS = {"limit": 10, "count": 12, "min_confidence": 0.0, "val": 0.2, "test": 0.2, "scale": "smoke", "device": "cpu"}


def tiny_config(kind: str, values: Any, preset: str | None = None) -> Any:
    """Return the settings of a step, as small as can be."""
    return build_config(kind, {**TINY.get(kind, {}), **values}, preset)


@pytest.fixture(scope="session")
def tiny_steps() -> Iterator[None]:
    """Make every step of every study tiny."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "build_config", tiny_config)
        yield


def study(workspace: Workspace, **values: Any) -> Run:
    """Submit a study of the dataset `leaves`."""
    return submit(workspace, "scarcity", build_config("scarcity", {"dataset": "leaves", **SETTINGS, **values}))


def carried_out(workspace: Workspace, **values: Any) -> Run:
    """Return a study that is done."""
    run = study(workspace, **values)
    execute(workspace, run, lane="cpu", owner="cli")
    return run


Finished = tuple[Workspace, Run]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, leaf_folders: Any, tiny_steps: Callable[[], None]) -> Finished:
    """A workspace with a finished study; read-only."""
    workspace = Workspace(tmp_path_factory.mktemp("scarcity") / "workspace")
    carrier(workspace)("import", source=leaf_folders, name="leaves", near_duplicates=False)
    return workspace, carried_out(workspace)
