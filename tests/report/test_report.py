"""The report of a comparison: complete, readable without network, and its numbers those of the comparison."""

import io
import re
import zipfile
from html.parser import HTMLParser

import pandas as pd
import pytest

from leafcore.errors import ConfigError, NotFoundError
from leafcore.evaluate.probe_configs import VIEWS
from leafcore.evaluate.result import read_comparison
from leafcore.export.cards import BLANK
from leafcore.files import write_json
from leafcore.jobs import build_config, submit
from leafcore.report.card import REFORMS, card_text, model_card, reforms_sheet
from leafcore.report.configs import ReportConfig
from leafcore.report.facts import gather
from leafcore.report.page import report_page
from leafcore.report.report import report
from leafcore.report.tables import tables
from tests.watcher import Watcher

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Checks that every element is closed, and gathers what a browser would fetch."""

    def __init__(self, html):
        super().__init__()
        self.open, self.fetched, self.alts = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.fetched += [attrs[name] for name in ("src", "href", "xlink:href") if name in attrs]
        self.alts += [attrs.get("alt", "")] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def made(journey, tmp_path_factory):
    """The report of the journey's comparison: its folder and its result."""
    folder = tmp_path_factory.mktemp("report") / "run"
    return folder, report(ReportConfig(run=journey.runs["evaluate"].id), journey.workspace, Watcher(folder))


@pytest.fixture(scope="module")
def html(made):
    return (made[0] / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def facts(journey):
    return gather(journey.workspace, journey.runs["evaluate"].id)


def unpacked(made):
    with zipfile.ZipFile(made[0] / "report.zip") as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def test_the_page_is_whole_and_fetches_nothing(html, made):
    page = Page(html)
    assert page.open == [] and all(one.startswith(("data:", "#")) for one in page.fetched)
    assert page.alts and all(page.alts), "every picture says what it shows"
    assert "<script" not in html and not re.search(r"url\(['\"]?https?:", html)
    assert made[1].bytes == len(html.encode()) < 6e6


def test_the_page_tells_the_verdict_and_what_it_hangs_on(html, journey):
    found = read_comparison(journey.runs["evaluate"].folder)
    for said in (found.dataset, found.test_hash, journey.runs["evaluate"].id, "opened once"):
        assert said in html
    for arm in found.arms.values():
        assert arm.title in html and f"{arm.macro_f1.value:.3f}" in html
    assert "Not looked for." in html and "Not valid for claims" not in html


def test_a_withheld_verdict_is_stamped(facts):
    found = facts.found.model_copy(update={"withheld": (facts.found.chosen,)})
    facts.looking.comparison, before = found, facts.looking.comparison
    try:
        assert "Not valid for claims" in report_page(facts, examples=0, tolerance=0.1)
    finally:
        facts.looking.comparison = before


def test_names_from_outside_cannot_change_the_page(facts):
    arms = {arm: score.model_copy(update={"title": "<script>x"}) for arm, score in facts.found.arms.items()}
    facts.looking.comparison, before = facts.found.model_copy(update={"arms": arms}), facts.looking.comparison
    try:
        html = report_page(facts, examples=0, tolerance=0.1)
    finally:
        facts.looking.comparison = before
    assert "<script" not in html and "&lt;script&gt;x" in html


def test_the_zip_holds_page_tables_card_and_replay(made, html):
    files = unpacked(made)
    assert files["report.html"].decode() == html
    names = {"arms", "labels", "differences", "seeds", "significance", "confusion", "calibration", "predictions"}
    assert {f"tables/{name}.csv" for name in names} <= files.keys()
    assert {
        f"replay/{name}" for name in ("replay.sh", "config.json", "expected.json", "requirements.txt")
    } <= files.keys()
    assert made[1].zip_bytes == (made[0] / "report.zip").stat().st_size


def test_the_tables_are_the_comparisons_numbers(made, journey):
    found = read_comparison(journey.runs["evaluate"].folder)
    files = unpacked(made)
    read = {name: pd.read_csv(io.BytesIO(files[f"tables/{name}.csv"])) for name in ("arms", "predictions", "confusion")}
    arms = read["arms"].set_index("arm")
    assert arms["macro_f1"].to_dict() == pytest.approx(found.macro_f1)
    assert pd.isna(arms.loc["real", "difference"])
    said = read["predictions"]
    assert len(said) == found.test_images * 2 * 2
    counted = said.groupby(["arm", "true", "said"]).size()
    for row in read["confusion"].itertuples():
        assert counted.get((row.arm, row.true, row.said), 0) == row.count or row.said == "other"


def test_every_number_that_nobody_knows_is_empty_in_a_table(facts):
    table = tables(facts)["labels"]
    assert set(table["label"]) == set(facts.looking.classes.names) and "nan" not in table.to_csv()


def test_the_reporting_sheet_has_all_its_items_and_shows_what_is_blank(facts, html):
    sheet = reforms_sheet(facts)
    assert len(REFORMS) == len(sheet.rows) == 32
    blank = [asked for asked, answer in sheet.rows if answer == BLANK]
    assert "1a. Population that the claim is about" in blank and "6a. What keeps train and test apart" not in blank
    assert html.count('<span class="blank">____</span>') >= len(blank)


def test_the_model_card_says_what_it_is_not_for(facts):
    text = card_text(model_card(facts), "Card")
    assert "Not for field diagnosis without validation." in text and "test_resnet" in text and BLANK in text


def test_the_newest_probes_are_reported(own, journey):
    estimate = {"value": 0.71, "low": 0.6, "high": 0.8}
    score = {"macro_f1": estimate, "accuracy": estimate, "seeds": [0.71], "pixels": 0.5}
    run = submit(own, "probes", build_config("probes", {"dataset": journey.dataset}))
    told = {"dataset": journey.dataset, "images": 9, "groups": 9, "train_images": 20, "steps": 4, "chance": 0.33}
    write_json(run.folder / "probes.json", {**told, "majority": 0.4, "views": dict.fromkeys(VIEWS, score)})
    with run.locked():
        run.finish("done")
    facts = gather(own, journey.runs["evaluate"].id)
    html = report_page(facts, examples=0, tolerance=0.1)
    assert "The background tells: 0.71 [0.60, 0.80] macro-F1 without a leaf" in html
    assert list(tables(facts)["probes"]["view"]) == list(VIEWS)


def test_what_is_no_comparison_cannot_be_reported(journey):
    with pytest.raises(ConfigError, match="is a masks run, expected an evaluate run"):
        submit(journey.workspace, "report", build_config("report", {"run": journey.runs["masks"].id}))
    with pytest.raises(NotFoundError, match="expected a finished evaluate run"):
        gather(journey.workspace, journey.runs["masks"].id)
