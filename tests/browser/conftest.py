import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from leafcore.workspace import Workspace
from tests.server import Server

READY = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
LAUNCH = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, where there is one; LEAF_REQUIRE_BROWSER makes its absence a failure.

    It ends with this package: Playwright keeps an event loop in the main thread, where later tests run their own.
    """
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        message = "no Chromium; `apt-get install chromium` brings it"
        if os.environ.get("LEAF_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=LAUNCH)
        yield chromium
        chromium.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[object]:
    """Return a function that starts the real server over a workspace."""
    servers: list[Server] = []

    def start(workspace: Workspace) -> Server:
        servers.append(Server(workspace, tmp_path / "server.log"))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Visitor:
    """Somebody with a browser, whose clicks are counted.

    Args:
        browser: Theirs.
        server: Where they go.
        theme: "light" or "dark".
        width: Of the window, px.
    """

    def __init__(self, browser: Browser, server: Server, theme: str = "light", width: int = 1280) -> None:
        self._context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True
        )
        self.page: Page = self._context.new_page()
        self.server = server
        self.clicks = 0
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def visit(self, path: str = "") -> Page:
        """Open a page and wait until it is drawn."""
        self.page.goto(f"{self.server.url}/{path}")
        return self.settled()

    def settled(self) -> Page:
        """Wait until the script has run, and return the page if it shows no exception."""
        expect(self.page.locator(READY)).to_be_visible(timeout=60_000)
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        return self.page

    def click(self, name: str, role: str = "button", timeout_s: float = 60) -> None:
        """Wait for a button or link, click it, and count the click."""
        target = self.page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        expect(target).to_be_enabled(timeout=timeout_s * 1000)
        target.click()
        self.clicks += 1
        self.settled()

    def close(self) -> None:
        """Leave."""
        self._context.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[object]:
    """Return a function that sends a visitor to a server."""
    visitors: list[Visitor] = []

    def send(server: Server, theme: str = "light", width: int = 1280) -> Visitor:
        visitors.append(Visitor(browser, server, theme, width))
        return visitors[-1]

    yield send
    for one in visitors:
        one.close()
