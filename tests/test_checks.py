import os

import pytest

from leafcore.checks import check
from leafcore.data.mask_sets import MaskCard, save_card
from leafcore.errors import InputError
from leafcore.jobs import build_config, submit
from leafcore.runs import create_run

LEAFGAN = {"b": "rust", "masks": "MASKS"}
SYNTHESIZE = {"chain": "healthy-to-rust"}
WRONG = [
    ("masks", {"dataset": "nowhere", "model": "LFLSEG"}, "dataset: got 'nowhere', known"),
    ("masks", {"dataset": "leaves@0123456789ab", "model": "LFLSEG"}, "'leaves' has no version '0123456789ab'"),
    ("masks", {"dataset": "../leaves", "model": "LFLSEG"}, "dataset: got '../leaves', expected"),
    ("masks", {"model": "nowhere"}, "checkpoint: got 'nowhere', known"),
    ("masks", {"model": "../../etc"}, "expected 1 to 80 letters"),
    ("masks", {"model": "healthy-to-rust"}, "is a leafgan model, expected an lflseg model"),
    ("masks", {"model": "LFLSEG@9"}, "epoch: got '9', expected one of the saved epochs: 1, 2"),
    ("masks", {"model": "LFLSEG", "device": "cuda:64"}, "device: got 'cuda:64', expected one of auto, cpu"),
    ("masks", {"model": "LFLSEG", "device": "toaster"}, "device: got 'toaster', expected one of auto, cpu"),
    ("leafgan", {**LEAFGAN, "a": "helthy"}, "label: got 'helthy', expected one of the label sets"),
    ("leafgan", {**LEAFGAN, "b": "rust scab"}, "label: got 'rust scab', expected one of the label sets"),
    ("leafgan", {**LEAFGAN, "masks": "nowhere"}, "there is no run 'nowhere'"),
    ("leafgan", {**LEAFGAN, "masks": "LFLSEG"}, "holds no complete mask set"),
    ("lflseg", {"nonleaf": "/nowhere/at/all"}, "/nowhere/at/all: there is no such folder"),
    ("synthesize", {"chain": "nowhere"}, "checkpoint: got 'nowhere', known: healthy-to-rust"),
    ("synthesize", {"chain": "healthy-to-rust,LFLSEG"}, "is a lflseg model and translates nothing"),
    ("synthesize", {**SYNTHESIZE, "source": "mould"}, "label: got 'mould'"),
    ("export", {"run": "nowhere"}, "there is no run 'nowhere'"),
    ("export", {"run": "MASKS"}, "holds no synthetic pictures"),
    ("evaluate", {"synthetic": "SYNTHESIZE,nowhere"}, "there is no run 'nowhere'"),
    ("evaluate", {"synthetic": "EVALUATE"}, "holds no synthetic pictures"),
]


def config_for(journey, kind, values):
    """Return a config in which the names of the journey's kinds, in capitals, became the ids of its runs."""
    ids = {name.upper(): run.id for name, run in journey.runs.items()}
    values = {"dataset": "leaves", **values} if kind not in {"export", "import"} else dict(values)
    for name, run_id in ids.items():
        values = {key: value.replace(name, run_id) for key, value in values.items()}
    return build_config(kind, values)


@pytest.mark.parametrize(("kind", "values", "message"), WRONG)
def test_a_wrong_name_is_found_before_a_run_is_made(journey, kind, values, message):
    before = sorted(os.listdir(journey.workspace.runs))
    with pytest.raises(InputError) as error:
        submit(journey.workspace, kind, config_for(journey, kind, values))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert sorted(os.listdir(journey.workspace.runs)) == before


def test_the_datasets_version_is_pinned(journey):
    config, _ = check(journey.workspace, config_for(journey, "masks", {"model": "LFLSEG"}))
    assert config.dataset == journey.dataset


def test_a_version_that_was_named_stays(carry, workspace, leaf_folders):
    old = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    new = carry("import", source=leaf_folders, name="leaves", val=0.3).result()["dataset"]
    assert old != new
    assert check(workspace, build_config("classifier", {"dataset": old}))[0].dataset == old
    assert check(workspace, build_config("classifier", {"dataset": "leaves"}))[0].dataset == new


@pytest.mark.parametrize(
    ("kind", "values", "used"),
    [
        ("masks", {"model": "LFLSEG"}, {"lflseg"}),
        ("leafgan", LEAFGAN, {"masks"}),
        ("synthesize", SYNTHESIZE, {"leafgan"}),
        ("export", {"run": "SYNTHESIZE"}, {"synthesize"}),
        ("evaluate", {"synthetic": "SYNTHESIZE"}, {"synthesize"}),
        ("classifier", {}, set()),
    ],
)
def test_the_runs_that_a_config_uses_are_named(journey, kind, values, used):
    _, uses = check(journey.workspace, config_for(journey, kind, values))
    assert set(uses) == {journey.runs[name].id for name in used}


def test_masks_of_another_dataset_are_refused(carry, workspace, leaf_folders):
    for name in ("leaves", "other"):
        carry("import", source=leaf_folders, name=name)
    masks = create_run(workspace, "masks", build_config("masks", {"dataset": "other", "model": "m"}))
    with masks.locked():
        masks.finish("done")
    save_card(masks.folder, MaskCard(dataset="other@0123456789ab", delta=0.35, model="m", model_sha256="0"))
    config = build_config("leafgan", {"dataset": "leaves", "b": "rust", "masks": masks.id})
    with pytest.raises(InputError, match="holds masks of other@0123456789ab, expected masks of leaves@"):
        check(workspace, config)


# --- what is yet to be made -------------------------------------------------------------------------------------------


@pytest.fixture
def leaves(carry, leaf_folders):
    """A dataset in the test's own workspace."""
    return carry("import", source=leaf_folders, name="leaves").result()["dataset"]


@pytest.fixture
def pending(workspace, leaves):
    """A run that waits."""
    return create_run(workspace, "lflseg", build_config("lflseg", {"dataset": leaves}))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("masks", {"model": "PENDING"}),
        ("masks", {"model": "PENDING@3"}),
        ("leafgan", {"b": "rust", "masks": "PENDING"}),
        ("synthesize", {"chain": "PENDING"}),
        ("synthesize", {"chain": "PENDING@1,PENDING@2"}),
        ("evaluate", {"synthetic": "PENDING"}),
        ("export", {"run": "PENDING"}),
    ],
)
def test_what_an_unfinished_run_will_make_is_taken_on_trust(workspace, leaves, pending, kind, values):
    values = {key: value.replace("PENDING", pending.id) for key, value in values.items()}
    config = build_config(kind, values if kind == "export" else {"dataset": leaves, **values})
    assert check(workspace, config) == (config, (pending.id,))


def test_what_a_run_did_not_make_before_it_ended_is_refused(workspace, leaves, pending):
    pending.request_stop()
    with pytest.raises(InputError, match="has saved no weights"):
        check(workspace, build_config("masks", {"dataset": leaves, "model": pending.id}))


def test_an_unfinished_step_of_a_chain_does_not_hide_an_unknown_one(workspace, leaves, pending):
    config = build_config("synthesize", {"dataset": leaves, "chain": (pending.id, "nowhere")})
    with pytest.raises(InputError, match="checkpoint: got 'nowhere'"):
        check(workspace, config)
