import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcore.chains import Way, find_way
from leafcore.data.targets import STUDY, study_targets, wanted_counts
from leafcore.errors import ConfigError
from leafcore.plan import make_plan
from tests.planted import plant_translator

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


@pytest.mark.parametrize(
    ("target", "expected"),
    [("largest", 100), ("median", 80), (50, 50), (1, 1)],
)
def test_targets_raise_what_is_rare_and_leave_the_rest(target, expected):
    assert wanted_counts(COUNTS, target) == {labels: max(expected, count) for labels, count in COUNTS.items()}


def test_a_target_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="target: got 0, expected at least 1"):
        wanted_counts(COUNTS, 0)
    with pytest.raises(ConfigError, match="nothing to balance"):
        wanted_counts({}, "largest")


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


def test_the_studys_own_plan_comes_out_as_it_was_carried_out(shared_translators):
    plan = make_plan(PLANT_PATHOLOGY_2021, shared_translators, study_targets(PLANT_PATHOLOGY_2021))
    made = {row.labels: (row.way.source, row.way.chain, row.count) for row in plan.rows}
    assert {labels: count for labels, (_, _, count) in made.items()} == STUDY
    assert made["rust"][:2] == ("healthy", ("to-rust",))
    assert made["frog_eye_leaf_spot scab"][:2] == ("scab", ("to-frog_eye_leaf_spot",))
    source, chain, _ = made["frog_eye_leaf_spot rust"]
    assert source == "healthy" and set(chain) == {"to-rust", "to-frog_eye_leaf_spot"}
    assert plan.after == {labels: count + STUDY.get(labels, 0) for labels, count in PLANT_PATHOLOGY_2021.items()}
