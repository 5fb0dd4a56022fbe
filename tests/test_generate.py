import numpy as np
import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.errors import CheckpointError
from leafcore.files import write_bytes
from leafcore.generate import Chain, Leaves, load_network
from leafcore.images import encode_png
from tests.planted import GENERATOR, plant, plant_lflseg, plant_translator

CPU = torch.device("cpu")


@pytest.fixture
def pictures():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2 - 1


def test_a_chain_of_two_is_one_generator_after_the_other(workspace, pictures):
    first = plant_translator(workspace, "first", seed=1)
    second = plant_translator(workspace, "second", "rust", "scab", seed=2)
    steps = Chain([first, second], CPU)(pictures)
    assert len(steps) == 2
    by_hand = load_network(first, "gen_ab", CPU)(pictures)
    assert torch.equal(steps[0], by_hand)
    assert torch.equal(steps[1], load_network(second, "gen_ab", CPU)(by_hand))
    assert not torch.equal(steps[1], Chain([second, first], CPU)(pictures)[1]), "the order matters"
    assert not torch.equal(steps[0], load_network(first, "gen_ba", CPU)(pictures)), "the way there, not back"


def test_a_chain_leaves_what_it_was_given(workspace, pictures):
    chain, before = Chain([plant_translator(workspace, "x")], CPU), pictures.clone()
    chain(pictures)
    assert torch.equal(pictures, before)


def test_a_picture_is_translated_alike_in_any_batch(workspace, pictures):
    chain = Chain([plant_translator(workspace, "x")], CPU)
    alone = torch.cat([chain(picture[None])[0] for picture in pictures])
    torch.testing.assert_close(chain(pictures)[0], alone, rtol=0, atol=1e-5)


def test_bf16_is_close_to_fp32_and_answers_in_fp32(workspace, pictures):
    checkpoint = plant_translator(workspace, "x")
    (exact,), (close,) = (Chain([checkpoint], CPU, precision=how)(pictures) for how in ("fp32", "bf16"))
    assert close.dtype == torch.float32 and not torch.equal(exact, close)
    assert (exact - close).abs().mean() < 0.03
    assert torch.equal(Chain([checkpoint], CPU, precision="auto")(pictures)[0], exact), "exact on a CPU unless asked"


def test_a_step_that_was_trained_to_change_the_leaf_leaves_the_rest_as_it_is(workspace, pictures):
    plain = plant_translator(workspace, "plain", seed=1)
    blending = plant_translator(workspace, "blending", "rust", "scab", seed=2, blend=True)
    masks = torch.zeros(3, 1, 32, 32)
    masks[..., :16] = 1
    first, second = Chain([plain, blending], CPU)(pictures, masks)
    assert torch.equal(first, Chain([plain], CPU)(pictures)[0]), "a step that was not changes the picture all over"
    assert torch.equal(second[..., 16:], first[..., 16:])
    all_over = Chain([plain, blending], CPU)(pictures)[1]
    torch.testing.assert_close(second[..., :16], all_over[..., :16])
    assert not torch.equal(all_over[..., 16:], first[..., 16:])


def test_masks_are_read_at_the_side_of_the_chain_and_all_leaf_where_there_is_none(tmp_path):
    mask = np.zeros((64, 64, 3), np.uint8)
    mask[:, :32] = 255
    write_bytes(tmp_path / "mask.png", encode_png(mask))
    masks = Leaves({"a": tmp_path / "mask.png", "b": None}, 32)(["b", "a"])
    assert masks.shape == (2, 1, 32, 32)
    assert masks[0].all() and masks[1, 0, :, :16].all() and not masks[1, 0, :, 16:].any()


def test_a_loaded_network_is_at_rest(workspace):
    network = load_network(plant_lflseg(workspace, "looker"), "classifier", CPU)
    assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())


def test_a_network_that_is_not_there_is_refused_with_those_there_are(workspace):
    with pytest.raises(CheckpointError, match="checkpoint: x holds gen_ab, gen_ba, expected classifier"):
        load_network(plant_translator(workspace, "x"), "classifier", CPU)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ({"type": "resnet_generator", "args": {"filters": 8, "blocks": 1}}, "the weights of x do not fit its network"),
        ({"type": "hologram", "args": {}}, "weights: they hold a network of type 'hologram', expected one of"),
    ],
)
def test_weights_that_do_not_fit_their_network_are_one_line(workspace, network, reason):
    nets = {"gen_ab": GENERATOR}
    checkpoint = plant(workspace, "x", {"recipe": "leafgan", "nets": nets}, told={"nets": {"gen_ab": network}})
    with pytest.raises(CheckpointError, match=reason) as raised:
        load_network(checkpoint, "gen_ab", CPU)
    assert "\n" not in str(raised.value)


def test_weights_that_changed_since_they_were_promoted_are_refused(workspace):
    plant_translator(workspace, "x", seed=1)
    checkpoint = plant_translator(workspace, "y", seed=2)
    write_bytes(checkpoint.weights, (workspace.checkpoints / "x" / "weights.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="weights.safetensors: changed since y was promoted") as raised:
        Chain([open_checkpoint(workspace, "y")], CPU)
    assert "\n" not in str(raised.value)


def test_weights_that_are_gone_are_one_line(workspace):
    checkpoint = plant_translator(workspace, "x")
    checkpoint.weights.unlink()
    with pytest.raises(CheckpointError, match="there is no such weights file"):
        Chain([checkpoint], CPU)


def test_a_chain_of_different_sizes_is_refused(workspace):
    chain = [plant_translator(workspace, "x"), plant_translator(workspace, "y", size_px=64)]
    with pytest.raises(CheckpointError, match="different sizes"):
        Chain(chain, CPU)
