"""What a visitor does becomes a run, a checkpoint or an answer on disk; what is wrong is said in one line."""

import shutil

import numpy as np
import pytest

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load, save
from leafcore.jobs import build_config, execute, submit
from leafcore.journey import prepare_sample
from leafcore.quiz import open_quiz
from leafcore.runs import list_runs
from ui import cached


def newest(workspace, kind):
    return list_runs(workspace, kind)[0]


def test_import_form_queues_an_import(open_app, workspace, leaf_folders):
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input(str(leaf_folders))
    page.text_input(key="import--name").input("mine")
    page.button(key="submit-import").click().run()
    assert not page.exception and not page.error
    run = newest(workspace, "import")
    execute(workspace, run, lane="files", owner="cli")
    page.run()
    assert page.selectbox(key="ds").value == "mine"
    assert [metric.value for metric in page.metric][:1] == ["44"]


def test_import_of_a_missing_folder_is_refused_in_one_line(open_app, workspace):
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input("/nowhere/at/all")
    page.text_input(key="import--name").input("../up")
    page.button(key="submit-import").click().run()
    assert "expected 1 to 80 letters" in page.error[0].value
    assert not list_runs(workspace)


def test_train_form_freezes_its_settings_in_the_run(open_app, own):
    before = {run.id for run in list_runs(own)}
    page = open_app(own).open("train", preset="Smoke")
    page.number_input(key="leafgan-smoke-epochs").set_value(7)
    page.button(key="submit-leafgan").click().run()
    assert not page.exception and not page.error
    run = next(run for run in list_runs(own) if run.id not in before)
    assert run.kind == "leafgan" and run.status().state == "queued"
    assert run.record.settings["epochs"] == 7
    assert "@" in run.record.settings["dataset"], "the dataset's version is pinned"


def test_train_form_shows_what_is_wrong_beside_the_button(open_app, own):
    page = open_app(own).open("train", preset="Smoke", recipe="Classifier")
    page.text_input(key="classifier-smoke-promote_as").input("kept")
    page.number_input(key="classifier-smoke-size_px").set_value(33)
    page.button(key="submit-classifier").click().run()
    assert "size_px" in page.error[0].value and "\n" not in page.error[0].value


def save_masks(page):
    """Save a mask set, though what an untrained network makes of leaves is nothing to be sure of."""
    page.button(key="save_masks").click().run()
    if any(button.key == "save_anyway" for button in page.button):
        page.button(key="save_anyway").click().run()


def test_slider_changes_the_masks_and_saving_keeps_its_delta(open_app, own):
    app = open_app(own)
    page = app.open("masks")
    page.slider(key="thr").set_value(0.8).run()
    app.checked()
    save_masks(page)
    run = newest(own, "masks")
    assert run.status().state == "queued"
    assert run.record.settings["delta"] == 0.8


def test_moving_the_slider_later_cannot_change_a_queued_run(open_app, own):
    page = open_app(own).open("masks")
    page.slider(key="thr").set_value(0.5).run()
    save_masks(page)
    run = newest(own, "masks")
    page.slider(key="thr").set_value(0.1).run()
    assert newest(own, "masks").id == run.id
    assert run.record.settings["delta"] == 0.5


def test_the_epoch_that_is_shown_is_the_one_that_is_promoted(open_app, own):
    app = open_app(own)
    page = app.open("epochs", a="1")
    run = newest(own, "leafgan")
    page.text_input(key=f"promote_name_{run.id}").input("first-epoch")
    page.button(key="promote").click().run()
    app.checked()
    assert open_checkpoint(own, "first-epoch").card.epoch == 1


def test_studio_previews_generates_and_packs(open_app, own):
    app = open_app(own)
    page = app.open("studio")
    page.button(key="preview").click().run()
    app.checked()
    assert not page.error
    page.number_input(key="n").set_value(3).run()
    page.button(key="generate").click().run()
    app.checked()
    made = newest(own, "synthesize")
    assert made.record.settings["count"] == 3
    execute(own, made, lane="cpu", owner="cli")
    page.run()
    assert page.button(key=f"zip-{made.id}").disabled  # the licence of these leaves is not stated
    keys = [getattr(element, "key", None) for element in page.main]
    assert keys.index(f"acknowledge-{made.id}") < keys.index(f"zip-{made.id}"), "the box stands above what it frees"
    page.checkbox(key=f"acknowledge-{made.id}").check().run()
    page.selectbox(key="export_format").select("coco").run()
    assert any("3 synthetic pictures" in box.value and "none stated" in box.value for box in page.caption)
    page.button(key=f"zip-{made.id}").click().run()
    app.checked()
    packed = newest(own, "export")
    assert packed.record.settings == {"run": made.id, "format": "coco", "content": "synthetic", "stars": 0}
    execute(own, packed, lane="files", owner="cli")
    page.run()
    assert any(packed.id in link.proto.url for link in page.get("link_button"))


