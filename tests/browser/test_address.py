"""Back and forward, and what the address says, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def turn_to(page: Page, name: str) -> None:
    """Press a page's name in the sidebar, and wait for its title."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def test_what_a_page_writes_into_its_address_never_goes_to_the_page_before(serve, visitor, journey):
    guest = visitor(serve(journey.workspace))
    page = guest.visit("runs")
    page.evaluate("""() => {
        window.written = [];
        const push = history.pushState.bind(history);
        history.pushState = (...given) => { window.written.push(given[2]); return push(...given) };
    }""")
    for _ in range(2):  # the second time pages are drawn sooner
        for name in ("Masks", "Runs", "Train", "Runs", "Epochs", "Runs"):
            turn_to(page, name)
            guest.settled()
    written = [address for address in page.evaluate("window.written") if address.startswith("/runs?")]
    assert not [address for address in written if "ds=" in address or "probe=" in address], written


def test_back_leads_from_train_to_where_one_came_from_without_an_error(serve, visitor, journey):
    guest = visitor(serve(journey.workspace))
    page = guest.visit("runs")
    turn_to(page, "Train")
    guest.settled()
    for _ in range(2):  # Streamlit gives what a page writes into the address an entry of its own
        page.go_back()
        page.wait_for_timeout(500)
        guest.settled()
    expect(page.get_by_role("heading", level=1, name="Runs")).to_be_visible()
