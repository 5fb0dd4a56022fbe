import io
import json
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.chains import Way, find_way
from leafcore.cli import main
from leafcore.data.manifest import Card, save
from leafcore.data.targets import capped_counts, wanted_counts
from leafcore.plan import make_plan, plan_dataset, seconds_per_pixel
from leafcore.runs import list_runs
from tests.planted import plant_translator
from tests.server import HOST

COUNTS = {"healthy": 100, "scab": 80, "rust": 10, "frog_eye_leaf_spot": 30}
# Pictures per label set of Plant Pathology 2021's 18,632 training images.
PLANT_PATHOLOGY_2021 = {
    "scab": 4826, "healthy": 4624, "frog_eye_leaf_spot": 3181, "rust": 1860, "complex": 1602, "powdery_mildew": 1184,
    "frog_eye_leaf_spot scab": 686, "complex frog_eye_leaf_spot scab": 200, "complex frog_eye_leaf_spot": 165,
    "frog_eye_leaf_spot rust": 120, "complex rust": 97, "complex powdery_mildew": 87,
}  # fmt: skip


@pytest.fixture
def translators(workspace):
    """Two translators from healthy leaves."""
    return [plant_translator(workspace, f"to-{b}", b=b) for b in ("rust", "frog_eye_leaf_spot")]


def test_a_plan_says_what_to_make_of_what_by_which_chain(translators):
    plan = make_plan(COUNTS, translators, wanted_counts(COUNTS, 60), seconds_per_pixel=0.5 / 32**2)
    rust, frog = plan.rows
    assert (rust.labels, rust.have, rust.wanted, rust.count) == ("rust", 10, 60, 50)
    assert rust.way == Way(source="healthy", chain=("to-rust",)) and rust.reason == ""
    assert rust.seconds == 25.0 and rust.megabytes == pytest.approx(50 * 32**2 * 2.2 / 1e6, abs=0.05)
    assert (frog.labels, frog.count) == ("frog_eye_leaf_spot", 30)
    assert plan.before == COUNTS
    assert plan.after == {**COUNTS, "rust": 60, "frog_eye_leaf_spot": 60}


def test_a_picture_of_two_diseases_comes_from_a_chain_of_two(translators):
    way = find_way("frog_eye_leaf_spot rust", COUNTS, translators)
    assert way is not None and way.source == "healthy" and set(way.chain) == {"to-rust", "to-frog_eye_leaf_spot"}


def test_without_healthy_leaves_another_source_is_found(translators):
    way = find_way("frog_eye_leaf_spot scab", {"scab": 5}, translators)
    assert way == Way(source="scab", chain=("to-frog_eye_leaf_spot",))


def test_what_no_generator_makes_says_which_run_would(translators):
    plan = make_plan(COUNTS, translators, {"scab": 100})
    assert plan.rows[0].way is None and plan.rows[0].count == 0
    assert plan.rows[0].reason == "no generator makes it; train LeafGAN healthy → scab"
    assert plan.after == plan.before


def test_no_more_is_planned_than_there_are_sources(translators):
    plan = make_plan({"healthy": 7, "rust": 1}, translators, {"rust": 100})
    assert plan.rows[0].count == 7 and "only 7 train pictures of healthy" in plan.rows[0].reason
    assert plan.after["rust"] == 8


def test_steps_of_different_sizes_make_no_chain(workspace):
    parts = [plant_translator(workspace, f"to-{b}", b=b, size_px=size) for b, size in (("rust", 32), ("scab", 64))]
    assert find_way("rust scab", {"healthy": 5}, parts) is None


def test_replaced_sources_leave_and_serve_once(translators):
    wanted = {"healthy": 60, "rust": 40, "frog_eye_leaf_spot": 50}
    plan = make_plan(COUNTS, translators, wanted, replaces=True)
    assert {row.labels: row.count for row in plan.rows} == {"rust": 30, "frog_eye_leaf_spot": 10}
    assert plan.after["healthy"] == 60, "never below what is wanted"
    assert sum(plan.after.values()) == sum(plan.before.values())


