"""The review of a synthetic set, and the recipe of a dropped picture, as the Studio page draws them."""

import json

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.data.review import Choice, review_journal
from leafcore.data.reviewing import Said, say
from leafcore.data.synthetic_sets import open_whole_set
from leafcore.jobs import execute
from leafcore.runs import list_runs
from tests.conftest import carrier
from tests.planted import plant_translator
from tests.server import HOST
from ui.confirmed import Written
from ui.reviewing import choice_of


@pytest.fixture
def made(own):
    """The set of the journey: six translations."""
    return open_whole_set(own, list_runs(own, "synthesize")[0].id)


def shown(page):
    """Return what the grid was told."""
    (grid,) = page.get("bidi_component")
    return json.loads(grid.proto.json)


def files(page):
    return [picture["file"] for picture in shown(page)["pictures"]]


def captions(page):
    return "\n".join(caption.value for caption in page.caption)


def test_every_picture_is_shown_over_its_source_with_what_people_say(open_app, own, made):
    first, second = made.files[:2]
    say(own, made.id, Said(reject=(first,), stars={second: 3}, by="ann"))
    page = open_app(own).open("studio")
    pictures = shown(page)["pictures"]
    assert files(page) == made.files and (pictures[0]["verdict"], pictures[1]["stars"]) == ("reject", 3)
    assert pictures[0]["layers"] == [{"name": "source", "address": f"/api/runs/{made.id}/sources/{first}"}]
    assert pictures[0]["told"].endswith("rejected by ann") and "rust" in pictures[0]["alt"]
    assert "0 kept, 1 rejected, 4 unrated of 6" in captions(page) and "Review leaves out 1" in captions(page)


def test_what_a_step_made_on_the_way_can_be_held_against_the_picture(open_app, own, journey):
    plant_translator(own, "to-scab", "rust", "scab", seed=4)
    kept = carrier(own)(
        "synthesize", chain="healthy-to-rust,to-scab", dataset=journey.dataset, count=2, keep_steps=True, verify="no",
        device="cpu",
    )  # fmt: skip
    page = open_app(own).open("studio", set=kept.id)
    layers = shown(page)["pictures"][0]["layers"]
    assert [layer["name"] for layer in layers] == ["source", "healthy-to-rust"]
    file = layers[1]["address"].rpartition("/")[2]
    assert (kept.folder / "steps" / file).is_file() and layers[1]["address"] == f"/api/runs/{kept.id}/steps/{file}"
    with TestClient(build_api(own, hosts=[HOST])) as client:
        answer = client.get(layers[1]["address"].removeprefix("/api"))
    assert answer.content == (kept.folder / "steps" / file).read_bytes()


@pytest.mark.parametrize(
    ("query", "left"),
    [({"rshow": "Rejected"}, [0]), ({"rshow": "Unrated"}, [2, 3, 4, 5]), ({"rstars": "3 or more"}, [1])],
)
def test_a_filter_of_the_address_leaves_what_fits(open_app, own, made, query, left):
    say(own, made.id, Said(reject=(made.files[0],), stars={made.files[1]: 3}))
    assert files(open_app(own).open("studio", **query)) == [made.files[number] for number in left]


def test_what_is_reviewed_stays_where_it_is_until_it_is_listed_again(open_app, own, made):
    app = open_app(own)
    page = app.open("studio", rshow="Unrated")
    review_journal(made.folder).add(Choice(files=(made.files[0],), verdict="keep", by="somebody else"))
    app.test.run()
    assert files(page) == made.files and shown(page)["pictures"][0]["verdict"] == "keep"
    assert "1 changed since this was listed" in captions(page)
    page.button(key="relist").click().run()
    assert files(app.checked()) == made.files[1:]


def test_a_second_set_stands_beside_where_both_translated_the_same(open_app, own, made, journey):
    values = {"dataset": journey.dataset, "chain": ("healthy-to-rust",), "source": "healthy"}
    other = carrier(own)("synthesize", **values, count=3)
    page = open_app(own).open("studio", set=made.id, beside=other.id)
    theirs = dict(
        zip(open_whole_set(own, other.id).manifest["source"], open_whole_set(own, other.id).files, strict=True)
    )
    sources = dict(zip(made.files, made.manifest["source"], strict=True))
    assert len(files(page)) == 3 and all(sources[file] in theirs for file in files(page))
    first = shown(page)["pictures"][0]
    assert first["beside"] == f"/api/runs/{other.id}/thumbnails/{theirs[sources[first['file']]]}"
    assert [layer["name"] for layer in first["layers"]] == ["healthy-to-rust", "source"]


def test_a_damaged_journal_is_said_and_the_page_goes_on(open_app, own, made):
    (made.folder / "review.jsonl").write_text('{"stars": 9}\n')
    page = open_app(own).open("studio")
    assert any("review.jsonl: line 1 is no choice" in error.value for error in page.error)


def test_a_choice_that_is_sent_twice_or_late_counts_once():
    sent = [
        {"number": 3, "undo": True, "files": []},
        {"number": 2, "files": ["a", "b"], "verdict": "reject"},
        {"number": 1, "files": ["a"], "stars": 4},
    ]
    written, heard = Written(number=1), []
    written.hear(sent, lambda said: heard.append(choice_of(said, "me")))
    assert heard[0].model_dump(exclude={"at"}) == {
        "files": ("a", "b"), "verdict": "reject", "stars": None, "by": "me"
    }  # fmt: skip
    assert heard[1:] == [None] and written.number == 3
    written.hear(sent, heard.append)
    written.hear(None, heard.append)
    assert len(heard) == 2, "what came twice, or not at all"


# --- recipe -----------------------------------------------------------------------------------------------------------


def dropped(page, name, content):
    """Open the box, drop a file, and return the page."""
    page.session_state["recipe"] = True
    page.run()
    page.file_uploader(key="recipe_file").upload(name, content, "image/png").run()
    assert not page.exception, page.exception
    return page


def test_a_dropped_picture_tells_its_recipe_and_is_made_again(open_app, own, made):
    app = open_app(own)
    page = dropped(app.open("studio"), "leaf.png", made.paths()[0].read_bytes())
    told = "\n".join(text.value for text in page.markdown)
    assert "Shows rust, made of" in told and "It is in this workspace, and unchanged." in told
    page.button(key="reproduce").click().run()
    (run,) = list_runs(own, "reproduce")
    execute(own, run, lane="cpu", owner="cli")
    page.run()
    assert [one.value for one in app.checked().success] == ["The pixels are the same."]


def test_a_dropped_file_that_is_no_picture_is_named_as_it_was_called(open_app, own):
    page = dropped(open_app(own).open("studio"), "text.png", b"leaf")
    assert any(error.value.startswith("text.png: not a picture") for error in page.error)
