import pkgutil
import shutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

import ui
from leafcore.workspace import PROJECT_ROOT, Workspace
from ui import service

NAVIGATION = str(PROJECT_ROOT / "ui" / "navigation.py")


class App:
    """The pages over a workspace, as a visitor sees them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.test = AppTest.from_file(NAVIGATION, default_timeout=60)

    def open(self, name: str, **query: str) -> AppTest:
        """Open a page and return it, drawn without an exception."""
        self.test.run()
        if name != "home":
            self.test.switch_page(f"../pages/{name}.py")
        for key, value in query.items():
            self.test.query_params[key] = value
        self.test.run()
        return self.checked()

    def checked(self) -> AppTest:
        """Return the page, if it drew without an exception."""
        assert not self.test.exception, self.test.exception
        return self.test


def modules_with_a_workspace() -> Iterator[ModuleType]:
    """Return the modules of the pages that ask for the server's workspace."""
    names = {module.name for module in pkgutil.iter_modules(ui.__path__)} - {"navigation"}  # which is the app itself
    modules = (import_module(f"ui.{name}") for name in sorted(names))
    return (module for module in modules if hasattr(module, "workspace"))


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch):
    """Return a function that opens the pages over a workspace; its warm worker ends with the test."""
    workers = []

    def open_over(workspace: Workspace) -> App:
        worker = service.WarmWorker(workspace)
        workers.append(worker)
        for module in ("ui.service", "ui.cached"):
            monkeypatch.setattr(f"{module}.warm_worker", lambda: worker)
        for module in modules_with_a_workspace():
            monkeypatch.setattr(module, "workspace", lambda: workspace)
        return App(workspace)

    yield open_over
    for worker in workers:
        worker.stop()


@pytest.fixture
def own(journey, tmp_path) -> Workspace:
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")