def test_studio_offers_train_pictures_only(open_app, own):
    page = open_app(own).open("studio")
    train = load(own, "leaves").select(split="train", labels="healthy")
    assert page.number_input(key="n").max == len(train)


def test_evaluate_shows_the_verdict_with_its_facts(open_app, own):
    page = open_app(own).open("evaluate")
    shown = " ".join(box.value for box in [*page.info, *page.warning, *page.success])
    assert "7 test pictures, 2 seeds" in shown and "No verdict from" in shown
    assert "test split: n =" in " ".join(caption.value for caption in page.caption)


def test_evaluate_queues_a_comparison_of_the_chosen_sets(open_app, own):
    page = open_app(own).open("evaluate")
    page.button(key="submit-evaluate").click().run()
    assert not page.exception and not page.error
    run = newest(own, "evaluate")
    assert run.status().state == "queued"
    assert run.record.settings["synthetic"] == [newest(own, "synthesize").id]


def test_quiz_goes_on_after_a_refresh_and_scores_at_the_end(open_app, own):
    rng = np.random.default_rng(0)
    page = open_app(own).open("quiz")
    page.button(key="quiz_start").click().run()
    if page.error:
        pytest.fail(page.error[0].value)
    quiz_id = str(page.query_params["quiz"])
    total = len(open_quiz(own, quiz_id).items)
    page.button(key="say_real").click().run()
    page.button(key="say_undo").click().run()
    page.button(key="say_fake").click().run()
    assert open_quiz(own, quiz_id).answers == ("fake",)
    page = open_app(own).open("quiz", quiz=quiz_id)
    for _ in range(total - 1):
        page.button(key="say_fake" if rng.random() < 0.5 else "say_real").click().run()
    assert page.metric[0].value.endswith(f"of {total}")
    assert "exact 95% interval" in page.markdown[-1].value
    assert f"at {open_quiz(own, quiz_id).shown_at}" in page.markdown[-1].value, "nothing is said of larger pictures"


def test_the_quiz_says_before_the_start_at_which_size_pictures_are_shown(open_app, own):
    page = open_app(own).open("quiz")
    (said,) = [caption.value for caption in page.caption if "Shown at" in caption.value]
    page.button(key="quiz_start").click().run()
    assert f"at {open_quiz(own, str(page.query_params['quiz'])).shown_at}, enlarged" in said


def test_a_quiz_without_a_set_says_why_it_cannot_start(open_app, own):
    page = open_app(own).open("quiz")
    page.multiselect(key="quiz_sets").set_value([]).run()
    assert page.button(key="quiz_start").disabled
    assert "Choose a synthetic set" in "\n".join(caption.value for caption in page.caption)


def test_an_unknown_quiz_in_the_link_is_answered_kindly(open_app, own):
    page = open_app(own).open("quiz", quiz="gone")
    assert "not here any more" in page.warning[0].value


def test_a_link_names_a_run_by_its_id(open_app, own):
    oldest = list_runs(own)[-1]
    page = open_app(own).open("runs", run=oldest.id)
    assert page.selectbox(key="run").value == oldest.id


def test_an_unknown_run_in_the_link_shows_the_newest_and_says_so(open_app, own):
    page = open_app(own).open("runs", run="gone")
    assert "not here any more" in page.info[0].value
    assert page.selectbox(key="run").value == list_runs(own)[0].id


def test_stop_on_the_runs_page_stops_a_queued_run(open_app, own):
    app = open_app(own)
    page = app.open("train", preset="Smoke")
    page.button(key="submit-leafgan").click().run()
    run = newest(own, "leafgan")
    page = open_app(own).open("runs", run=run.id)
    page.button(key=f"runs-stop-{run.id}").click().run()
    assert run.status().state == "stopped"
    page.run()
    page.button(key=f"runs-resume-{run.id}").click().run()
    assert run.status().state == "queued"


def test_home_ticks_the_steps_that_are_done(open_app, journey, workspace):
    finished = open_app(journey.workspace).open("home")
    icons = [link.proto.icon for link in finished.get("page_link")][:7]
    assert icons == [":material/check_circle:"] * 7
    empty = open_app(workspace).open("home")
    icons = [link.proto.icon for link in empty.get("page_link")][:7]
    assert icons == [f":material/counter_{number}:" for number in range(1, 8)]


