"""Published weights are taken in on the page that uses them; a generator is written for the reference's code."""

import shutil

import pytest
import torch
import torchvision

from leafcore.errors import CheckpointError
from leafcore.jobs import execute
from leafcore.runs import list_runs
from tests.reference_gans import save_gans


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "LFLSeg_resnet18.pth"
    torch.save(torchvision.models.resnet18(num_classes=3).state_dict(), path)
    return path


def test_weights_of_others_become_a_model_to_choose(open_app, own, weights):
    app = open_app(own)
    app.test.session_state["mask_tab"] = "Train LFLSeg"
    page = app.open("masks")
    page.text_input(key="adopt--file").set_value(str(weights))
    page.text_input(key="adopt--name").set_value("theirs")
    page.button(key="submit-adopt").click().run()
    app.checked()
    execute(own, list_runs(own, "adopt")[0], lane="files", owner="cli")
    page = app.test.run()
    app.checked()
    assert "theirs" in page.selectbox(key="clf").options
    assert any("theirs" in caption.value and "resnet18" in caption.value for caption in page.caption)


def test_a_file_that_is_not_there_is_said_beside_the_button(open_app, own, tmp_path):
    app = open_app(own)
    app.test.session_state["mask_tab"] = "Train LFLSeg"
    page = app.open("masks")
    page.text_input(key="adopt--file").set_value(str(tmp_path / "none.pth"))
    page.text_input(key="adopt--name").set_value("theirs")
    page.button(key="submit-adopt").click().run()
    assert any("there is no such file" in error.value for error in app.checked().error)
    assert list_runs(own, "adopt") == []


def test_a_generator_of_others_is_taken_in_where_there_is_none_and_goes_back(open_app, own, tmp_path, monkeypatch):
    monkeypatch.setattr("leafcore.checkpoints.SHIPPED_CHECKPOINTS", tmp_path / "none")
    shutil.rmtree(own.checkpoints)
    save_gans(tmp_path / "maps")
    app = open_app(own)
    page = app.open("studio")
    for field, value in (("file", str(tmp_path / "maps")), ("name", "theirs"), ("b", "rust")):
        page.text_input(key=f"adopt--{field}").set_value(value)
    page.button(key="submit-adopt").click().run()
    app.checked()
    execute(own, list_runs(own, "adopt")[0], lane="files", owner="cli")
    page = app.test.run()
    assert app.checked().multiselect(key="chain").options[:1] == ["theirs"]
    page.text_input(key="write_weights_to").set_value(str(tmp_path / "there")).run()
    page.button(key="submit-write-weights").click().run()
    app.checked()
    execute(own, list_runs(own, "write-weights")[0], lane="files", owner="cli")
    app.test.run()
    assert any("latest_net_D_B.pth written to" in done.value for done in app.checked().success)
    assert (tmp_path / "there" / "latest_net_G_A.pth").is_file()


def test_a_folder_without_a_generator_is_said_on_the_page(open_app, own, tmp_path):
    app = open_app(own)
    page = app.open("studio")
    for field, value in (("file", str(tmp_path)), ("name", "theirs"), ("b", "rust")):
        page.text_input(key=f"adopt--{field}").set_value(value)
    page.button(key="submit-adopt").click().run()
    with pytest.raises(CheckpointError):
        execute(own, list_runs(own, "adopt")[0], lane="files", owner="cli")
    app.test.run()
    assert any("holds no latest_net_G_A.pth" in error.value for error in app.checked().error)
