"""What somebody who has never been here meets: the sample, an own folder, a press too many, the way onwards."""

import json
import shutil

import numpy as np
import pytest

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.seen import save_seen
from leafcore.jobs import build_config, execute, submit
from leafcore.quiz import open_quiz
from leafcore.runs import list_runs
from leafcore.train.configs import RECIPES
from ui import choose, live, mask_charts
from ui.strangers import strangeness


def captions(page) -> str:
    return "\n".join(element.value for element in page.caption)


# --- home -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def beginner(own, monkeypatch):
    """A workspace whose only dataset is the sample, and in which nothing was made yet."""
    monkeypatch.setattr("leafcore.journey.SAMPLE", "leaves")
    for kind in ("synthesize", "export", "evaluate"):
        for run in list_runs(own, kind):
            shutil.rmtree(run.folder)
    return own


def test_beside_the_sample_own_pictures_can_be_brought(open_app, beginner):
    page = open_app(beginner).open("home")
    assert page.subheader[0].value == "Try it with sample leaves"
    assert "Import your own pictures" in [link.proto.label for link in page.get("page_link")]


def test_who_has_own_pictures_is_not_sent_to_the_sample(open_app, beginner):
    shutil.copytree(beginner.datasets / "leaves", beginner.datasets / "orchard")
    page = open_app(beginner).open("home")
    assert page.subheader[0].value.startswith("Next: ")


def test_the_way_to_the_export_names_the_page_it_is_on(open_app, own):
    for run in list_runs(own, "export"):
        shutil.rmtree(run.folder)
    page = open_app(own).open("home")
    assert page.subheader[0].value == "Next: Export"
    assert "Open Studio" in [link.proto.label for link in page.get("page_link")]


# --- import -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/data/Apple trees 2021", "Apple-trees-2021"),
        ("/data/orchard/train.csv", "orchard"),
        ("/data/leaves.zip", "leaves"),
        ("/data/CON", "my-CON"),
    ],
)
def test_a_source_suggests_a_name_that_can_be_had(open_app, workspace, source, name):
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input(source).run()
    assert page.text_input(key="import--name").value == name


def test_a_name_that_is_taken_is_not_suggested_again(open_app, own):
    page = open_app(own).open("datasets")
    page.text_input(key="import--source").input("/data/leaves").run()
    assert page.text_input(key="import--name").value == "leaves-2"


def test_a_written_name_stays_and_a_suggested_one_follows_the_source(open_app, workspace):
    page = open_app(workspace).open("datasets")
    for source in ("/data/one", "/data/two"):
        page.text_input(key="import--source").input(source).run()
    assert page.text_input(key="import--name").value == "two"
    page.text_input(key="import--name").input("mine")
    page.text_input(key="import--source").input("/data/three").run()
    assert page.text_input(key="import--name").value == "mine"


def test_a_second_press_queues_no_second_import(open_app, workspace, leaf_folders):
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input(str(leaf_folders)).run()
    for _ in range(2):
        page.button(key="submit-import").click().run()
    assert not page.error
    assert len(list_runs(workspace, "import")) == 1


def test_one_skipped_file_is_one(open_app, workspace, leaf_folders, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(leaf_folders, folder)
    next(folder.rglob("*.png")).write_bytes(b"no picture")
    page = open_app(workspace).open("datasets")
    page.text_input(key="import--source").input(str(folder)).run()
    page.button(key="submit-import").click().run()
    execute(workspace, list_runs(workspace, "import")[0], lane="files", owner="cli")
    page = open_app(workspace).open("datasets", ds="photos", tab="Version")
    assert "1 file was skipped at the import." in [element.value for element in page.markdown]


# --- what runs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "unit", "said"),
    [
        (0.5, " steps", "2.0 steps per second"),
        (0.04, "", "25.0 per second"),
        (30, " steps", "30.0 s per step"),
        (12.5, "", "12.5 s each"),
    ],
)
def test_slow_work_is_told_in_seconds_each_and_never_as_none_per_second(seconds, unit, said):
    assert live.rate(seconds, unit) == said


# --- models that know other pictures ----------------------------------------------------------------------------------


def test_a_model_of_other_pictures_is_told_of_before_its_masks_are_saved(open_app, own):
    page = open_app(own).open("masks", ds="leaves")
    assert not [warning.value for warning in page.warning if "withhold" in warning.value], "it was trained on these"
    page.selectbox(key="clf").set_value("sample-lflseg").run()
    (warning,) = [warning.value for warning in page.warning if "withhold" in warning.value]
    assert warning.startswith("sample-lflseg was trained on sample-leaves and has seen 490 pictures")


