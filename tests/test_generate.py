import numpy as np
import pytest
import torch

from leafcore.chain_steps import How, Step
from leafcore.checkpoints import open_checkpoint
from leafcore.errors import CheckpointError, ConfigError
from leafcore.files import write_bytes
from leafcore.generate import Chain, Leaves, load_network
from leafcore.images import encode_png
from tests.planted import GENERATOR, plant, plant_lflseg, plant_shift, plant_translator

CPU = torch.device("cpu")


def chain_of(*checkpoints):
    """Return a chain of models that are applied as they were trained."""
    return Chain([Step(checkpoint) for checkpoint in checkpoints], CPU)


@pytest.fixture
def pictures():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2 - 1


def test_a_chain_of_two_is_one_generator_after_the_other(workspace, pictures):
    first = plant_translator(workspace, "first", seed=1)
    second = plant_translator(workspace, "second", "rust", "scab", seed=2)
    steps = chain_of(first, second)(pictures)
    assert len(steps) == 2
    by_hand = load_network(first, "gen_ab", CPU)(pictures)
    assert torch.equal(steps[0], by_hand)
    assert torch.equal(steps[1], load_network(second, "gen_ab", CPU)(by_hand))
    assert not torch.equal(steps[1], chain_of(second, first)(pictures)[1]), "the order matters"
    assert not torch.equal(steps[0], load_network(first, "gen_ba", CPU)(pictures)), "the way there, not back"


def test_a_chain_leaves_what_it_was_given(workspace, pictures):
    chain, before = chain_of(plant_translator(workspace, "x")), pictures.clone()
    chain(pictures)
    assert torch.equal(pictures, before)


def test_a_picture_is_translated_alike_in_any_batch(workspace, pictures):
    chain = chain_of(plant_translator(workspace, "x"))
    alone = torch.cat([chain(picture[None])[0] for picture in pictures])
    torch.testing.assert_close(chain(pictures)[0], alone, rtol=0, atol=1e-5)


def test_bf16_is_close_to_fp32_and_answers_in_fp32(workspace, pictures):
    checkpoint = plant_translator(workspace, "x")
    step = Step(checkpoint)
    (exact,), (close,) = (Chain([step], CPU, precision=how)(pictures) for how in ("fp32", "bf16"))
    assert close.dtype == torch.float32 and not torch.equal(exact, close)
    assert (exact - close).abs().mean() < 0.03
    assert torch.equal(Chain([step], CPU, precision="auto")(pictures)[0], exact), "exact on a CPU unless asked"


def test_a_step_that_was_trained_to_change_the_leaf_leaves_the_rest_as_it_is(workspace, pictures):
    plain = plant_translator(workspace, "plain", seed=1)
    blending = plant_translator(workspace, "blending", "rust", "scab", seed=2, blend=True)
    masks = torch.zeros(3, 1, 32, 32)
    masks[..., :16] = 1
    first, second = chain_of(plain, blending)(pictures, masks)
    assert torch.equal(first, chain_of(plain)(pictures)[0]), "a step that was not changes the picture all over"
    assert torch.equal(second[..., 16:], first[..., 16:])
    all_over = chain_of(plain, blending)(pictures)[1]
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
        chain_of(open_checkpoint(workspace, "y"))
    assert "\n" not in str(raised.value)


def test_weights_that_are_gone_are_one_line(workspace):
    checkpoint = plant_translator(workspace, "x")
    checkpoint.weights.unlink()
    with pytest.raises(CheckpointError, match="there is no such weights file"):
        chain_of(checkpoint)


def test_a_chain_of_different_sizes_is_refused(workspace):
    chain = [plant_translator(workspace, "x"), plant_translator(workspace, "y", size_px=64)]
    with pytest.raises(CheckpointError, match="different sizes"):
        chain_of(*chain)


# --- order, strength, mask, the way back, and size, by hand -----------------------------------------------------------


@pytest.fixture
def brighter(workspace):
    """Adds 0.8 to every value."""
    return plant_shift(workspace, "brighter", 0.8)


