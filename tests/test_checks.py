import os
import shutil

import pytest

from leafcore.checkpoints import open_checkpoint, promote
from leafcore.checks import check
from leafcore.data.mask_sets import MaskCard, open_mask_set, save_card
from leafcore.errors import CheckpointError, InputError
from leafcore.jobs import build_config, execute, submit
from leafcore.runs import create_run
from leafcore.workspace import Workspace
from tests.conftest import TINY

INIT = {"nonleaf": "rendered"}
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
    ("score", {"run": "nowhere"}, "there is no run 'nowhere'"),
    ("score", {"run": "LFLSEG"}, "is a lflseg run, expected one that trained a translation or a noise model"),
    ("score", {"run": "LEAFGAN", "judge": "nowhere"}, "checkpoint: got 'nowhere', known"),
    ("score", {"run": "LEAFGAN", "judge": "healthy-to-rust"}, "is a leafgan model, expected a classifier"),
    ("masks", {"model": "LFLSEG", "device": "cuda:64"}, "device: got 'cuda:64', expected one of auto, cpu"),
    ("masks", {"model": "LFLSEG", "device": "toaster"}, "device: got 'toaster', expected one of auto, cpu"),
    ("lflseg", {**INIT, "init": "nowhere"}, "checkpoint: got 'nowhere', known"),
    ("lflseg", {**INIT, "init": "healthy-to-rust"}, "init: healthy-to-rust is a leafgan model, expected an lflseg"),
    ("lflseg", {**INIT, "init": "nowhere/LFLSeg_resnet101.pth"}, "LFLSeg_resnet101.pth: there is no such file"),
    ("leafgan", {**LEAFGAN, "a": "helthy"}, "label: got 'helthy', expected one of the label sets"),
    ("leafgan", {**LEAFGAN, "b": "rust scab"}, "label: got 'rust scab', expected one of the label sets"),
    ("leafgan", {**LEAFGAN, "masks": "nowhere"}, "there is no run 'nowhere'"),
    ("leafgan", {**LEAFGAN, "masks": "LFLSEG"}, "holds no complete mask set"),
    ("lflseg", {"nonleaf": "/nowhere/at/all"}, "/nowhere/at/all: there is no such folder"),
    ("lflseg", {"nonleaf": " "}, "nonleaf: empty, expected a folder"),
    ("import", {"source": "/nowhere/at/all", "name": "x"}, "/nowhere/at/all: there is no such file or folder"),
    ("import", {"source": "", "name": "x"}, "source: empty, expected a folder of pictures or a CSV table"),
    ("import", {"source": " ", "name": "x"}, "source: empty, expected a folder of pictures or a CSV table"),
    ("import", {"source": ".", "name": "x", "leaf_map": "/nowhere.json"}, "/nowhere.json: there is no such file"),
    ("split", {"leaf_map": "."}, "there is no such file"),
    ("scarce", {"dataset": "nowhere", "name": "x"}, "dataset: got 'nowhere', known"),
    ("masks", {"model": "LFLSEG#0123456789ab"}, "holds other weights now"),
    ("synthesize", {"chain": "healthy-to-rust#0123456789ab"}, "healthy-to-rust holds other weights now"),
    ("cyclegan", {"b": "rust", "init": "nowhere"}, "checkpoint: got 'nowhere', known"),
    ("cyclegan", {"b": "rust", "init": "LFLSEG"}, "is a lflseg model, expected a LeafGAN or CycleGAN model"),
    ("cyclegan", {"b": "rust", "init": "/nowhere/maps"}, "/nowhere/maps: there is no such file or folder"),
    ("cyclegan", {"b": "rust", "promote_as": "healthy-to-rust"}, "promote_as: there is already a checkpoint 'healthy-"),
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
    values = {"dataset": "leaves", **values} if kind not in {"export", "import", "score"} else dict(values)
    for name, run_id in ids.items():
        values = {
            key: value.replace(name, run_id) if isinstance(value, str) else value for key, value in values.items()
        }
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


