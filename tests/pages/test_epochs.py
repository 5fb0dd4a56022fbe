"""The epoch picker: what the address says is shown, what the scores say is said, and a blind vote stays blind."""

import json
import shutil

import pytest

from leafcore.jobs import KINDS
from leafcore.pick.votes import vote_journal
from leafcore.runs import list_runs
from tests.scored import result_of, write_scores
from tests.states import write_state


@pytest.fixture
def run(own):
    """The translation of the journey: two epochs, two probes a direction."""
    return list_runs(own, "leafgan")[0]


def shown(page):
    """Return what the viewer was told."""
    (viewer,) = page.get("bidi_component")
    return json.loads(viewer.proto.json)


def captions(page):
    return "\n".join(caption.value for caption in page.caption)


def test_the_last_epoch_is_held_against_the_one_before(open_app, own, run):
    page = open_app(own).open("epochs")
    data = shown(page)
    assert data["place"] == {"a": 2, "b": 1, "probe": 0} and data["epochs"] == [1, 2]
    assert page.query_params["a"] == "2" and page.query_params["b"] == "1"
    assert data["sheets"][0].startswith(f"/api/runs/{run.id}/previews/1?drawn=")


def test_each_direction_shows_its_own_probes(open_app, own):
    rows = {row["index"] for row in shown(open_app(own).open("epochs"))["rows"]}
    back = {row["index"] for row in shown(open_app(own).open("epochs", direction="rust → healthy"))["rows"]}
    assert rows == {0, 1} and back == {2, 3}


def test_a_link_leads_to_the_same_place(open_app, own):
    data = shown(open_app(own).open("epochs", a="1", b="2", probe="1", view="Wipe"))
    assert data["place"] == {"a": 1, "b": 2, "probe": 1} and data["view"] == "wipe"


@pytest.mark.parametrize("wrong", ["7", "-1", "x", ""])
def test_an_address_that_names_no_epoch_leads_to_the_last(open_app, own, wrong):
    assert shown(open_app(own).open("epochs", a=wrong, probe=wrong))["place"] == {"a": 2, "b": 1, "probe": 0}


def test_an_epoch_that_is_drawn_meanwhile_moves_nothing(open_app, own, run):
    app = open_app(own)
    app.open("epochs")
    for kind in ("jpg", "json"):
        shutil.copy(run.folder / "previews" / f"0002.{kind}", run.folder / "previews" / f"0003.{kind}")
    app.test.run()
    data = shown(app.checked())
    assert data["epochs"] == [1, 2, 3] and data["place"]["a"] == 2


def test_an_epoch_without_weights_shows_its_samples_but_cannot_be_used(open_app, own, run):
    (run.folder / "weights" / "0001.safetensors").unlink()
    page = open_app(own).open("epochs", a="1")
    assert shown(page)["place"]["a"] == 1
    assert page.button(key="promote").disabled
    assert "weights of epoch 1 are not kept any more" in captions(page)
    page = open_app(own).open("epochs", a="2")
    page.text_input(key=f"promote_name_{run.id}").set_value("another").run()
    assert not page.button(key="promote").disabled


def test_a_run_in_training_says_when_the_next_epoch_comes(open_app, own, run):
    with run.locked():
        write_state(run, "running", done=4, total=6, seconds_per_unit=60.0)
        assert "next epoch is drawn in about 2 min" in captions(open_app(own).open("epochs"))
    write_state(run, "done")
    assert "next epoch" not in captions(open_app(own).open("epochs"))


# --- scores -----------------------------------------------------------------------------------------------------------

ROWS = {1: {"kid": 0.2, "target_rate": 0.9}, 2: {"kid": 0.3, "target_rate": 0.5}}


def test_the_recommended_epoch_is_shown_first_with_its_reason(open_app, own, run):
    write_scores(own, result_of(run.id, ROWS, recommended=1, reason="Epoch 1: the last one is rust less often."))
    page = open_app(own).open("epochs")
    assert shown(page)["place"] == {"a": 1, "b": 2, "probe": 0}
    assert any("Recommended: epoch 1.** the last one is rust less often." in text.value for text in page.markdown)
    assert len(page.get("plotly_chart")) == 2
    assert "KID 0.2 ± 0.1, n = 24" in captions(page) and "On val pictures of leaves@1" in captions(page)


