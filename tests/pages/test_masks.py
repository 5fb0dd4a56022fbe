"""The Masks page: presets set the slider, a doubtful save asks, corrections are on disk, any photo is judged."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.mask_sets import CARD
from leafcore.files import read_json, write_json
from leafcore.jobs import execute
from leafcore.masks.compare import compare_sets
from leafcore.masks.corrections import Correction, Stroke
from leafcore.masks.tuning import Plateau
from leafcore.runs import list_runs
from leafcore.train.confusion import Confusion, save_confusion
from tests.conftest import carrier, write_folders
from ui import mask_charts
from ui.correcting import Draft
from ui.mask_saving import doubts
from ui.seeing import cut_out
from ui.tuner import stability


@pytest.fixture
def page(open_app, own):
    """The page over a workspace of its own, with a model that knows leaves."""
    app = open_app(own)
    app.test.session_state["clf"] = "sample-lflseg"
    return app.open("masks")


def keys(elements) -> set[str]:
    return {element.key for element in elements}


def draft_of(workspace) -> Draft:
    """The draft under that model."""
    return Draft.of(load(workspace, "leaves"), open_checkpoint(workspace, "sample-lflseg"))


# --- the threshold ----------------------------------------------------------------------------------------------------


def test_a_preset_sets_the_slider_and_the_address(page):
    page.slider(key="thr").set_value(0.8).run()
    page.button(key="preset_paper").click().run()
    assert not page.exception
    assert page.slider(key="thr").value == 0.35
    page.button(key="preset_Otsu").click().run()
    said = float(page.button(key="preset_Otsu").label.split()[-1])
    assert page.slider(key="thr").value == said


def save_as(workspace, run_id: str, **card) -> None:
    """Let a mask set have been saved with other settings."""
    path = workspace.run(run_id) / CARD
    write_json(path, {**read_json(path), **card})


def test_the_page_begins_as_the_newest_mask_set_was_saved(open_app, own, journey):
    shutil.copytree(own.datasets / "leaves", own.datasets / "apples")
    save_as(own, journey.runs["masks"].id, delta=0.2, refinement={"method": "none", "largest": True})
    app = open_app(own)
    page = app.open("masks", ds="leaves")
    assert page.slider(key="thr").value == 0.2
    assert page.toggle(key="refine_largest").value and not page.toggle(key="refine_fill").value
    page.slider(key="thr").set_value(0.6).run()
    page.toggle(key="refine_largest").set_value(False).run()
    assert app.checked().slider(key="thr").value == 0.6 and not page.toggle(key="refine_largest").value
    page.run()
    assert page.slider(key="thr").value == 0.6, "what was set stays"
    assert open_app(own).open("masks", ds="leaves", thr="0.5").slider(key="thr").value == 0.5, "a link has its way"


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (0.3, "Stable from 0.20 to 0.30: there,"),
        (0.35, "0.35 is outside the stable range 0.20 to 0.30: try the middle, 0.25, or Refine."),
    ],
)
def test_a_threshold_outside_the_stable_range_is_told(delta, said):
    assert stability(Plateau(0.2, 0.22, 0.3), delta, is_refined=False).startswith(said)
    assert "Refine" not in stability(Plateau(0.2, 0.22, 0.3), delta, is_refined=True)


def test_what_is_known_of_the_threshold_stands_under_the_chart(page):
    assert any("the stable range" in (caption.help or "") for caption in page.caption)


def test_the_chart_of_areas_names_its_lines_and_what_they_are():
    curve = np.linspace(1, 0, 101)
    figure = mask_charts.area_by_delta({"healthy": curve, "rust": curve}, curve, Plateau(0.2, 0.22, 0.3), {}, 0.35)
    assert figure.layout.showlegend and [line.name for line in figure.data] == ["healthy", "rust", "all shown"]
    notes = {note.text for note in figure.layout.annotations}
    assert {"share of the picture that is leaf", "stable range"} <= notes
    assert not mask_charts.area_by_delta({}, curve, None, {}, 0.35).layout.showlegend, "one line needs no legend"


def test_the_order_stays_while_the_slider_moves_until_it_is_asked_for(page):
    assert "sort_again" not in keys(page.button)
    page.slider(key="thr").set_value(0.6).run()
    assert "0.35" in page.button(key="sort_again").label
    page.button(key="sort_again").click().run()
    assert "sort_again" not in keys(page.button)


def test_the_next_view_follows_the_last(page):
    for expected in ("Contour", "Heat map", "Photo", "Mask"):
        page.button(key="next_view").click().run()
        assert not page.exception
        assert page.session_state["mask_view"] == expected


# --- the model --------------------------------------------------------------------------------------------------------


def test_the_page_begins_with_ones_own_newest_model_of_the_dataset(open_app, own, journey):
    shutil.copytree(own.datasets / "leaves", own.datasets / "apples")
    first = journey.runs["lflseg"]
    app = open_app(own)
    page = app.open("masks", ds="leaves")
    assert page.selectbox(key="clf").value == first.id
    page.selectbox(key="ds").set_value("apples").run()
    assert app.checked().selectbox(key="clf").value == "sample-lflseg", (
        "what knows other leaves only has no right to it"
    )
    page.selectbox(key="ds").set_value("leaves").run()
    assert app.checked().selectbox(key="clf").value == first.id
    page.selectbox(key="clf").set_value("sample-lflseg").run()
    page.button(key="preset_paper").click().run()
    assert app.checked().selectbox(key="clf").value == "sample-lflseg", "a choice stays"
    second = own.runs / f"99999999{first.id[8:]}"
    shutil.copytree(own.runs / first.id, second)
    settings = read_json(second / "config.json")
    write_json(second / "config.json", {**settings, "created": settings["created"] + 60})
    assert open_app(own).open("masks", ds="leaves").selectbox(key="clf").value == second.name
    shutil.move(second / "status.json", second / "left")
    write_json(second / "status.json", {**read_json(second / "left"), "state": "failed"})
    assert open_app(own).open("masks", ds="leaves").selectbox(key="clf").value == first.id, "one that is done"


# --- saving -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("viewed", "known", "empty", "expected"),
    [(24, 240, 0, []), (24, 240, 24, []), (8, 8, 0, []), (12, 240, 0, ["looked"]), (24, 240, 25, ["empty"]),
     (0, 240, 240, ["looked", "empty"])],
)  # fmt: skip
def test_saving_asks_before_24_were_looked_at_or_where_a_tenth_is_empty(viewed, known, empty, expected):
    found = doubts(viewed, known, empty)
    assert len(found) == len(expected)
    assert all(word in line for word, line in zip(expected, found, strict=True))


def test_few_pictures_are_all_to_be_looked_at():
    assert doubts(12, 22, 0) == ["You have looked at 12 masks of 22; look at all 22 before you trust a threshold."]


def test_what_became_of_a_saved_set_is_told_below_the_button_with_the_way_on(page, own):
    before = len(list_runs(own, "masks"))
    page.slider(key="thr").set_value(0.3).run()
    for _ in range(2):  # nobody needs a set twice
        page.button(key="save_masks").click().run()
    assert not page.exception and len(list_runs(own, "masks")) == before + 1
    assert "delta 0.3 is being made" in page.info[-1].value
    run = list_runs(own, "masks")[0]
    execute(own, run, lane="cpu", owner="cli")
    page.run()
    assert not page.exception and "delta 0.3 is saved" in page.success[-1].value
    (onwards,) = [link.proto for link in page.get("page_link") if "Train" in link.proto.label]
    assert f"masks={run.id}" in onwards.query_string and "ds=leaves" in onwards.query_string


def test_many_empty_masks_are_listed_and_saved_only_when_confirmed(page, own):
    page.slider(key="thr").set_value(1.0).run()
    before = len(list_runs(own, "masks"))
    page.button(key="save_masks").click().run()
    assert not page.exception and "empty" in page.warning[-1].value
    assert len(list_runs(own, "masks")) == before
    page.button(key="save_not_yet").click().run()
    assert "save_anyway" not in keys(page.button)
    page.button(key="save_masks").click().run()
    page.button(key="save_anyway").click().run()
    assert len(list_runs(own, "masks")) == before + 1


def test_a_confirmation_is_for_the_threshold_that_was_asked_about(page):
    page.slider(key="thr").set_value(1.0).run()
    page.button(key="save_masks").click().run()
    page.slider(key="thr").set_value(0.99).run()
    assert "save_anyway" not in keys(page.button)


# --- by hand ----------------------------------------------------------------------------------------------------------


def first_fix(page):
    return next(button for button in page.button if (button.key or "").startswith("fix-"))


def test_a_picture_gets_its_own_threshold_and_undo_takes_it_back(page, own):
    draft = draft_of(own)
    button = first_fix(page)
    image = button.key.removeprefix("fix-")
    button.click().run()
    assert not page.exception and draft.load() == {}
    page.slider(key=f"fix-delta-{image}").set_value(0.7).run()
    assert not page.exception
    assert draft.load()[image].delta == 0.7
    page.button(key="fix_undo").click().run()
    assert draft.load() == {} and page.slider(key=f"fix-delta-{image}").value == 0.35


def test_inverting_is_written_at_once_and_flagged_in_the_grid(page, own):
    draft = draft_of(own)
    button = first_fix(page)
    image = button.key.removeprefix("fix-")
    button.click().run()
    page.button(key="fix_invert").click().run()
    assert draft.load()[image] == Correction(image=image, delta=0.35, invert=True)
    page.button(key="fix_done").click().run()
    assert not page.exception
    assert [caption.value for caption in page.caption if "corrected" in caption.value]
    assert any("best fit" in button.label for button in page.button), "a corrected mask is a reference"


def test_clearing_takes_all_corrections_of_a_picture_and_can_be_undone(page, own):
    draft = draft_of(own)
    button = first_fix(page)
    image = button.key.removeprefix("fix-")
    stroke = Stroke(kind="include", points=((0.2, 0.2), (0.4, 0.4)))
    draft.correct(Correction(image=image, delta=0.35, strokes=(stroke,)))
    button.click().run()
    page.button(key="fix_clear").click().run()
    assert draft.load() == {}
    page.button(key="fix_undo").click().run()
    assert draft.load()[image].strokes == (stroke,)


# --- does it see leaves? ----------------------------------------------------------------------------------------------


def encoded(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


ODD = {
    "cmyk": encoded(Image.new("CMYK", (40, 30), (90, 10, 90, 20)), "JPEG"),
    "grey": encoded(Image.new("L", (40, 30), 90), "PNG"),
    "pixel": encoded(Image.new("RGB", (1, 1), "green"), "PNG"),
    "large": encoded(Image.new("RGB", (6000, 4000), "green"), "JPEG"),
}


@pytest.mark.parametrize("name", ODD)
def test_any_photo_is_judged(open_app, own, name):
    app = open_app(own)
    page = app.open("masks", mask_tab="Does it see leaves?")
    page.get("file_uploader")[0].upload(f"{name}.img", ODD[name], "image/jpeg").run()
    app.checked()
    assert not page.error
    assert [metric.label for metric in page.metric] == ["full leaf", "partial leaf", "non-leaf"]
    assert sum(float(metric.value.rstrip("%")) for metric in page.metric) == pytest.approx(100, abs=0.2)


def test_what_is_no_picture_is_said_in_one_line(open_app, own):
    app = open_app(own)
    page = app.open("masks", mask_tab="Does it see leaves?")
    page.get("file_uploader")[0].upload("notes.jpg", b"not a picture", "image/jpeg").run()
    app.checked()
    assert "not a picture" in page.error[0].value and "\n" not in page.error[0].value


def test_a_classifier_names_the_photo_beside_it(open_app, own, journey):
    carrier(own)("classifier", dataset=journey.dataset)
    app = open_app(own)
    page = app.open("masks", mask_tab="Does it see leaves?")
    page.get("file_uploader")[0].upload(
        "leaf.png", encoded(Image.new("RGB", (60, 40), "green"), "PNG"), "image/png"
    ).run()
    app.checked()
    shown = next(table.value for table in page.dataframe if "probability" in table.value)
    assert sorted(shown["label"]) == ["healthy", "rust", "scab"] and shown["probability"].is_monotonic_decreasing
    assert shown["probability"].sum() == pytest.approx(1, abs=1e-3)
    assert any(line.value == f"**{shown['label'].iloc[0]}**" for line in page.markdown)


# --- many pictures ----------------------------------------------------------------------------------------------------


def test_without_a_classifier_there_is_a_way_to_one(open_app, own):
    page = open_app(own).open("masks", mask_tab="Name pictures")
    assert "needs a classifier" in page.info[0].value


def test_named_pictures_are_shown_with_their_table(open_app, own, journey, leaf_folders):
    carry = carrier(own)
    classifier = carry("classifier", dataset=journey.dataset)
    run = carry("predict", model=classifier.id, path=str(leaf_folders / "scab"), cam=True)
    app = open_app(own)
    page = app.open("masks", mask_tab="Name pictures")
    assert sum(int(metric.value) for metric in page.metric) == 12
    assert any("n = 12 pictures" in caption.value for caption in page.caption)
    assert page.selectbox(key="named").value == run.id
    page.text_input(key="predict-fresh-path").set_value(str(leaf_folders / "rust"))
    page.button(key="submit-predict").click().run()
    app.checked()
    assert len(list_runs(own, "predict")) == 2


def test_a_picture_named_by_a_number_keeps_its_noughts(open_app, own, tmp_path):
    carry = carrier(own)
    four = dict.fromkeys(("healthy", "multiple_diseases", "rust", "scab"), 6)
    dataset = carry("import", source=write_folders(tmp_path / "four", four), name="four").result()["dataset"]
    (tmp_path / "new").mkdir()
    shutil.copy(next((tmp_path / "four" / "rust").iterdir()), tmp_path / "new" / "0012.png")
    model = carry("classifier", dataset=dataset).id
    carry("predict", model=model, path=str(tmp_path / "new"), layout="plant-pathology-2020")
    page = open_app(own).open("masks", mask_tab="Name pictures")
    assert list(page.dataframe[-1].value["image_id"]) == ["0012"]


# --- photos, cut out --------------------------------------------------------------------------------------------------


def test_a_cut_out_is_transparent_outside_the_mask_at_the_photos_size(tmp_path):
    file = tmp_path / "photo.png"
    Image.new("RGB", (60, 40), (10, 200, 30)).save(file)
    cam = np.array([[0.0, 1.0]], np.float32)
    cut = np.asarray(Image.open(io.BytesIO(cut_out(file, cam, 0.5))))
    assert cut.shape == (40, 60, 4)
    assert (cut[:, :28, 3] == 0).all() and (cut[:, 32:, 3] == 255).all()
    assert (cut[..., :3] == (10, 200, 30)).all()


# --- mask sets --------------------------------------------------------------------------------------------------------


def test_where_no_mask_set_was_saved_the_way_to_one_is_told(open_app, own):
    for run in list_runs(own, "masks"):
        shutil.rmtree(run.folder)
    page = open_app(own).open("masks", mask_tab="Mask sets")
    assert any("press **Save mask set**" in info.value for info in page.info)


def test_two_mask_sets_are_compared_picture_by_picture(open_app, own, journey):
    carrier(own)("masks", dataset=journey.dataset, model="sample-lflseg", delta=0.5)
    app = open_app(own)
    page = app.open("masks", mask_tab="Mask sets")
    page.button(key="compare_sets").click().run()
    app.checked()
    first, second = page.selectbox(key="mask_first").value, page.selectbox(key="mask_second").value
    expected = compare_sets(own, first, second)
    assert first != second and f"IoU {expected.mean_iou:.3f}" in " ".join(line.value for line in page.markdown)


# --- how well a model tells leaves ------------------------------------------------------------------------------------


def test_a_weak_model_gets_a_note_and_a_good_one_none(page, own):
    run = next(run for run in list_runs(own, "lflseg"))
    epoch = run.result()["best_epoch"]
    for hits, is_weak in ((8, True), (29, False)):
        counts = ((hits, 30 - hits, 0), (0, 30, 0), (0, 0, 30))
        save_confusion(run.folder, Confusion(classes=("full leaf", "partial leaf", "non-leaf"), counts=counts), epoch)
        page.selectbox(key="clf").set_value(run.id).run()
        assert not page.exception
        notes = [warning.value for warning in page.warning if "weak" in warning.value]
        assert bool(notes) == is_weak
        assert not is_weak or "76% of 90" in notes[0]
