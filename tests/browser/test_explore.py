"""A chart is the way to the pictures: clicks that only a browser can make."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from leafcore.data.manifest import load

pytestmark = pytest.mark.browser


def click_in_chart(page: Page, mark: Locator) -> None:
    """Click the middle of a bar or box; Plotly lays its own surface over them."""
    expect(mark).to_be_attached(timeout=20_000)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    expect(page.locator(".hoverlayer .hovertext").first).to_be_visible()  # it has seen the pointer
    page.mouse.click(x, y)


def test_a_clicked_bar_and_a_clicked_box_show_their_pictures(serve, visitor, journey):
    dataset = load(journey.workspace, "leaves")
    rare = len(dataset.select(split="train", labels="rust"))
    server = serve(journey.workspace)
    guest = visitor(server)
    page = guest.visit("datasets")
    expect(page.get_by_text(f"{len(dataset.records)} pictures, page 1 of 1.")).to_be_visible()

    train = page.locator(".barlayer .trace").first.locator(".point path")
    click_in_chart(page, train.nth(list(dataset.label_sets).index("rust")))
    page.wait_for_url(re.compile("cls=rust"))
    assert "split=train" in page.url
    expect(page.get_by_text(f"{rare} pictures, page 1 of 1.")).to_be_visible()

    guest.click("Treemap", role="radio")
    click_in_chart(page, page.locator(".treemaplayer .slice", has_text="scab").locator("path").first)
    page.wait_for_url(re.compile("cls=scab"))
    expect(page.get_by_text(f"{dataset.label_sets['scab']} pictures, page 1 of 1.")).to_be_visible()
    assert not guest.errors
