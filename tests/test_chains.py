from dataclasses import replace

import pytest

from leafcore.chain_steps import Step, source_of, target_of
from leafcore.chains import chain_labels, chain_size, masks_for, needed_trainings, open_chain, picture_size, suggestions
from leafcore.data.manifest import load
from leafcore.errors import CheckpointError, NotFoundError
from tests.planted import plant_lflseg, plant_translator


@pytest.fixture
def steps(workspace):
    """Three translators of one size: to rust, from rust to frog eye, and back to healthy."""
    plant_translator(workspace, "to-rust")
    plant_translator(workspace, "to-frog-eye", "rust", "frog_eye_leaf_spot")
    plant_translator(workspace, "heal", "rust", "healthy")
    return workspace


def test_a_chain_opens_in_its_order(steps):
    assert [step.name for step in open_chain(steps, ["to-frog-eye", "to-rust"])] == ["to-frog-eye", "to-rust"]


@pytest.mark.parametrize(
    ("source", "names", "labels"),
    [
        ("healthy", ["to-rust"], "rust"),
        ("healthy", ["to-rust", "to-frog-eye"], "frog_eye_leaf_spot rust"),
        ("scab", ["to-rust"], "rust scab"),
        ("scab", ["to-rust", "heal"], "healthy"),
        ("healthy", ["to-rust", "heal", "to-frog-eye"], "frog_eye_leaf_spot"),
    ],
)
def test_a_picture_has_the_labels_of_every_step(steps, source, names, labels):
    assert chain_labels(source, open_chain(steps, names)) == labels


def test_a_translators_ends_are_label_sets(workspace):
    checkpoint = plant_translator(workspace, "odd", "scab, rust", "rust+frog_eye_leaf_spot")
    assert (source_of(checkpoint), target_of(checkpoint)) == ("rust scab", "frog_eye_leaf_spot rust")


def test_a_chain_works_at_the_size_of_its_steps(steps):
    assert chain_size(open_chain(steps, ["to-rust", "to-frog-eye"])) == 32


def test_steps_of_different_sizes_are_refused_with_each_size(steps):
    plant_translator(steps, "large", size_px=64)
    with pytest.raises(CheckpointError, match=r"different sizes \(to-rust: 32 px, large: 64 px\)") as raised:
        open_chain(steps, ["to-rust", "large"])
    assert "\n" not in str(raised.value)


def test_a_model_that_translates_nothing_is_refused(steps):
    plant_lflseg(steps, "looker")
    with pytest.raises(CheckpointError, match="chain: looker is a lflseg model and translates nothing"):
        open_chain(steps, ["to-rust", "looker"])


def test_an_empty_chain_is_refused(workspace):
    with pytest.raises(CheckpointError, match="chain: empty, expected at least one translator"):
        open_chain(workspace, [])


def test_an_unknown_step_is_refused_with_those_there_are(steps):
    with pytest.raises(NotFoundError, match="got 'to-scab', known: heal, to-frog-eye, to-rust"):
        open_chain(steps, ["to-scab"])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("scab", [("healthy", "scab")]),
        ("rust scab", [("healthy", "scab")]),  # there is one to rust already
        ("complex scab", [("healthy", "complex"), ("healthy", "scab")]),
        ("blight complex scab", []),  # three steps
        ("complex mosaic scab", [("healthy", "complex"), ("healthy", "scab")]),  # from the pictures of mosaic
        ("complex rust scab", [("healthy", "complex")]),  # from the pictures of rust and scab
        ("healthy", [("rust scab", "healthy")]),
    ],
)
def test_the_trainings_that_lack_are_named(workspace, labels, expected):
    counts = {"healthy": 50, "rust scab": 60, "mosaic": 5}
    needed = needed_trainings(labels, counts, [plant_translator(workspace, "to-rust")])
    assert [(domains.a, domains.b) for domains in needed] == expected


def test_without_healthy_leaves_a_generator_learns_from_what_there_is(workspace):
    (needed,) = needed_trainings("rust scab", {"scab": 9}, [])
    assert (needed.a, needed.b) == ("scab", "rust")


def test_only_a_chain_that_changes_the_leaf_alone_takes_masks(journey):
    dataset, workspace = load(journey.workspace, journey.dataset), journey.workspace
    plain = open_chain(workspace, [journey.runs["leafgan"].id])
    card = plain[0].card.model_copy(update={"description": {"blend": True}})
    blending = [Step(replace(plain[0].checkpoint, card=card))]
    exact = replace(dataset, records=dataset.records.assign(mask="a.png"))
    assert masks_for(workspace, dataset, plain) == ""
    assert masks_for(workspace, dataset, blending) == journey.runs["masks"].id
    assert masks_for(workspace, exact, blending) == "", "exact masks are better"


def test_what_can_be_made_is_suggested_the_way_back_too(steps):
    translators = [step.checkpoint for step in open_chain(steps, ["to-rust", "to-frog-eye"])]
    counts = {"healthy": 50, "rust": 20, "mosaic": 3}
    found = {labels: (way.source, way.chain) for labels, way in suggestions(counts, translators).items()}
    assert found == {
        "healthy": ("rust", ("to-rust:back",)),
        "rust": ("healthy", ("to-rust",)),
        "frog_eye_leaf_spot": ("healthy", ("to-frog-eye",)),
        "frog_eye_leaf_spot rust": ("rust", ("to-frog-eye",)),
    }


def test_a_way_back_heals_only_what_it_was_trained_on(steps):
    translators = [step.checkpoint for step in open_chain(steps, ["to-rust"])]
    assert "healthy" not in suggestions({"scab": 20}, translators)


@pytest.mark.parametrize(("size_px", "sizing", "made"), [(0, "tiles", 32), (32, "tiles", 32), (16, "resize", 16)])
def test_a_chain_makes_pictures_of_the_size_that_is_asked_for(steps, size_px, sizing, made):
    assert picture_size(open_chain(steps, ["to-rust"]), size_px, sizing) == made
