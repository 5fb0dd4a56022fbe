"""The report of a comparison: complete, readable without network, and its numbers those of the comparison."""

import io
import itertools
import re
import zipfile
from copy import copy
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from leafcore.environment import environment
from leafcore.errors import ConfigError, NotFoundError
from leafcore.evaluate.generators import Crossed, Generator, SpreadOfScores
from leafcore.evaluate.overlap import Overlap, WithoutScore
from leafcore.evaluate.parts import PartScore
from leafcore.evaluate.probe_configs import VIEWS
from leafcore.evaluate.probe_result import Probes
from leafcore.evaluate.result import Estimate, McNemar, Pair, read_comparison
from leafcore.export.cards import BLANK
from leafcore.files import write_json
from leafcore.jobs import build_config, submit
from leafcore.report.card import REFORMS, card_text, model_card, reforms_sheet
from leafcore.report.configs import ReportConfig
from leafcore.report.facts import gather
from leafcore.report.figures import differences_figure
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


def test_every_arm_is_in_the_figure_of_differences_whatever_it_is_called(facts):
    found = facts.found
    arms = {**found.arms, "again": found.arms["real_plus_synthetic"]}
    differences = {**found.differences, "again": found.differences["real_plus_synthetic"]}
    svg = differences_figure(found.model_copy(update={"arms": arms, "differences": differences}))
    title = found.arms["real_plus_synthetic"].title
    assert svg.count(f">{title}<") == 2 == differences_figure(found).count(f">{title}<") + 1


def test_shortcuts_that_too_few_groups_allow_no_claim_of_are_neither_told_nor_cleared(facts):
    score = {"macro_f1": 0.96, "accuracy": 0.96, "seeds": [0.96], "pixels": 0.5}
    told = {"dataset": "d@1", "images": 45, "groups": 9, "train_images": 20, "steps": 4, "chance": 0.33}
    few = replace(facts, probes=Probes(**told, majority=0.4, views=dict.fromkeys(VIEWS, score)))
    said = "No claim from 9 independent validation groups; 10 are needed: background only 0.96"
    html, limits = report_page(few, examples=0, tolerance=0.1), dict(model_card(few)[-1].rows)
    assert limits["Shortcuts"].startswith(said)
    assert dict(reforms_sheet(few).rows)["6c. Is every feature legitimate?"].startswith(f"shortcut probes: {said}")
    assert html.count(said) == 4 and "No shortcut" not in html


def test_what_computed_a_comparison_is_what_it_recorded_never_what_is_here_now(own, journey):
    folder = own.run(journey.runs["evaluate"].id)
    (folder / "environment.json").unlink(missing_ok=True)
    older = gather(own, journey.runs["evaluate"].id)
    html = report_page(older, examples=0, tolerance=0.1)
    assert "<td>Libraries</td><td>not recorded</td>" in html and "GPU not recorded, driver not recorded" in html
    here = environment("cpu")["libraries"]
    assert here not in html and "libraries not recorded" in dict(reforms_sheet(older).rows)["2c. What computed"]
    recorded = {"libraries": "python 3.9, torch 1.0", "gpu": "NVIDIA H100", "driver": "570", "device": "cuda:0"}
    write_json(folder / "environment.json", {**recorded, "precision": "bf16", "deterministic": "off"})
    html = report_page(gather(own, journey.runs["evaluate"].id), examples=0, tolerance=0.1)
    for said in ("cuda:0; GPU NVIDIA H100, driver 570", "bf16; deterministic algorithms off", "python 3.9, torch 1.0"):
        assert said in html
    assert here not in html


def test_each_label_against_the_rest_is_told_of_both_arms_with_the_difference(facts, html):
    found = facts.found
    table = tables(facts)["against_rest"].set_index(["arm", "label"])
    names = [f"{truth}_{sign}" for truth, sign in itertools.product(("true", "false"), ("positive", "negative"))]
    for arm, score in found.arms.items():
        for label, one in score.labels.items():
            row = table.loc[(arm, label)]
            assert (
                tuple(row[["true_positive", "false_positive", "false_negative", "true_negative"]]) == one.against_rest
            )
            assert row[names].sum() == found.test_images * 2, "two seeds"
            assert row["change_true_positive"] == one.against_rest[0] - found.arms["real"].labels[label].against_rest[0]
    assert html.count("<td>difference</td>") == len(facts.looking.classes.names)


