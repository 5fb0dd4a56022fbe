"""Which synthetic sets are a family: by what runs recorded, whatever they are called."""

import json

import pandas as pd
import pytest

from leafcore.data.synthetic_sets import open_whole_set
from leafcore.evaluate.families import find_families
from leafcore.jobs import build_config
from leafcore.runs import create_run

DATASET = "leaves@abcabcabcabc"
LEAFGAN = {"dataset": DATASET, "b": "rust", "masks": "a-mask-set", "epochs": 4}


@pytest.fixture
def trained(workspace):
    """Return a function that plants a training and returns its id."""

    def plant(seed, recipe="leafgan", extends="", **values):
        settings = LEAFGAN if recipe == "leafgan" else {**LEAFGAN, "masks": None}
        known = {name: value for name, value in {**settings, **values}.items() if value is not None}
        config = build_config(recipe, {**known, "seed": seed})
        return create_run(workspace, recipe, config, title=f"Whatever {len(values)}", extends=extends).id

    return plant


@pytest.fixture
def made(workspace):
    """Return a function that plants the set which trainings made one after another, and returns it."""

    def plant(*trainings, epoch=4, back=False, strength=1.0, masks="a-mask-set", per_picture=False, **values):
        chain = tuple(f"{run}@{epoch}" for run in trainings)
        settings = {"dataset": DATASET, "source": "healthy", "count": 2, "chain": chain, **values}
        run = create_run(workspace, "synthesize", build_config("synthesize", settings), title=f"Set {chain}")
        steps = [
            {"checkpoint": run, "recipe": "leafgan", "run": run, "epoch": epoch, "weights_sha256": "00", "back": back,
             "strength": strength, "where": "leaf"}
            for run in trainings
        ]  # fmt: skip
        rows = [
            {"chain": json.dumps([{**step, "file": f"{at}.png" if per_picture else ""} for step in steps])}
            for at in range(2)
        ]
        table = pd.DataFrame(rows).assign(file="a.png", masks=masks, size_px=32, seed=0)
        table.to_csv(run.folder / "manifest.csv", index=False)
        return open_whole_set(workspace, run.id)

    return plant


def seeds_of(workspace, *sets):
    """Return the seeds of each family's generators."""
    return [[one.seeds for one in family.members] for family in find_families(workspace, sets)]


def test_trainings_that_differ_by_their_seed_are_a_family_in_order(workspace, trained, made):
    sets = [made(trained(seed)) for seed in (2, 0, 1)]
    (family,) = find_families(workspace, sets)
    assert [(one.position, one.set, one.seeds, one.epochs) for one in family.members] == [
        (at, pictures.id, (seed,), (4,)) for at, pictures, seed in zip(range(3), sets, (2, 0, 1), strict=True)
    ]
    assert family.left_out == ()


@pytest.mark.parametrize(
    "other",
    [{"learning_rate": 1e-4}, {"epochs": 5}, {"dataset": "leaves@000000000000"}, {"masks": "others"}, {"b": "scab"}],
)
def test_trainings_that_differ_by_anything_else_are_none(workspace, trained, made, other):
    assert seeds_of(workspace, made(trained(0)), made(trained(1, **other))) == []


def test_another_recipe_is_another_generator(workspace, trained, made):
    assert seeds_of(workspace, made(trained(0)), made(trained(1, recipe="cyclegan"))) == []


@pytest.mark.parametrize(
    "beside", [{"device": "cpu"}, {"promote_as": "a-name"}, {"tracker": "tensorboard"}, {"save_every": 2}]
)
def test_how_a_training_is_called_kept_and_watched_does_not_matter(workspace, trained, made, beside):
    assert seeds_of(workspace, made(trained(0)), made(trained(1, **beside))) == [[(0,), (1,)]]


def test_a_setting_that_an_older_run_does_not_name_has_its_default(workspace, trained, made):
    older = trained(0)
    path = workspace.runs / older / "config.json"
    record = json.loads(path.read_text())
    del record["settings"]["precision"]
    path.write_text(json.dumps(record))
    assert seeds_of(workspace, made(older), made(trained(1))) == [[(0,), (1,)]]


