"""A set is reviewed by keyboard in the browser, by two visitors at once: nothing is lost, nothing counts twice."""

import shutil

import pytest
from playwright.sync_api import Page, expect

from leafcore.data.review import read_review
from leafcore.data.synthetic_sets import open_whole_set
from leafcore.runs import list_runs
from leafcore.workspace import Workspace
from tests.server import until

pytestmark = pytest.mark.browser

EDGE = "wipe => getComputedStyle(wipe).getPropertyValue('--edge')"


def tile(page: Page, number: int):
    return page.locator(".review .grid button").nth(number)


def test_two_visitors_review_one_set_by_keyboard(serve, visitor, journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    own = Workspace(tmp_path / "own")
    made = open_whole_set(own, list_runs(own, "synthesize")[0].id)
    server = serve(own)
    first, second = (visitor(server) for _ in range(2))
    pages = [guest.visit(f"studio?set={made.id}") for guest in (first, second)]
    for page in pages:
        expect(tile(page, 5)).to_be_visible(timeout=60_000)

    # One keeps, rates and rejects faster than the server answers; the other, elsewhere, does so too.
    mine, theirs = pages
    for key in ("k", "3", "x"):  # keep 0, then 3 stars for 1 and reject it
        mine.keyboard.press(key)
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "5", "Shift+ArrowRight", "x"):  # rate 3, reject 3 and 4
        theirs.keyboard.press(key)
    expect(tile(mine, 0)).to_have_attribute("data-verdict", "keep")
    expect(tile(theirs, 4)).to_have_attribute("data-verdict", "reject")
    names = made.files
    expected = {names[0]: ("keep", 0), names[1]: ("reject", 3), names[3]: ("reject", 5), names[4]: ("reject", 0)}

    def stands() -> dict:
        opinions = read_review(made.folder).opinions.items()
        return {file: (one.verdict, one.stars) for file, one in opinions if not one.is_open}

    until(lambda: stands() == expected, 30, f"{expected} stands")
    assert len((made.folder / "review.jsonl").read_text().splitlines()) == 5, "a choice is written once"

    # Undo takes back one's own last choice only, and after a rerun each sees the other's.
    mine.keyboard.press("z")
    until(lambda: stands()[names[1]] == ("open", 3), 30, "the rejection is taken back")
    expect(tile(mine, 4)).to_have_attribute("data-verdict", "reject", timeout=20_000)
    assert stands()[names[4]] == ("reject", 0)

    # Space shows what a picture was made of, for as long as it is held; a drag moves the edge.
    wipe = mine.locator(".review .wipe")
    mine.keyboard.down("Space")
    assert wipe.evaluate(EDGE) == "100%"
    mine.keyboard.up("Space")
    assert wipe.evaluate(EDGE) == "50%"
    box = wipe.bounding_box()
    mine.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    mine.mouse.down()
    mine.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    mine.mouse.up()
    assert float(wipe.evaluate(EDGE).rstrip("%")) == pytest.approx(25, abs=1)
    for guest in (first, second):
        assert guest.errors == []