@pytest.fixture
def darker(workspace):
    """Takes 0.6 away from every value."""
    return plant_shift(workspace, "darker", -0.6, b="scab")


def values_of(steps, value=0.5, masks=None, **sized):
    """Return what each step makes of pictures of one value."""
    side = sized.get("size_px", 32)
    made = Chain(steps, CPU, **sized)(torch.full((1, 3, side, side), value), masks)
    return [picture[0, 0, 0, [0, -1]].tolist() for picture in made]


def test_order_changes_the_pixels_as_calculated(brighter, darker):
    there, back = [Step(brighter), Step(darker)], [Step(darker), Step(brighter)]
    assert values_of(there) == [pytest.approx([1.0, 1.0]), pytest.approx([0.4, 0.4])], "0.5 + 0.8 is clipped to 1"
    assert values_of(back) == [pytest.approx([-0.1, -0.1]), pytest.approx([0.7, 0.7])]


def test_strength_changes_the_pixels_as_calculated(brighter, darker):
    half, quarter = Step(brighter, How(strength=0.5)), Step(darker, How(strength=0.25))
    first, second = values_of([half, quarter])
    assert first == pytest.approx([0.75, 0.75]), "half way from 0.5 to 1"
    assert second == pytest.approx([0.6, 0.6]), "a quarter of the way from 0.75 to 0.15"
    assert values_of([Step(brighter, How(strength=0))]) == [[0.5, 0.5]]


def test_a_mask_changes_the_pixels_as_calculated(workspace, brighter):
    left = torch.zeros(1, 1, 32, 32)
    left[..., :16] = 1
    on_leaf, all_over = Step(brighter, How(strength=0.5, where="leaf")), Step(brighter, How(strength=0.5))
    assert values_of([on_leaf], masks=left) == [pytest.approx([0.75, 0.5])]
    assert values_of([all_over], masks=left) == [pytest.approx([0.75, 0.75])], "it was not trained to keep it"
    trained = plant_shift(workspace, "trained", 0.8, blend=True)
    assert values_of([Step(trained)], masks=left) == [pytest.approx([1.0, 0.5])]
    assert values_of([Step(trained, How(where="all"))], masks=left) == [pytest.approx([1.0, 1.0])]


def test_the_way_back_is_the_other_generator(brighter):
    assert values_of([Step(brighter, How(back=True))]) == [pytest.approx([-0.3, -0.3])]


@pytest.mark.parametrize("sizing", ["resize", "tiles"])
def test_a_larger_picture_keeps_what_a_step_leaves(workspace, sizing):
    """A generator that changes nothing gives the source back, at any size; one that shifts leaves no seams."""
    source = torch.rand(2, 3, 80, 80, generator=torch.Generator().manual_seed(0)) - 0.5
    for shift in (0.0, 0.4):
        step = Step(plant_shift(workspace, f"by-{shift}", shift))
        (made,) = Chain([step], CPU, size_px=80, sizing=sizing)(source)
        torch.testing.assert_close(made, source + shift, rtol=0, atol=1e-5)


@pytest.mark.parametrize("sizing", ["resize", "tiles"])
def test_masks_have_the_size_of_the_picture(brighter, sizing):
    left = torch.zeros(1, 1, 80, 80)
    left[..., :40] = 1
    step = Step(brighter, How(strength=0.5, where="leaf"))
    (made,) = Chain([step], CPU, size_px=80, sizing=sizing)(torch.zeros(1, 3, 80, 80), left)
    torch.testing.assert_close(made[0, 0], 0.4 * left[0, 0], rtol=0, atol=1e-5)


def test_a_smaller_picture_is_made_by_resize_and_never_of_tiles(brighter):
    (made,) = Chain([Step(brighter)], CPU, size_px=16)(torch.zeros(1, 3, 16, 16))
    torch.testing.assert_close(made, torch.full((1, 3, 16, 16), 0.8), rtol=0, atol=1e-5)
    with pytest.raises(ConfigError, match="size_px: got 16, but tiles are of 32 px"):
        Chain([Step(brighter)], CPU, size_px=16, sizing="tiles")