def test_all_pairs_of_arms_are_listed_and_children_left_out_counted(facts):
    test = McNemar(both=20, first=3, second=4, neither=9, p=1.0, p_holm=0.987)
    changed = {"pairwise": (Pair(arms=("real", "real_plus_synthetic"), pictures=(test,)),), "synthetic_left_out": 7}
    facts.looking.comparison, before = facts.found.model_copy(update=changed), facts.looking.comparison
    try:
        html, table = report_page(facts, examples=0, tolerance=0.1), tables(facts)["pairwise"]
    finally:
        facts.looking.comparison = before
    assert "<td>Real | Real + synthetic</td>" in html and "<td>0.987</td>" in html
    assert "7 synthetic pictures" in html
    assert table.loc[0, ["arm", "other", "seed", "first", "second"]].tolist() == [*changed["pairwise"][0].arms, 0, 3, 4]


def test_generators_trained_alike_are_told_with_their_table(facts):
    assert "Generators trained alike" not in report_page(facts, examples=0, tolerance=0.1)
    assert not {"generators", "families"} & tables(facts).keys()
    family = Crossed(
        title="Real + synthetic",
        generators=tuple(Generator(arm=f"a.{at}", set=f"s{at}", seeds=(at,), epochs=(9,)) for at in (1, 2, 3)),
        macro_f1=((0.5, 0.6), (0.7, 0.8), (0.6, 0.6)),
        to_real=((-0.1, 0.1), (0.1, 0.3), (0.0, 0.1)),
        difference=Estimate(value=0.083),
        spread=SpreadOfScores(generators=0.1, classifiers=0.0, rest=0.05, to_real=0.07),
        left_out=("s9",),
        verdict="Over 3 generators trained alike: no difference shown.",
    )
    facts.looking.comparison, before = facts.found.model_copy(update={"crossed": (family,)}), facts.looking.comparison
    try:
        html, found = report_page(facts, examples=0, tolerance=0.1), tables(facts)
    finally:
        facts.looking.comparison = before
    for said in (
        family.verdict,
        "<td>0.800 (+0.300)</td>",
        "classifier seed 1",
        "between generators 0.100 (80%)",
        "s9",
    ):
        assert said in html
    columns = ["family", "arm", "set", "generator_seed", "epoch", "classifier_seed", "macro_f1", "to_real"]
    assert found["generators"].columns.tolist() == columns and len(found["generators"]) == 6
    assert found["generators"].loc[3].tolist() == [1, "a.2", "s2", "2", "9", 1, 0.8, 0.3]
    row = found["families"].loc[0]
    assert (row["generators"], row["sd_generators"], row["difference"]) == (3, 0.1, 0.083)


def test_days_and_cameras_are_told_where_they_are_known(facts):
    before = report_page(facts, examples=0, tolerance=0.1)
    assert "<h3>By " not in before and "EXIF" not in before and "parts" not in tables(facts)
    part = PartScore(n=4, right=Estimate(value=0.75, low=0.5, high=0.9))
    parts = {"day": {"2021-05-09": part}, "camera": {"Canon EOS 5D": part}}
    arms = {arm: score.model_copy(update={"parts": parts}) for arm, score in facts.found.arms.items()}
    facts.looking.comparison, before = facts.found.model_copy(update={"arms": arms}), facts.looking.comparison
    try:
        html, table = report_page(facts, examples=0, tolerance=0.1), tables(facts)["parts"]
        card = card_text(model_card(facts), "Model card")
    finally:
        facts.looking.comparison = before
    assert "test pictures by day and by camera: parts.csv" in card
    for by, of in parts.items():
        assert f"<h3>By {by}</h3>" in html and f"<th>{by}</th>" in html and f"<td>{next(iter(of))}</td>" in html
    assert html.count("0.750 [0.500,") >= 2 * len(arms) and html.count("EXIF") == 1
    assert set(table["arm"]) == set(arms)
    assert table[["by", "part", "n", "right", "right_high"]].drop_duplicates().to_numpy().tolist() == [
        ["day", "2021-05-09", 4, 0.75, 0.9],
        ["camera", "Canon EOS 5D", 4, 0.75, 0.9],
    ]


