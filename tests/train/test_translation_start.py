"""Training that starts from weights: a checkpoint's, a run's, the reference's."""

import shutil

import pytest
import torch

from leafcore.checkpoints import promote
from leafcore.data.seen import UNKNOWN
from leafcore.errors import CheckpointError, ConfigError, NotFoundError
from leafcore.train.checkpointing import load_state, read_weights, save_state
from leafcore.train.cyclegan import CycleGAN
from leafcore.train.leafgan import LeafGAN
from leafcore.train.translation_start import open_translation_start
from tests.conftest import carrier
from tests.reference_gans import save_gans
from tests.watcher import Watcher

CPU = torch.device("cpu")


@pytest.fixture
def watcher(tmp_path):
    return Watcher(tmp_path / "run")


@pytest.fixture
def begin(journey, settings, watcher):
    """Return a function that makes a recipe as training does, up to its first step."""

    def make(init, kind="cyclegan", **values):
        recipe = {"cyclegan": CycleGAN, "leafgan": LeafGAN}[kind]
        return recipe.from_config(settings(kind, init=str(init), **values), journey.workspace, CPU, watcher)

    return make


def holds(network, tensors):
    """Whether a network has just these weights."""
    return all(torch.equal(value, tensors[key]) for key, value in network.state_dict().items())


def test_the_references_four_networks_are_what_training_starts_from(begin, tmp_path, watcher):
    theirs = save_gans(tmp_path / "maps")
    recipe = begin(tmp_path / "maps")
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    for name, role in {"gen_ab": "G_A", "gen_ba": "G_B", "disc_b": "D_A", "disc_a": "D_B"}.items():
        assert torch.equal(recipe.nets[name](picture), theirs[role](picture)), name
    assert watcher.warnings == []
    assert recipe.seen[UNKNOWN] == ["maps (generator)"] and recipe.seen["generator"]
    assert recipe.describe()["init"]["name"] == "maps"


def test_what_is_not_there_begins_anew_and_is_named(begin, tmp_path, watcher):
    save_gans(tmp_path / "maps", roles=("G_A",))
    begin(tmp_path / "maps" / "latest_net_G_A.pth")
    assert watcher.warnings == ["init: latest_net_G_A.pth gives gen_ab; gen_ba, disc_a, disc_b begin anew."]


@pytest.mark.parametrize("kind", ["cyclegan", "leafgan"])
def test_a_runs_last_epoch_comes_with_its_discriminators(journey, begin, watcher, kind):
    run = journey.runs["leafgan"]
    recipe = begin(run.id, kind)
    state = load_state(run.folder)["recipe"]["nets"]
    assert all(holds(recipe.nets[name], state[name]) for name in ("gen_ab", "gen_ba", "disc_a", "disc_b"))
    assert watcher.warnings == [] and recipe.describe()["init"]["networks"] == ["gen_ab", "gen_ba", "disc_a", "disc_b"]
    assert recipe.seen["lflseg"], "what the run had seen, this one has seen"


def test_an_earlier_epoch_has_generators_only(journey, begin, watcher):
    run = journey.runs["leafgan"]
    recipe = begin(f"{run.id}@1")
    _, networks = read_weights(run.folder / "weights" / "0001.safetensors")
    assert holds(recipe.gen_ab, networks["gen_ab"]) and holds(recipe.gen_ba, networks["gen_ba"])
    assert watcher.warnings == [f"init: {run.id}@1 gives gen_ab, gen_ba; disc_a, disc_b begin anew."]


def test_the_moving_average_of_a_run_comes_with_its_discriminators(own, journey):
    run = own.run(journey.runs["leafgan"].id)
    state = load_state(run)
    nets = state["recipe"]["nets"]
    for name in ("gen_ab", "gen_ba"):
        averaged = {f"module.{key}": value for key, value in nets[name].items()}
        state["recipe"]["stateful"][f"averaged_{name}"] = {"n_averaged": torch.tensor(6), **averaged}
        nets[name] = {key: value + 1 for key, value in nets[name].items()}
    torch.save(state, run / "state.pt")
    assert set(open_translation_start(own, run.name).tensors) == {"gen_ab", "gen_ba", "disc_a", "disc_b"}


def test_a_promoted_checkpoint_leads_to_its_run_unless_it_was_kept_in_half(own, journey):
    run = journey.runs["leafgan"].id
    assert "disc_a" in open_translation_start(own, "healthy-to-rust").tensors
    promote(own, run, "half", half=True)
    assert set(open_translation_start(own, "half").tensors) == {"gen_ab", "gen_ba"}


def test_a_run_that_goes_on_needs_the_weights_no_more(own, settings, watcher):
    config = settings("cyclegan", init="healthy-to-rust")
    begun = CycleGAN.from_config(config, own, CPU, watcher)
    shutil.rmtree(own.checkpoints / "healthy-to-rust")
    with pytest.raises(NotFoundError):  # nothing is saved yet that it could go on from
        CycleGAN.from_config(config, own, CPU, watcher)
    save_state(watcher.folder, begun, 1, {})
    resumed = CycleGAN.from_config(config, own, CPU, watcher)
    assert (resumed.origin, resumed.seen) == (begun.origin, begun.seen)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"blocks": 2},
            "gen_ab of maps is a resnet generator .filters 4, blocks 1., but these settings make a resnet .*2",
        ),
        (
            {"disc_layers": 2},
            r"disc_b of maps has [\d,]+ weights, but these settings make one of [\d,]+; give",
        ),
    ],
)
def test_networks_of_another_form_are_refused_and_both_are_named(begin, tmp_path, values, message):
    save_gans(tmp_path / "maps")
    with pytest.raises(ConfigError, match=message):
        begin(tmp_path / "maps", **values)


def test_a_model_that_translates_nothing_is_refused(journey):
    with pytest.raises(CheckpointError, match=r"init: .* is a lflseg model, expected a LeafGAN or CycleGAN"):
        open_translation_start(journey.workspace, journey.runs["lflseg"].id)


def test_a_run_that_starts_from_weights_is_pinned_to_them_and_says_so(own, journey):
    common = {"dataset": journey.dataset, "b": "rust", "epochs": 1, "learning_rate": 1e-9}
    run = carrier(own)("cyclegan", **common, init="healthy-to-rust")
    _, before = read_weights(own.checkpoints / "healthy-to-rust" / "weights.safetensors")
    description, after = read_weights(run.folder / "weights" / "0001.safetensors")
    assert run.record.settings["init"].startswith("healthy-to-rust#")
    assert all(torch.allclose(after["gen_ab"][key], value, atol=1e-5) for key, value in before["gen_ab"].items())
    assert description["init"]["name"] == "healthy-to-rust"


@pytest.mark.parametrize(
    ("init", "is_path"), [("maps/rust", True), ("~/maps", True), ("net_G.pth", True), ("rust", False)]
)
def test_a_path_is_told_from_a_name(settings, init, is_path):
    assert (settings("cyclegan", init=init).init_path is not None) == is_path
