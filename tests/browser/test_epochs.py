"""Epochs are compared in the browser itself: keys and the wipe act at once, and the server learns where one rests."""

import re
import shutil

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from leafcore.pick.marks import mark_journal, standing
from leafcore.pick.votes import vote_journal
from leafcore.runs import list_runs
from leafcore.workspace import Workspace
from tests.server import until

pytestmark = pytest.mark.browser

PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"


def pixels(page: Page, kind: str) -> np.ndarray:
    """Return what the first pane of a kind shows, (pixels, 3) int."""
    drawn = page.locator(f'canvas[data-kind="{kind}"]').first.evaluate(PIXELS)
    return np.array(drawn).reshape(-1, 4)[:, :3]


def shows(page: Page, epoch: int) -> None:
    """Wait until an epoch is drawn."""
    expect(page.locator(f'.viewer[data-shown="{epoch}"]')).to_be_visible(timeout=20_000)


def drag_a_finger(page: Page, way: list[tuple[float, float]]) -> None:
    """Put a finger down at the first point, move it along the others, and lift it."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * len(way), [way[0], *way], strict=False):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    session.detach()


def test_epochs_are_compared_marked_and_voted_on(serve, visitor, journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    own = Workspace(tmp_path / "own")
    run = list_runs(own, "leafgan")[0]
    guest = visitor(serve(own))
    page = guest.visit("epochs?a=1&b=2")
    shows(page, 1)

    # The difference is eight times what the two panes differ by.
    a, b, difference = (pixels(page, kind) for kind in ("a", "b", "difference"))
    assert a.std() > 0 and (a != b).any()
    assert (difference == np.minimum(255, 8 * np.abs(a - b))).all()

    # Space shows the other epoch for as long as it is held; Right goes on, and the address follows.
    page.keyboard.down("Space")
    shows(page, 2)
    assert (pixels(page, "a") == b).all()
    page.keyboard.up("Space")
    shows(page, 1)
    page.keyboard.press("ArrowRight")
    shows(page, 2)
    expect(page.get_by_role("button", name="Use epoch 2")).to_be_visible(timeout=20_000)
    assert "a=2" in page.url
    page.keyboard.press("ArrowLeft")
    shows(page, 1)

    # Notes are on disk at once; a key that is typed into a field is only typed.
    def noted() -> tuple[int | None, dict[int, int]]:
        marks = standing(mark_journal(run.folder, "ab").read())
        return marks.best, marks.stars

    page.keyboard.press("4")
    page.keyboard.press("b")  # at once, while the first is being written
    until(lambda: noted() == (1, {1: 4}), 30, "four stars and the best are on disk")
    guest.settled()
    page.keyboard.press("z")
    until(lambda: noted() == (None, {1: 4}), 30, "the last note is taken back")
    name = page.get_by_label("Name", exact=True)
    name.fill("")
    name.press_sequentially("b5 z")
    expect(name).to_have_value("b5 z")
    assert noted() == (None, {1: 4})

    # The wipe follows the mouse.
    guest.visit("epochs?a=1&b=2&view=Wipe")
    shows(page, 1)
    wipe = page.locator('canvas[data-kind="wipe"]')
    wipe.scroll_into_view_if_needed()
    box = wipe.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.mouse.up()
    assert float(wipe.get_attribute("data-edge") or 0) == pytest.approx(0.25, abs=0.02)

    # So it does a finger, on its way up as well: the page stays where it is.
    scrolled = page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTop")
    drag_a_finger(
        page, [(box["x"] + at * box["width"], box["y"] + (1 - at) * box["height"]) for at in (0.4, 0.5, 0.75)]
    )
    expect(wipe).to_have_attribute("data-edge", re.compile(r"0\.7[45]"))
    assert page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTop") == scrolled

    # So it does the keys: the arrows of a pane that has the focus, and Shift with them anywhere.
    edge = float(wipe.get_attribute("data-edge") or 0)
    wipe.focus()
    page.keyboard.press("ArrowRight")
    expect(wipe).to_have_attribute("data-edge", f"{edge + 0.02:.3f}")
    wipe.blur()
    page.keyboard.press("Shift+ArrowLeft")
    expect(wipe).to_have_attribute("data-edge", f"{edge:.3f}")
    shows(page, 1)

    # On a phone three columns have room; the third is what one asks for.
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_text("Grid", exact=True).click()
    columns = {kind: page.locator(f'canvas[data-kind="{kind}"]').first for kind in ("b", "difference")}
    expect(columns["b"]).to_be_visible(timeout=20_000)
    expect(columns["difference"]).to_be_hidden()
    page.get_by_label("Third column").select_option("difference")
    expect(columns["difference"]).to_be_visible()
    expect(columns["b"]).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})

    # A blind vote names no epoch, and a key casts it.
    page.get_by_text("Blind", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("^Left"))).to_be_visible(timeout=20_000)
    guest.settled()
    assert "a=" not in page.url and "epoch 1" not in page.content().lower()
    page.keyboard.press("j")
    until(lambda: len(vote_journal(run.folder, "ab").read()) == 1, 30, "the vote is on disk")
    (vote,) = vote_journal(run.folder, "ab").read()
    assert vote.chosen == vote.right
    assert not guest.errors
