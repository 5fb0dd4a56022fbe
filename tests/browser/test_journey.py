"""What a newcomer does in a real browser."""

import csv
import io
import shutil
import zipfile

import pytest
from playwright.sync_api import expect

from leafcore.workspace import Workspace
from tests.conftest import TINY
from tests.server import until

pytestmark = pytest.mark.browser

PAGES = ("", "datasets", "masks", "train", "runs", "epochs", "studio", "evaluate", "quiz")


def test_from_an_empty_workspace_to_a_zip_in_six_clicks_while_a_run_trains(serve, visitor, workspace, tmp_path):
    server = serve(workspace)
    newcomer = visitor(server)
    page = newcomer.visit()
    until(lambda: server.api.get("/datasets").json() == ["sample-leaves"], 120, "the sample leaves are drawn")
    endless = {**TINY["cyclegan"], "dataset": "sample-leaves", "b": "scab", "epochs": 5000}
    training = server.submit("cyclegan", endless)
    until(lambda: server.trained(training) > 3, 60, "the run trains")

    newcomer.click("Try with sample leaves")
    newcomer.click("Generate 24")
    newcomer.click("Make ZIP", timeout_s=120)
    link = page.get_by_role("link", name="Download ZIP")
    expect(link).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        link.click()
        newcomer.clicks += 1
    download.value.save_as(tmp_path / "leaves.zip")

    assert newcomer.clicks <= 6
    with zipfile.ZipFile(tmp_path / "leaves.zip") as archive:
        pictures = [name for name in archive.namelist() if name.startswith("train_images/")]
        labels = list(csv.DictReader(io.TextIOWrapper(archive.open("labels.csv"))))
        manifest = list(csv.DictReader(io.TextIOWrapper(archive.open("manifest.csv"))))
    assert len(pictures) == len(labels) == len(manifest) == 24
    assert {row["labels"] for row in labels} == {"rust"}
    assert {row["split"] for row in manifest} == {"train"}
    assert server.state(training) == "running", "the run trained all along"
    assert not server.loads_torch()
    assert server.megabytes() < 250
    assert not newcomer.errors


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_draws_in_both_themes(serve, visitor, journey, theme):
    server = serve(journey.workspace)
    guest = visitor(server, theme)
    for name in PAGES:
        page = guest.visit(name)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert not guest.errors


def test_a_refresh_and_a_second_tab_show_the_same_run(serve, visitor, carry, workspace, leaf_folders):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    server = serve(workspace)
    run_id = server.submit("cyclegan", {**TINY["cyclegan"], "dataset": dataset, "b": "rust", "epochs": 5000})
    until(lambda: server.trained(run_id) > 3, 60, "the run trains")
    first, second = visitor(server), visitor(server)
    for guest in (first, second):
        page = guest.visit(f"runs?run={run_id}")
        expect(page.get_by_text("CycleGAN healthy → rust").first).to_be_visible()
        expect(page.get_by_text("running").first).to_be_visible()
    first.page.reload()
    expect(first.settled().get_by_text("running").first).to_be_visible()
    first.click("Stop")
    expect(second.page.get_by_text("stopped").first).to_be_visible(timeout=40_000)


def test_a_dataset_that_a_link_named_goes_along_to_the_next_page(serve, visitor, journey, tmp_path):
    shutil.copytree(journey.workspace.root, tmp_path / "two")
    two = Workspace(tmp_path / "two")
    shutil.copytree(two.datasets / "leaves", two.datasets / "apples")  # no run is about them
    guest = visitor(serve(two))
    page = guest.visit("datasets?ds=apples")
    for name in ("Masks", "Studio"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
        guest.settled()
        expect(page.locator(".st-key-ds input").first).to_have_value("apples")


def test_moving_the_slider_redraws_the_masks(serve, visitor, journey):
    server = serve(journey.workspace)
    page = visitor(server).visit("masks")
    first = page.locator('[data-testid="stImage"] img').first
    expect(first).to_be_visible(timeout=90_000)
    before = first.get_attribute("src")
    slider = page.locator('[data-testid="stSlider"] input[type=range]').first
    slider.focus()
    for _ in range(5):
        slider.press("PageUp")
    expect(first).not_to_have_attribute("src", before or "", timeout=20_000)
    page.wait_for_url("**thr=**")