@pytest.mark.parametrize(
    "other",
    [{"count": 3}, {"source": "scab"}, {"label_rule": "last"}, {"strength": 0.5}, {"back": True}, {"masks": "others"}],
)
def test_sets_that_were_made_otherwise_are_none(workspace, trained, made, other):
    assert seeds_of(workspace, made(trained(0)), made(trained(1), **other)) == []


def test_the_seed_device_and_epoch_of_a_set_are_its_own(workspace, trained, made):
    (family,) = find_families(workspace, [made(trained(0)), made(trained(1), seed=7, device="cpu", epoch=3)])
    assert [one.epochs for one in family.members] == [(4,), (3,)]


def test_pictures_of_the_steps_between_do_not_matter(workspace, trained, made):
    assert seeds_of(workspace, *(made(trained(seed), per_picture=True) for seed in (0, 1))) == [[(0,), (1,)]]


def test_a_second_set_of_the_same_generator_tells_nothing_of_seeds(workspace, trained, made):
    first, second = trained(0), trained(1)
    sets = [made(first), made(first, epoch=3), made(second), made(trained(0))]
    (family,) = find_families(workspace, sets)
    assert [one.seeds for one in family.members] == [(0,), (1,)]
    assert family.left_out == (sets[1].id, sets[3].id)
    assert seeds_of(workspace, *sets[:2]) == []


def test_of_a_chain_the_models_that_differ_are_told(workspace, trained, made):
    last = trained(5)
    assert seeds_of(workspace, *(made(trained(seed), last) for seed in (0, 1, 2))) == [[(0,), (1,), (2,)]]
    both = [made(trained(seed), trained(seed + 10)) for seed in (0, 1)]
    assert seeds_of(workspace, *both) == [[(0, 10), (1, 11)]]
    assert seeds_of(workspace, *both, made(trained(0), trained(12))) == [], "the first is neither one nor three"


def test_there_may_be_several_families_among_others(workspace, trained, made):
    rust, scab = ([made(trained(seed, b=b)) for seed in (0, 1)] for b in ("rust", "scab"))
    mixed = [rust[0], scab[0], made(trained(0, epochs=9)), scab[1], rust[1]]
    assert [[one.position for one in family.members] for family in find_families(workspace, mixed)] == [[0, 4], [1, 3]]


def test_nothing_is_said_of_generators_whose_training_is_not_here(workspace, trained, made):
    gone = trained(1)
    sets = [made(trained(0)), made(gone)]
    (workspace.runs / gone).rename(workspace.root / "elsewhere")
    assert find_families(workspace, sets) == ()


def test_a_training_that_was_extended_is_the_longer_one_and_one_that_was_mended_is_not(workspace, trained, made):
    longer = trained(1, extends=trained(1, epochs=2))
    assert seeds_of(workspace, made(trained(0)), made(longer)) == [[(0,), (1,)]]
    mended = trained(1, extends=trained(1, learning_rate=1e-3))
    assert seeds_of(workspace, made(trained(0)), made(mended)) == []


def test_pseudo_labels_of_sets_of_a_family_are_one(workspace, trained, made):
    def labelled(pictures, **values):
        settings = {"run": pictures.id, "teacher": "a-classifier", "dataset": DATASET, **values}
        run = create_run(workspace, "pseudo-label", build_config("pseudo-label", settings))
        pictures.manifest.to_csv(run.folder / "manifest.csv", index=False)
        return open_whole_set(workspace, run.id)

    sets = [made(trained(seed)) for seed in (0, 1)]
    assert seeds_of(workspace, *map(labelled, sets)) == [[(0,), (1,)]]
    assert seeds_of(workspace, labelled(sets[0]), labelled(sets[1], min_confidence=0.9)) == []
    assert seeds_of(workspace, labelled(sets[0]), labelled(made(trained(1), count=3))) == []


def test_of_a_plan_the_generators_of_all_parts_count(workspace, trained, made):
    def planned(seed):
        runs = [trained(seed, b=b) for b in ("rust", "scab")]
        parts = [{"source": "healthy", "chain": [run], "count": 1} for run in runs]
        return made(*runs, plan=parts, chain=(), source="", count=2)

    assert seeds_of(workspace, planned(0), planned(1)) == [[(0, 0), (1, 1)]]