def test_home_shows_the_drawing_of_the_sample_leaves_once(open_app, workspace):
    run = prepare_sample(workspace)
    page = open_app(workspace).open("home")
    assert [button.key for button in page.button if run.id in str(button.key)] == [f"home-stop-{run.id}"]
    assert page.subheader[0].value == "Sample leaves are being drawn"


def test_home_names_the_next_step_once_pictures_were_made(open_app, own, monkeypatch):
    monkeypatch.setattr("leafcore.journey.SAMPLE", "leaves")
    app = open_app(own)
    shutil.rmtree(newest(own, "evaluate").folder)
    assert app.open("home").subheader[0].value == "Next: Evaluate"
    for kind in ("synthesize", "export"):
        shutil.rmtree(newest(own, kind).folder)
    assert app.open("home").subheader[0].value == "Try it with sample leaves"


def test_a_form_that_nobody_touched_is_empty_where_something_must_be_given(open_app, workspace):
    page = open_app(workspace).open("datasets")
    assert page.text_input(key="import--source").value == ""
    assert page.text_input(key="import--name").value == ""
    page.button(key="submit-import").click().run()
    said = page.error[0].value
    assert len(page.error) == 1 and not list_runs(workspace)
    assert "Folder, table or ZIP on this machine:" in said and "Name:" in said, "by the labels of the fields"
    assert "source" not in said and "dataset:" not in said


def test_a_run_without_a_drawn_epoch_says_so(open_app, own):
    run = newest(own, "leafgan")
    shutil.rmtree(run.folder / "previews")
    assert "has not been drawn yet" in open_app(own).open("epochs").info[0].value


def test_pictures_that_have_moved_away_end_no_page(open_app, own, tmp_path):
    dataset = load(own, "leaves")
    save(own, "leaves", dataset.records, dataset.card.model_copy(update={"root": str(tmp_path / "moved")}))
    shutil.rmtree(own.cache)
    app = open_app(own)
    for name in ("datasets", "masks", "studio"):
        app.open(name)


def test_the_masks_page_shows_validation_pictures_only(open_app, own, monkeypatch):
    asked = []
    look = cached.look
    monkeypatch.setattr(cached, "look", lambda question: asked.append(question) or look(question))
    open_app(own).open("masks")
    dataset = load(own, "leaves")
    assert set(asked[0].images) <= set(dataset.select(split="val")["image"])


def test_the_balance_plan_leads_to_a_filled_studio(open_app, own):
    page = open_app(own).open("datasets", tab="Balance")
    page.segmented_control(key="plan_target").set_value("Largest").run()
    links = {
        link.proto.label: link.proto.query_string for link in page.get("page_link") if "Studio" in link.proto.label
    }
    (query,) = links.values()
    assert "chain=healthy-to-rust" in query and "src=healthy" in query and "ds=leaves" in query


def test_health_is_checked_shown_and_decided_about(open_app, workspace, leaf_folders, tmp_path):
    root = tmp_path / "twins"
    shutil.copytree(leaf_folders, root)
    victim = sorted((root / "rust").iterdir())[0]
    shutil.copy(victim, root / "scab" / f"twin{victim.suffix}")
    for settings in ({"source": str(root), "name": "twins"},):
        execute(workspace, submit(workspace, "import", build_config("import", settings)), lane="files", owner="cli")
    before = load(workspace, "twins")
    app = open_app(workspace)
    page = app.open("datasets", tab="Health")
    page.button(key="check_health").click().run()
    execute(workspace, newest(workspace, "health"), lane="files", owner="cli")
    page.run()
    assert [metric.value for metric in page.metric if metric.label == "Conflicts"] == ["1"]
    next(button for button in page.button if button.label == "Exclude right").click().run()
    app.checked()
    after = load(workspace, "twins")
    assert len(after.records) == len(before.records) - 1 and after.card.parent == before.version
    page.button(key="undo_edit").click().run()
    app.checked()
    assert load(workspace, "twins").version == before.version


def test_a_checkpoint_is_replaced_only_by_those_who_say_so(open_app, own):
    app = open_app(own)
    page = app.open("epochs", a="1")
    run = newest(own, "leafgan")
    page.text_input(key=f"promote_name_{run.id}").input("healthy-to-rust").run()
    page.button(key="promote").click().run()
    assert "there is already a checkpoint 'healthy-to-rust'" in page.error[0].value
    assert open_checkpoint(own, "healthy-to-rust").card.epoch == 2
    page.checkbox(key="promote_replace").check().run()
    page.button(key="promote").click().run()
    app.checked()
    assert open_checkpoint(own, "healthy-to-rust").card.epoch == 1