@given(
    counts=st.dictionaries(st.sampled_from(sorted(PLANT_PATHOLOGY_2021)), st.integers(1, 300), min_size=1),
    level=st.integers(1, 400),
    replaces=st.booleans(),
)
def test_a_plan_never_uses_more_than_there_is(shared_translators, counts, level, replaces):
    plan = make_plan(counts, shared_translators, wanted_counts(counts, level), replaces=replaces)
    for row in plan.rows:
        assert 0 <= row.count <= row.wanted - row.have
        assert (row.way is None) == (row.count == 0)
        assert row.reason or row.count == row.wanted - row.have
        if row.way is not None:
            assert row.count <= counts[row.way.source]
    made = sum(row.count for row in plan.rows)
    assert sum(plan.after.values()) == sum(counts.values()) + (0 if replaces else made)
    assert min(plan.after.values()) >= 0


@pytest.fixture(scope="module")
def shared_translators(tmp_path_factory):
    """Translators for every disease of the study."""
    from leafcore.workspace import Workspace

    workspace = Workspace(tmp_path_factory.mktemp("plan"))
    return [
        plant_translator(workspace, f"to-{b}", b=b) for b in ("powdery_mildew", "complex", "rust", "frog_eye_leaf_spot")
    ]


@pytest.fixture
def orchard(workspace):
    """A dataset with the class sizes of Plant Pathology 2021, from a table as its train.csv is; no picture is read."""
    names = [labels for labels, count in PLANT_PATHOLOGY_2021.items() for _ in range(count)]
    table = "image,labels\n" + "".join(f"{index}.jpg,{labels}\n" for index, labels in enumerate(names))
    records = pd.read_csv(io.StringIO(table)).assign(split="train", width=4000, height=2672, bytes=1, mask="")
    records = records.assign(group=records["image"], sha256=records["image"])
    return save(workspace, "orchard", records, Card(root="", source="", format="", license="", created=0.0))


def test_the_studys_own_plan_comes_out_as_it_was_carried_out(workspace, orchard):
    for b in ("powdery_mildew", "complex", "rust", "frog_eye_leaf_spot"):
        plant_translator(workspace, f"to-{b}", b=b, size_px=256)
    plan = plan_dataset(workspace, orchard, "study")
    made = {row.labels: (row.way.source, row.way.chain, row.count) for row in plan.rows}
    assert {labels: count for labels, (_, _, count) in made.items()} == {
        "powdery_mildew": 166, "complex": 198, "rust": 140, "frog_eye_leaf_spot": 196,
        "frog_eye_leaf_spot rust": 100, "frog_eye_leaf_spot scab": 112,
    }  # fmt: skip
    assert made["powdery_mildew"][:2] == ("healthy", ("to-powdery_mildew",))
    assert made["frog_eye_leaf_spot scab"][:2] == ("scab", ("to-frog_eye_leaf_spot",))
    source, chain, _ = made["frog_eye_leaf_spot rust"]
    assert source == "healthy" and set(chain) == {"to-rust", "to-frog_eye_leaf_spot"}
    assert plan.before == PLANT_PATHOLOGY_2021
    assert (plan.after["powdery_mildew"], plan.after["rust"], plan.after["complex"]) == (1350, 2000, 1800)
    assert plan.after["frog_eye_leaf_spot"] == 3377 and plan.after["frog_eye_leaf_spot rust"] == 220
    assert plan.after["frog_eye_leaf_spot scab"] == 798 and plan.after["healthy"] == 4624


