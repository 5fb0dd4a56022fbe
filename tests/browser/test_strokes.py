"""A mask is corrected with the mouse: what is drawn is a stroke on disk, and the mask changes."""

import shutil

import pytest
from playwright.sync_api import Page, expect

from leafcore.checkpoints import open_checkpoint
from leafcore.masks.corrections import Stroke, load_draft
from leafcore.workspace import Workspace
from tests.server import until

pytestmark = pytest.mark.browser


def strokes(workspace: Workspace, sha256: str) -> list[Stroke]:
    """Return what is on disk."""
    return [stroke for said in load_draft(workspace, "leaves", sha256).values() for stroke in said.strokes]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a line between two places given as shares of the picture."""
    canvas = page.locator("figure canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    (x0, y0), (x1, y1) = ((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end))
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move(x1, y1, steps=6)
    page.mouse.up()


def test_a_line_drawn_on_a_picture_changes_its_mask_and_undo_brings_it_back(serve, visitor, journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    own = Workspace(tmp_path / "own")
    shutil.rmtree(own.runs / journey.runs["lflseg"].id)  # the page would begin with it, and it hardly knows leaves
    sha256 = open_checkpoint(own, "sample-lflseg").card.weights_sha256
    server = serve(own)
    guest = visitor(server)
    page = guest.visit("masks")
    page.locator('[class*="st-key-fix-"] button').first.click()
    picture = page.locator("figure img")
    expect(picture).to_be_visible(timeout=30_000)
    guest.settled()
    before = picture.get_attribute("src")

    drag(page, (0.1, 0.1), (0.9, 0.1))
    expect(picture).not_to_have_attribute("src", before or "", timeout=20_000)
    (stroke,) = strokes(own, sha256)
    assert stroke.kind == "include" and len(stroke.points) >= 5
    assert stroke.points[0] == pytest.approx((0.1, 0.1), abs=0.02)
    assert stroke.points[-1] == pytest.approx((0.9, 0.1), abs=0.02)

    page.keyboard.press("b")  # what comes next is background
    expect(page.locator('figure canvas[data-kind="exclude"]')).to_be_visible(timeout=20_000)
    drag(page, (0.2, 0.9), (0.8, 0.9))
    until(lambda: len(strokes(own, sha256)) == 2, 30, "the second stroke is on disk")
    assert [stroke.kind for stroke in strokes(own, sha256)] == ["include", "exclude"]

    guest.click("Undo")
    guest.click("Undo")
    expect(picture).to_have_attribute("src", before or "", timeout=20_000)
    assert load_draft(own, "leaves", sha256) == {}
    assert not guest.errors