# --- pins -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(journey, tmp_path):
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return Workspace(tmp_path / "own")


def test_weights_are_pinned_whatever_they_are_called(journey):
    lflseg, leafgan = journey.runs["lflseg"].id, journey.runs["leafgan"].id
    hashes = {
        ref: open_checkpoint(journey.workspace, ref).card.weights_sha256[:12]
        for ref in ("healthy-to-rust", f"{leafgan}@1", f"{leafgan}@2", f"{lflseg}@2")
    }
    masks, _ = check(journey.workspace, config_for(journey, "masks", {"model": "LFLSEG"}))
    assert masks.model == f"{lflseg}@2#{hashes[f'{lflseg}@2']}"
    chain = "LEAFGAN@1,healthy-to-rust,LEAFGAN"
    made, _ = check(journey.workspace, config_for(journey, "synthesize", {"chain": chain}))
    wanted = (f"{leafgan}@1", "healthy-to-rust", f"{leafgan}@2")
    assert made.chain == tuple(f"{ref}#{hashes[ref]}" for ref in wanted)
    assert check(journey.workspace, made)[0] == made, "what is pinned stays"


def test_masks_are_of_the_epoch_that_was_there_when_they_were_asked_for(own, journey):
    training = journey.runs["lflseg"]
    unfinished = own.runs / training.id
    last = (unfinished / "weights" / "0002.safetensors").rename(unfinished / "later")
    (unfinished / "status.json").write_text('{"state": "queued", "queued": 0}')
    run = submit(own, "masks", config_for(journey, "masks", {"model": "LFLSEG", "device": "cpu"}))
    last.rename(unfinished / "weights" / "0002.safetensors")
    assert run.record.settings["model"].startswith(f"{training.id}@1#") and run.record.uses == (training.id,)
    execute(own, run, lane="cpu", owner="cli")
    first, second = (open_checkpoint(own, f"{training.id}@{epoch}").card.weights_sha256 for epoch in (1, 2))
    assert open_mask_set(own, run.id).card.model_sha256 == first != second


def test_a_queued_run_is_not_carried_out_with_other_weights(own, journey):
    settings = {"chain": "healthy-to-rust", "count": 2, "device": "cpu"}
    run = submit(own, "synthesize", config_for(journey, "synthesize", settings))
    promote(own, journey.runs["leafgan"].id, "healthy-to-rust", epoch=1, replace=True)
    with pytest.raises(CheckpointError, match="healthy-to-rust holds other weights now .* queue a new run") as raised:
        execute(own, run, lane="cpu", owner="cli")
    assert "\n" not in str(raised.value) and not (run.folder / "images").exists()
    promote(own, journey.runs["leafgan"].id, "healthy-to-rust", epoch=2, replace=True)
    assert execute(own, run, lane="cpu", owner="cli")["count"] == 2


def test_two_runs_do_not_train_towards_one_name(own, journey):
    values = {**TINY["cyclegan"], "b": "rust", "promote_as": "mine"}
    first = submit(own, "cyclegan", config_for(journey, "cyclegan", values))
    with pytest.raises(InputError, match=f"promote_as: run {first.id} will be promoted as 'mine'"):
        submit(own, "cyclegan", config_for(journey, "cyclegan", values))
    first.request_stop()
    second = submit(own, "cyclegan", config_for(journey, "cyclegan", values))
    execute(own, second, lane="cpu", owner="cli")
    assert open_checkpoint(own, "mine").card.run == second.id


def test_a_run_that_promoted_and_then_died_promotes_again(own, journey):
    """Between promoting and saying so there is a moment in which a run can be killed."""
    run = submit(own, "leafgan", config_for(journey, "leafgan", {**TINY["leafgan"], **LEAFGAN, "promote_as": "mine"}))
    execute(own, run, lane="cpu", owner="cli")
    with run.locked():
        run.finish("failed")
    assert execute(own, run, lane="cpu", owner="cli")["checkpoint"] == "mine"