def test_a_generator_of_other_pictures_is_told_of_before_it_translates(open_app, own):
    page = open_app(own).open("studio", ds="leaves")
    assert page.multiselect(key="chain").value == ["healthy-to-rust"]
    assert not page.warning, "it was trained on these"
    page.multiselect(key="chain").set_value(["sample-healthy-to-rust"]).run()
    assert not page.exception
    (warning,) = page.warning
    assert warning.value.startswith("sample-healthy-to-rust was trained on sample-leaves")


def test_the_model_behind_the_masks_is_told_from_the_generator(own):
    dataset, model = load(own, "leaves"), open_checkpoint(own, "healthy-to-rust")
    save_seen(model.folder, {**model.seen(), "lflseg": ["0" * 64]})
    assert strangeness(dataset, model).startswith("The LFLSeg model behind the masks of healthy-to-rust has seen 1 ")
    save_seen(model.folder, {})
    assert strangeness(dataset, model) == "Nobody wrote down which pictures healthy-to-rust has seen."


def test_the_plan_tells_which_generator_knows_other_pictures(open_app, own):
    shutil.rmtree(own.checkpoints / "healthy-to-rust")
    page = open_app(own).open("datasets", ds="leaves", tab="Balance")
    page.segmented_control(key="plan_target").set_value("Largest").run()
    assert "sample-healthy-to-rust was trained on sample-leaves" in captions(page)


# --- what was chosen stays --------------------------------------------------------------------------------------------


@pytest.fixture
def two(own):
    """A workspace with two datasets; pages that are told nothing begin with that of the newest run, the leaves."""
    shutil.copytree(own.datasets / "leaves", own.datasets / "apples")
    return own


def test_a_dataset_that_a_link_named_goes_along_to_the_other_pages(open_app, two):
    app = open_app(two)
    page = app.open("datasets", ds="apples")
    for name in ("masks", "studio", "datasets"):
        page.switch_page(f"../pages/{name}.py").run()
        assert app.checked().selectbox(key="ds").value == "apples"
    page.selectbox(key="ds").set_value("leaves").run()
    assert app.checked().selectbox(key="ds").value == "leaves", "it can still be changed"


def test_the_address_names_the_dataset_so_that_a_refresh_keeps_it(open_app, two):
    app = open_app(two)
    page = app.open("masks")
    assert page.query_params["ds"] == "leaves", "also where nobody chose"
    page.selectbox(key="ds").set_value("apples").run()
    assert app.checked().query_params["ds"] == "apples"
    page.query_params.clear()  # as on the way to another page
    page.switch_page("../pages/studio.py").run()
    assert app.checked().query_params["ds"] == "apples" == page.selectbox(key="ds").value
    refreshed = open_app(two).open("studio", ds="apples")
    assert refreshed.selectbox(key="ds").value == "apples"
    page.query_params["ds"] = "leaves"  # another link, in the same visit
    assert page.run().selectbox(key="ds").value == "leaves"


def test_a_link_to_a_dataset_that_is_gone_says_so(open_app, two):
    page = open_app(two).open("masks", ds="pears")
    assert "`pears` is not here any more" in page.info[0].value and page.selectbox(key="ds").value == "leaves"


def test_training_begins_with_the_dataset_that_was_looked_at_and_others_follow_it(open_app, two):
    app = open_app(two)
    page = app.open("home")
    page.session_state[choose.AT] = "apples"  # chosen on Datasets
    page.switch_page("../pages/train.py").run()
    assert app.checked().selectbox(key="leafgan-dataset").value == "apples"
    page.selectbox(key="leafgan-dataset").set_value("leaves").run()
    assert app.checked().selectbox(key="leafgan-dataset").value == "leaves"
    page.query_params.clear()
    page.switch_page("../pages/masks.py").run()
    assert app.checked().selectbox(key="ds").value == "leaves"


def test_a_quiz_that_was_left_can_be_gone_on_with(open_app, own):
    app = open_app(own)
    page = app.open("quiz")
    page.button(key="quiz_start").click().run()
    page.button(key="say_real").click().run()
    asked = page.query_params["quiz"]
    page.query_params.clear()
    page.switch_page("../pages/home.py").run()
    page.switch_page("../pages/quiz.py").run()
    app.checked()
    assert "picture 2 of" in page.button(key="quiz_go_on").label
    page.button(key="quiz_go_on").click().run()
    assert app.checked().query_params["quiz"] == asked
    assert "say_real" in {button.key for button in page.button}