def test_a_cap_takes_its_sources_out_of_train(translators):
    # 60 healthy leaves are above the cap: rust needs 30 of them, frog eye 10; 20 stay, and so does what scab has.
    plan = make_plan(COUNTS, translators, capped_counts(COUNTS, 40), replaces=True)
    assert {row.labels: (row.count, row.way.source) for row in plan.rows} == {
        "rust": (30, "healthy"),
        "frog_eye_leaf_spot": (10, "healthy"),
    }
    assert plan.after == {"healthy": 60, "scab": 80, "rust": 40, "frog_eye_leaf_spot": 40}
    # At 80 there are 20 to spare; rust lacks more and takes them all.
    plan = make_plan(COUNTS, translators, capped_counts(COUNTS, 80), replaces=True)
    rust, frog = plan.rows
    assert (rust.count, rust.reason) == (20, "only 20 train pictures of healthy to spare")
    assert (frog.count, frog.reason, frog.train) == (0, "its sources have no train picture to spare", ())
    assert plan.after == {"healthy": 80, "scab": 80, "rust": 30, "frog_eye_leaf_spot": 30}


def test_a_datasets_cap_only_replaces(workspace, orchard, translators):
    plan = plan_dataset(workspace, orchard, cap=3000)
    assert plan.replaces and {row.wanted for row in plan.rows} == {3000}
    assert sum(plan.after.values()) == sum(plan.before.values())
    assert 3000 <= plan.after["healthy"] < plan.before["healthy"]


def test_a_plan_says_what_it_costs_and_guesses_no_time(translators):
    unknown = make_plan(COUNTS, translators, {"rust": 60})
    assert unknown.rows[0].sentence() == (
        "50 from healthy by to-rust, about 0.1 MB, time unknown until the first synthesis here"
    )
    known = make_plan(COUNTS, translators, {"rust": 60, "frog_eye_leaf_spot": 60}, seconds_per_pixel=2 / 32**2)
    assert known.rows[0].sentence() == "50 from healthy by to-rust, about 0.1 MB and 2 min"
    assert known.sentence() == "80 pictures, about 0.2 MB and 3 min"


def test_no_plan_takes_no_time_at_all(translators):
    quick = make_plan(COUNTS, translators, {"rust": 60}, seconds_per_pixel=1e-7)
    assert quick.rows[0].sentence() == "50 from healthy by to-rust, about 0.1 MB and 1 s"


def test_a_plan_that_makes_nothing_says_why(translators):
    assert make_plan(COUNTS, translators, {"rust": 5}).sentence() == "nothing is missing"
    assert make_plan(COUNTS, translators, {"scab": 500}).sentence() == "nothing can be made yet"


def test_a_step_takes_as_long_for_a_pixel_as_the_newest_synthesis_did(journey, workspace):
    (run,) = list_runs(journey.workspace, "synthesize")
    status = run.status()
    expected = (status.finished - status.started) / (6 * 1 * 32**2)
    assert seconds_per_pixel(journey.workspace) == pytest.approx(expected)
    assert seconds_per_pixel(workspace) is None


@pytest.mark.parametrize(
    ("flags", "query"),
    [([], ""), (["--target", "largest"], "?target=largest"), (["--target", "400"], "?target=400"),
     (["--target", "study"], "?target=study"), (["--cap", "500"], "?cap=500")],
)  # fmt: skip
def test_the_command_line_and_the_api_answer_the_same_plan(workspace, orchard, translators, capsys, flags, query):
    assert main(["balance", "orchard", *flags, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        answer = client.get(f"/datasets/orchard/plan{query}").json()
    assert told["plan"] == answer and answer["rows"]
    assert told["label_sets"]["rust"]["total"] == PLANT_PATHOLOGY_2021["rust"]


def test_people_read_the_plan_in_sentences(workspace, orchard, translators, capsys):
    assert main(["balance", "orchard", "--target", "median"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"  complex rust: 838 from complex by \S*to-rust, about", told), (
        "up to the median, 935, between 686 and 1,184"
    )
    assert "  complex powdery_mildew: no generator makes it; train LeafGAN healthy → powdery mildew\n" in told


def test_a_wrong_target_is_refused_in_the_same_words_by_both(workspace, orchard, capsys):
    assert main(["balance", "orchard", "--target", "most"]) == 2
    said = capsys.readouterr().err.strip()
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        answer = client.get("/datasets/orchard/plan?target=most")
    assert answer.status_code == 422 and answer.json()["error"]["message"] == said