@pytest.mark.parametrize("kind", ["lflseg", "import"])
def test_folders_are_the_same_for_every_process(own, journey, leaf_folders, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(leaf_folders.parent)
    monkeypatch.setenv("HOME", str(leaf_folders.parent))
    name = {"lflseg": "nonleaf", "import": "source"}[kind]
    more = {"lflseg": {}, "import": {"name": "x"}}[kind]
    for written in (leaf_folders.name, f"~/{leaf_folders.name}", f"./x/../{leaf_folders.name}", str(leaf_folders)):
        run = submit(own, kind, config_for(journey, kind, {name: written, **more}))
        assert run.record.settings[name] == str(leaf_folders.resolve())


def test_scenes_of_our_own_are_no_folder(own, journey):
    assert check(own, config_for(journey, "lflseg", {"nonleaf": "rendered"}))[0].nonleaf == "rendered"


@pytest.mark.parametrize(
    ("kind", "values", "used"),
    [
        ("masks", {"model": "LFLSEG"}, {"lflseg"}),
        ("leafgan", LEAFGAN, {"masks"}),
        ("synthesize", SYNTHESIZE, {"leafgan", "masks"}),
        ("synthesize", {**SYNTHESIZE, "verify": "no"}, {"leafgan"}),
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
    ("kind", "values", "pinned"),
    [
        ("masks", {"model": "PENDING"}, {"model": "PENDING@5"}),
        ("masks", {"model": "PENDING@3"}, {}),
        ("leafgan", {"b": "rust", "masks": "PENDING"}, {}),
        ("synthesize", {"chain": "PENDING"}, {"chain": "PENDING@5", "judge": "none"}),
        ("synthesize", {"chain": "PENDING@1,PENDING@2"}, {"judge": "none"}),
        ("evaluate", {"synthetic": "PENDING"}, {}),
        ("export", {"run": "PENDING"}, {}),
    ],
)
def test_what_an_unfinished_run_will_make_is_taken_on_trust(workspace, leaves, pending, kind, values, pinned):
    def named(settings):
        return {key: value.replace("PENDING", pending.id) for key, value in settings.items()}

    given = named(values if kind == "export" else {"dataset": leaves, **values})
    wanted = build_config(kind, {**given, **named(pinned)})
    assert check(workspace, build_config(kind, given)) == (wanted, (pending.id,)), (
        "a run is the last epoch it will save"
    )


@pytest.mark.parametrize("epoch", ["6", "0", "x"])
def test_an_epoch_that_a_run_will_never_reach_is_refused(workspace, leaves, pending, epoch):
    with pytest.raises(InputError, match="has saved no weights"):
        check(workspace, build_config("masks", {"dataset": leaves, "model": f"{pending.id}@{epoch}"}))


def test_an_unfinished_run_that_trains_nothing_has_no_weights(workspace, leaves):
    masks = create_run(workspace, "masks", build_config("masks", {"dataset": leaves, "model": "m"}))
    with pytest.raises(InputError, match="has saved no weights; it trains no model"):
        check(workspace, build_config("synthesize", {"dataset": leaves, "chain": masks.id}))


def test_what_a_run_did_not_make_before_it_ended_is_refused(workspace, leaves, pending):
    pending.request_stop()
    with pytest.raises(InputError, match="has saved no weights"):
        check(workspace, build_config("masks", {"dataset": leaves, "model": pending.id}))


def test_an_unfinished_step_of_a_chain_does_not_hide_an_unknown_one(workspace, leaves, pending):
    config = build_config("synthesize", {"dataset": leaves, "chain": (pending.id, "nowhere")})
    with pytest.raises(InputError, match="checkpoint: got 'nowhere'"):
        check(workspace, config)