def test_the_quiz_says_how_many_pictures_it_will_have_before_the_press(open_app, own):
    page = open_app(own).open("quiz")
    start = page.button(key="quiz_start")
    promised = int(start.label.removeprefix("Start "))
    assert promised < 20 and f"{promised} pictures instead of 20" in captions(page)
    start.click().run()
    assert not page.exception
    assert len(open_quiz(own, page.query_params["quiz"]).items) == promised


def test_label_sets_are_counted_as_training_will_see_them(open_app, own):
    dataset = load(own, "leaves")
    train = dataset.select(split="train")["labels"].value_counts()
    page = open_app(own).open("train", recipe="LeafGAN")
    assert page.selectbox(key="leafgan-a").options[0] == f"healthy ({train['healthy']} train)"
    assert train["healthy"] < dataset.label_sets["healthy"]
    assert f"rust ({train['rust']} train)" in page.multiselect(key="leafgan-b").options


def test_a_kept_epoch_keeps_its_way_to_the_studio(open_app, own):
    app = open_app(own)
    page = app.open("epochs", a="1")
    run = list_runs(own, "leafgan")[0]
    page.text_input(key=f"promote_name_{run.id}").input("first-epoch")
    page.button(key="promote").click().run()
    app.checked()
    assert page.success[-1].value.startswith("first-epoch is epoch 1 of this run; weights ")
    for _ in range(2):
        links = [link.proto for link in page.get("page_link") if link.proto.label == "Use it in the Studio"]
        assert "chain=first-epoch" in [link.query_string for link in links]
        assert page.button(key="promote").disabled, "it is kept already"
        assert "promote_replace" not in {box.key for box in page.checkbox}
        page.run()
        app.checked()


@pytest.mark.parametrize(
    ("name", "query", "key"),
    [
        ("train", {}, "preset"),
        ("masks", {"mask_tab": "Train LFLSeg"}, "lfl_preset"),
        ("evaluate", {}, "eval_preset"),
    ],
)
def test_presets_have_the_same_names_on_every_page(open_app, own, name, query, key):
    page = open_app(own).open(name, **query)
    options = [option.content for option in page.button_group(key=key).proto.options]
    assert options == ["Smoke", "Draft", "Paper"]


def test_the_chosen_preset_says_what_it_is_for(open_app, own):
    page = open_app(own).open("train", preset="Smoke")
    assert "Smoke: to see that everything works." in captions(page)


def test_training_tells_of_the_chosen_recipe_and_folds_the_others_away(open_app, own):
    page = open_app(own).open("train", recipe="CycleGAN")
    told = next(caption.value for caption in page.caption if RECIPES["cyclegan"].makes in caption.value)
    assert RECIPES["cyclegan"].needs in told
    assert RECIPES["dcgan"].makes not in captions(page)
    (others,) = [box for box in page.expander if box.label == "What each of them makes and needs"]
    assert not others.proto.expanded
    folded = "\n".join(line.value for line in others.markdown)
    assert all(row.makes in folded and row.needs in folded for row in RECIPES.values())


def test_the_whole_names_of_a_chain_are_written_out(open_app, own):
    page = open_app(own).open("studio", ds="leaves")
    page.multiselect(key="chain").set_value(["sample-healthy-to-frog-eye", "sample-healthy-to-rust"]).run()
    assert not page.exception
    assert "sample-healthy-to-frog-eye → sample-healthy-to-rust" in captions(page)


def test_the_status_strip_leads_to_what_runs(open_app, own):
    page = open_app(own).open("home")
    assert not [link for link in page.sidebar.get("page_link") if "at work" in link.proto.label]
    run = submit(own, "health", build_config("health", {"dataset": "leaves"}))
    page.run()
    (link,) = [link.proto for link in page.sidebar.get("page_link") if "at work" in link.proto.label]
    assert link.label == "0 at work, 1 waiting" and link.query_string == f"run={run.id}"


def test_a_narrow_page_cuts_neither_histogram_nor_legend(open_app, own):
    figure = mask_charts.areas(np.array([0.2, 0.3, 1.0]))
    assert figure.layout.minreducedwidth <= 40, "px that a third of a page of 800 px leaves"
    assert figure.layout.yaxis.title.text is None
    page = open_app(own).open("datasets", ds="leaves", tab="Balance")
    page.segmented_control(key="plan_target").set_value("Largest").run()
    (chart,) = page.get("plotly_chart")
    assert json.loads(chart.proto.config)["displayModeBar"] is False