def test_near_duplicates_across_the_split_are_told(facts):
    nobody_looked = report_page(facts_with(facts, overlap=None), examples=0, tolerance=0.1)
    assert "not looked for" in nobody_looked and "<h3>Near-duplicates" not in nobody_looked
    clean = report_page(facts, examples=0, tolerance=0.1)
    assert "<td>no test picture has a near-duplicate in train or validation</td>" in clean
    assert "<h3>Near-duplicates" not in clean and not {"overlap"} & set(tables(facts))
    score = WithoutScore(
        every=Estimate(value=0.741, low=0.7, high=0.78), left=Estimate(value=0.712, low=0.66, high=0.76),
        drop=Estimate(value=-0.029, low=-0.05, high=-0.01), difference=Estimate(value=0.011, low=-0.02, high=0.04),
    )  # fmt: skip
    images = tuple(facts.looking.test["image"].iloc[[1, 4]])
    overlap = Overlap(
        images=images, near_duplicates=2, test_images=7, left_groups=5, health="a-health-run",
        arms=dict.fromkeys(facts.found.arms, score), sentences=dict.fromkeys(facts.found.arms, "Two of seven & so on."),
    )  # fmt: skip
    leaky = facts_with(facts, overlap=overlap)
    html, found = report_page(leaky, examples=0, tolerance=0.1), tables(leaky)
    assert "<p>Two of seven &amp; so on.</p>" in html and "from run a-health-run" in html
    for told in ("0.741 [0.700,", "0.712 [0.660,", "-0.029 [-0.050,", "+0.011 [-0.020,", ">baseline<"):
        assert told in html.split("<h3>Near-duplicates", 1)[1]
    assert "<td>2 of 7 test pictures have a near-duplicate in train or validation</td>" in html
    assert "2 of 7 test pictures have a near-duplicate" in dict(reforms_sheet(leaky).rows)[f"6b. {REFORMS['6b']}"]
    row = found["overlap"].set_index("arm").loc["real_plus_synthetic"]
    assert row[["test_images", "left", "macro_f1", "macro_f1_left", "drop_low", "difference_left"]].tolist() == [
        7, 5, 0.741, 0.712, -0.05, 0.011,
    ]  # fmt: skip
    said = found["predictions"]
    assert set(said.loc[said["overlaps"], "image"]) == set(images) and "overlaps" not in tables(facts)["predictions"]


def facts_with(facts, **changes):
    """Return the same of a comparison in which something else was found."""
    looking = copy(facts.looking)
    looking.comparison = facts.found.model_copy(update=changes)
    return replace(facts, looking=looking)


def test_validation_is_drawn_and_listed_by_epoch(facts, html):
    table = tables(facts)["validation"]
    assert table.groupby(["arm", "seed"])["epoch"].max().tolist() == [2] * 4, "two arms, two seeds"
    best = table.groupby(["arm", "seed"])["macro_f1_val"].max()
    for arm, score in facts.found.arms.items():
        assert best[arm].tolist() == pytest.approx(score.val_seeds, abs=1e-6)
    assert "Macro-F1 on validation pictures by epoch" in html


def test_what_is_no_comparison_cannot_be_reported(journey):
    with pytest.raises(ConfigError, match="is a masks run, expected an evaluate run"):
        submit(journey.workspace, "report", build_config("report", {"run": journey.runs["masks"].id}))
    with pytest.raises(NotFoundError, match="expected a finished evaluate run"):
        gather(journey.workspace, journey.runs["masks"].id)