def test_the_way_back_to_the_recommended_epoch_is_one_click(open_app, own, run):
    write_scores(own, result_of(run.id, ROWS, recommended=1, reason="."))
    app = open_app(own)
    page = app.open("epochs", a="2")
    page.button(key="show_recommended").click().run()
    assert shown(app.checked())["place"]["a"] == 1
    assert page.button(key="show_recommended").disabled


def test_a_missing_measure_says_why_and_draws_no_blank_axis(open_app, own, run):
    reason = "needs 20 fakes, there are 2."
    rows = {epoch: {"cycle": 9.0} for epoch in (1, 2)}
    write_scores(own, result_of(run.id, rows, withheld={"kid": reason}, reason="Too little was measured."))
    page = open_app(own).open("epochs")
    assert len(page.get("plotly_chart")) == 1
    assert f"No Pareto chart: {reason}" in captions(page) and f"Not measured · KID: {reason}" in captions(page)


def test_reasons_for_no_pareto_chart_are_told_apart(open_app, own, run):
    withheld = {"kid": "from 20 pictures; there are 6", "target_rate": "there is no judge"}
    rows = {epoch: {"cycle": 9.0} for epoch in (1, 2)}
    write_scores(own, result_of(run.id, rows, withheld=withheld, reason="Too little was measured."))
    page = open_app(own).open("epochs")
    assert "No Pareto chart: from 20 pictures; there are 6; there is no judge." in captions(page)


def test_scores_of_the_other_direction_or_another_run_are_not_shown(open_app, own, run):
    write_scores(own, result_of(run.id, ROWS, direction="ba"))
    write_scores(own, result_of("another", ROWS))
    page = open_app(own).open("epochs")
    assert not page.get("plotly_chart") and "have not been scored yet" in captions(page)


@pytest.mark.skipif("score" not in KINDS, reason="no kind of run scores epochs yet")
def test_scores_are_queued_with_one_click(open_app, own, run):
    app = open_app(own)
    app.open("epochs", direction="rust → healthy").button(key="compute_scores").click().run()
    page = app.checked()
    (queued,) = list_runs(own, "score")
    assert queued.record.settings["run"] == run.id and queued.record.settings["direction"] == "ba"
    assert not [button for button in page.button if button.key == "compute_scores"], "it waits once"


# --- votes ------------------------------------------------------------------------------------------------------------


def test_a_blind_vote_names_no_epoch_until_it_is_revealed(open_app, own, run):
    write_scores(own, result_of(run.id, ROWS, recommended=1, reason="."))
    app = open_app(own)
    page = app.open("epochs", a="1", b="2")
    page.segmented_control(key="view").set_value("Blind").run()
    assert not {"a", "b", "probe"} & page.query_params.keys()
    assert not page.get("bidi_component") and not page.get("plotly_chart")
    assert [image.proto.imgs[0].alt.split()[1] for image in page.get("image")] == ["left", "right", "source"]
    words = [text.value for text in (*page.markdown, *page.caption)] + [button.label for button in page.button]
    assert not [text for text in words if "poch" in text]

    page.button(key="vote_left").click().run()
    (vote,) = vote_journal(run.folder, "ab").read()
    assert vote.chosen == vote.left
    assert "1 vote · no clear winner yet" in captions(page)
    page.button(key="vote_reveal").click().run()
    table = app.checked().dataframe[0].value
    assert list(table["Epoch"]) == [vote.left, vote.right] and list(table["Won"]) == ["1 of 1", "0 of 1"]


def test_a_vote_is_taken_back(open_app, own, run):
    page = open_app(own).open("epochs", view="Blind")
    before = [image.proto.imgs[0].url for image in page.get("image")]
    page.button(key="vote_right").click().run()
    assert [image.proto.imgs[0].url for image in page.get("image")] != before
    page.button(key="vote_skip").click().run()
    page.button(key="vote_undo").click().run()
    page.button(key="vote_undo").click().run()
    assert vote_journal(run.folder, "ab").read() == []
    assert [image.proto.imgs[0].url for image in page.get("image")] == before
    assert page.button(key="vote_undo").disabled and page.button(key="vote_reveal").disabled


def test_damaged_notes_end_no_page(open_app, own, run):
    (run.folder / "marks-ab.jsonl").write_text('{"epoch": "many"}\n')
    page = open_app(own).open("epochs")
    assert "marks-ab.jsonl: line 1 is no mark" in page.error[0].value and shown(page)["place"]["a"] == 2
