"""What somebody who has never been here meets: the sample, an own folder, a press too many, the way onwards."""

import shutil

import pytest

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.seen import save_seen
from leafcore.jobs import execute
from leafcore.runs import list_runs
from ui import live
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
    (warning,) = [warning.value for warning in page.warning if "withhold" in warning.value]
    assert warning.startswith("sample-lflseg was trained on sample-leaves and has seen 490 pictures")
    page.selectbox(key="clf").set_value(list_runs(own, "lflseg")[0].id).run()
    assert not page.exception
    assert not [warning for warning in page.warning if "withhold" in warning.value], "it was trained on these"


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
