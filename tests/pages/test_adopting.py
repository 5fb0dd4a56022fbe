"""Published weights are taken in on the Masks page, and can then be looked through."""

import pytest
import torch
import torchvision

from leafcore.jobs import execute
from leafcore.runs import list_runs


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
