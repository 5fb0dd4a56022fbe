"""What a report says of the synthetic sets besides: the newest trials of the same sets over the same version."""

import numpy as np
import pytest

from leafcore.files import write_json
from leafcore.jobs import build_config, submit
from leafcore.measure.measured import Score
from leafcore.quality.result import REAL, Cell, QualityResult
from leafcore.quiz import answer_quiz, name_quiz, open_quiz, repeat_quiz, start_quiz
from leafcore.realfake.result import RealFakeResult, SetTold, Told
from leafcore.report.facts import gather
from leafcore.report.page import report_page
from leafcore.report.realism_page import quality_tables
from leafcore.report.tables import tables


@pytest.fixture
def sets(journey):
    return (journey.runs["synthesize"].id,)


@pytest.fixture
def done(own):
    """Return a function that notes a finished run with its result."""

    def note(kind, result, **settings):
        run = submit(own, kind, build_config(kind, settings))
        write_json(run.folder / "result.json", result.model_dump(mode="json"))
        with run.locked():
            run.finish("done")
        return run

    return note


def cell(name, kid, labels=""):
    scores = {"kid": Score(value=kid, n=6, sd=0.01)}
    return Cell(set=name, labels=labels, features="net", fakes=6, reals=9, scores=scores)


def measured(dataset, run_id, kid, *more):
    cells = [cell(REAL, 0.001), cell(run_id, kid), cell("another", 0.9), *more]
    titles = {REAL: "Real", run_id: "Rust leaves", "another": "Another"}
    return QualityResult(dataset=dataset, reals="val", size_px=32, titles=titles, features=("net",), cells=cells)


def tried(dataset, run_id, hits, warning=""):
    machine = Told(hits=hits, n=40, accuracy=hits / 40, low=0.5, high=0.9, auroc=0.81)
    told = [SetTold(set=run_id, title="Rust leaves", learned=30, judged=20, told={"probe": machine})]
    return RealFakeResult(dataset=dataset, size_px=32, quality=50, backbone="net", sets=told, warning=warning)


def test_nothing_known_is_said_with_the_command_that_asks(own, journey, sets):
    facts = gather(own, journey.runs["evaluate"].id)
    html = report_page(facts, examples=0, tolerance=0.1)
    assert not facts.realism and not {"quality", "realfake", "quiz"} & tables(facts).keys()
    assert (
        "Image quality not measured." in html and f"leafcore realfake --dataset {journey.dataset} --synthetic" in html
    )


def test_the_newest_quality_of_the_same_sets_is_reported(own, journey, sets, done):
    for kid in (0.5, 0.125):
        run = done(
            "quality", measured(journey.dataset, sets[0], kid), dataset=journey.dataset, synthetic=sets, judge="none"
        )
    facts = gather(own, journey.runs["evaluate"].id)
    html, table = report_page(facts, examples=0, tolerance=0.1), tables(facts)["quality"]
    assert "0.125 ± 0.01" in html and "Rust leaves (n = 6)" in html and "Another" not in html
    assert set(table["set"]) == {REAL, sets[0]} and set(table["run"]) == {run.id}


def test_the_quality_of_a_set_of_one_class_stands_in_a_table_of_that_class(own, journey, sets, done):
    every = measured(journey.dataset, sets[0], 0.5)
    cells = [
        cell(REAL, 0.001, "rust"),
        cell(sets[0], 0.25, "rust"),
        cell(REAL, 0.002, "scab"),
        cell("another", 0.9, "scab"),
    ]
    one = every.model_copy(update={"cells": cells})
    run = done("quality", one, dataset=journey.dataset, synthetic=sets, judge="none")
    facts = gather(own, journey.runs["evaluate"].id)
    (part,), html = quality_tables(facts.realism), report_page(facts, examples=0, tolerance=0.1)
    assert part.title.startswith("Image quality: rust, net; real validation pictures") and part.title.endswith(run.id)
    assert [list(row) for row in part.rows] == [["KID ↓", "0.001 ± 0.01", "0.25 ± 0.01"]]
    assert "0.25 ± 0.01" in html and "scab, net" not in html, "no set of this comparison shows scab"


def test_the_quality_of_all_classes_and_of_each_stands_in_tables_of_their_own(own, journey, sets, done):
    withheld = Cell(set=sets[0], labels="scab", features="net", fakes=2, reals=1, withheld={"kid": "too few pictures"})
    found = measured(journey.dataset, sets[0], 0.5, cell(REAL, 0.001, "rust"), cell(sets[0], 0.25, "rust"), withheld)
    done("quality", found, dataset=journey.dataset, synthetic=sets, judge="none")
    facts = gather(own, journey.runs["evaluate"].id)
    told = [part.title.partition(";")[0] for part in quality_tables(facts.realism)]
    assert told == ["Image quality: All, net", "Image quality: rust, net", "Image quality: scab, net"]
    html = report_page(facts, examples=0, tolerance=0.1)
    assert html.count("Every measure is withheld.") == 1 and "too few pictures" in set(
        tables(facts)["quality"]["withheld"]
    )


def test_the_newest_trial_by_machine_is_reported_with_its_warning(own, journey, sets, done):
    for hits, warning in ((20, ""), (34, "size_px: 64 px enlarges most")):
        done("realfake", tried(journey.dataset, sets[0], hits, warning), dataset=journey.dataset, synthetic=sets)
    facts = gather(own, journey.runs["evaluate"].id)
    html = report_page(facts, examples=0, tolerance=0.1)
    assert "85% [50%,\N{NO-BREAK SPACE}90%]" in html and "size_px: 64 px enlarges most" in html
    assert tables(facts)["realfake"][["hits", "n"]].to_numpy().tolist() == [[34, 40]]


def test_trials_over_another_version_say_nothing_here(own, journey, sets, done):
    run = done("realfake", tried(journey.dataset, sets[0], 30), dataset=journey.dataset, synthetic=sets)
    config = run.folder / "config.json"
    config.write_text(config.read_text().replace(journey.dataset, "leaves@other"))
    assert not gather(own, journey.runs["evaluate"].id).realism


def test_what_people_said_is_reported_without_their_names(own, journey, sets):
    first = start_quiz(own, sets[0], 4, rates=True, seed=0)
    second = repeat_quiz(own, first)
    for quiz, name in ((first, "Zaphod"), (second, "Quentin")):
        for _ in quiz.items:
            answer_quiz(own, open_quiz(own, quiz.id), "fake", rating=4)
        name_quiz(own, open_quiz(own, quiz.id), name)
    facts = gather(own, journey.runs["evaluate"].id)
    html, table = report_page(facts, examples=0, tolerance=0.1), tables(facts)["quiz"]
    assert "rater 1" in html and "rater 2" in html and "Zaphod" not in html and "Quentin" not in html
    assert table["called_synthetic"].tolist() == [1.0] * 4 and np.all(table["plausibility"] == 4)
    side = first.size_px
    assert table["size_px"].tolist() == [side] * 4 and f"<td>{side} × {side} px</td>" in html, "it is said of this size"
    assert "raters 1 and 2" in html and len(facts.realism.agreements) == 1
