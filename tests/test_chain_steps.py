import pytest

from leafcore.chain_steps import How, Step, parse_step
from leafcore.chains import open_chain
from leafcore.errors import CheckpointError, ConfigError
from leafcore.jobs import build_config
from tests.planted import plant, plant_translator


@pytest.mark.parametrize(
    ("text", "parsed", "written"),
    [
        ("to-rust", ("to-rust", How()), "to-rust"),
        ("run@3#0123456789ab:0.7", ("run@3#0123456789ab", How(strength=0.7)), "run@3#0123456789ab:0.7"),
        ("to-rust:leaf: 0.25 :back", ("to-rust", How(True, 0.25, "leaf")), "to-rust:back:0.25:leaf"),
        ("to-rust:1:all", ("to-rust", How(where="all")), "to-rust:all"),
        ("to-rust:0", ("to-rust", How(strength=0)), "to-rust:0"),
    ],
)
def test_a_step_is_read_in_any_order_and_written_in_one(text, parsed, written):
    name, how = parse_step(text)
    assert (name, how) == parsed and f"{name}{how}" == written
    assert parse_step(written) == parsed


@pytest.mark.parametrize("text", ["x:1.5", "x:-1", "x:nan", "x:", "x:leave", "x:0.5:0.7", "x:leaf:all", "x:back:back"])
def test_an_option_that_is_none_is_refused_in_one_line_on_every_face(text):
    with pytest.raises(ConfigError, match="chain: got .*expected NAME") as raised:
        parse_step(text)
    assert "\n" not in str(raised.value)
    with pytest.raises(ConfigError, match="chain: got .*expected NAME"):
        build_config("synthesize", {"chain": text, "dataset": "leaves"})


def test_settings_keep_a_chain_as_it_is_written(workspace):
    config = build_config("synthesize", {"chain": "a:leaf:0.5, b:back", "dataset": "leaves"})
    assert config.chain == ("a:0.5:leaf", "b:back")


def test_the_way_back_goes_from_b_to_a(workspace):
    plant_translator(workspace, "to-rust")
    (step,) = open_chain(workspace, ["to-rust:back"])
    assert (step.source, step.target, step.name) == ("rust", "healthy", "to-rust:back")
    assert step.ref == f"to-rust#{step.card.weights_sha256[:12]}:back"


def test_a_way_back_that_was_not_kept_is_refused(workspace):
    nets = {"gen_ab": {"type": "resnet_generator", "args": {"filters": 4, "blocks": 1}}}
    plant(workspace, "one-way", {"recipe": "leafgan", "a": "healthy", "b": "rust", "size_px": 32, "nets": nets})
    with pytest.raises(CheckpointError, match="chain: one-way has no generator back; leave :back out"):
        open_chain(workspace, ["one-way:back"])


@pytest.mark.parametrize(("blend", "where", "masked"), [(True, "", True), (True, "all", False), (False, "leaf", True)])
def test_where_a_step_changes_a_picture_is_as_trained_unless_it_is_said(workspace, blend, where, masked):
    assert Step(plant_translator(workspace, "x", blend=blend), How(where=where)).masked == masked
