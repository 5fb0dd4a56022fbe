"""The tables against networks built as the reference builds them, small."""

import pytest
import torch
from torch import nn

from leafcore.errors import CheckpointError
from leafcore.nets import build
from leafcore.train.published_gans import find_files, flags_for, read_networks, recognise, to_published
from tests.reference_gans import patch_gan, resnet_gan, save_gans, unet_gan

NETWORKS = {
    "resnet": (lambda: resnet_gan(4, 2), "resnet_generator", {"filters": 4, "blocks": 2}),
    "resnet of a block": (lambda: resnet_gan(8, 1), "resnet_generator", {"filters": 8, "blocks": 1}),
    "resnet with dropout": (lambda: resnet_gan(4, 2, dropout=True), "resnet_generator", {"filters": 4, "blocks": 2}),
    "unet": (lambda: unet_gan(4, 5), "unet_generator", {"filters": 4, "downs": 5}),
    "deeper unet": (lambda: unet_gan(4, 6), "unet_generator", {"filters": 4, "downs": 6}),
    "patch": (lambda: patch_gan(4, 3), "patch_discriminator", {"filters": 4, "layers": 3}),
    "patch of a layer": (lambda: patch_gan(4, 1), "patch_discriminator", {"filters": 4, "layers": 1}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_the_reference_is_known_and_computes_the_same_here(name):
    make, kind, args = NETWORKS[name]
    theirs = make().eval()
    known = recognise(theirs.state_dict(), "there")
    assert known.description == {"type": kind, "args": args}
    ours = build(known.description).eval()
    ours.load_state_dict(known.tensors)
    pictures = torch.rand(2, 3, 64, 64) * 2 - 1
    assert torch.equal(ours(pictures), theirs(pictures))


@pytest.mark.parametrize("name", NETWORKS)
def test_there_and_back_is_the_same_bit_by_bit(name):
    make, _, _ = NETWORKS[name]
    known = recognise(make().state_dict(), "there")
    there = to_published(known.description, known.tensors, "here")
    plain = {"resnet with dropout": lambda: resnet_gan(4, 2)}.get(name, make)()
    plain.load_state_dict(there)  # strict: every name, none too many
    again = recognise(plain.state_dict(), "there")
    assert again.description == known.description and again.tensors.keys() == known.tensors.keys()
    assert all(torch.equal(again.tensors[key], known.tensors[key]) for key in known.tensors)


@pytest.mark.parametrize(
    ("make", "kind", "args", "flags"),
    [
        (lambda: resnet_gan(64, 9), "resnet_generator", {"filters": 64, "blocks": 9}, "--netG resnet_9blocks --ngf 64"),
        (lambda: unet_gan(64, 8), "unet_generator", {"filters": 64, "downs": 8}, "--netG unet_256 --ngf 64"),
        (lambda: patch_gan(64, 3), "patch_discriminator", {"filters": 64, "layers": 3}, None),
    ],
)
def test_the_published_sizes_are_known_by_names_and_shapes(make, kind, args, flags):
    with torch.device("meta"):
        known = recognise(make().state_dict(), "there")
    assert known.description == {"type": kind, "args": args}
    if flags:
        assert flags_for(known.description).startswith(flags)


def test_a_size_that_the_reference_has_no_name_for_has_no_flags():
    assert flags_for({"type": "resnet_generator", "args": {"filters": 16, "blocks": 4}}) == ""


def test_what_old_files_say_of_instance_normalisation_is_dropped():
    theirs = resnet_gan(4, 2)
    old = {
        **theirs.state_dict(),
        "model.2.running_mean": torch.zeros(4),
        "model.2.num_batches_tracked": torch.tensor(7),
    }
    known = recognise(old, "there")
    assert known.tensors.keys() == recognise(theirs.state_dict(), "there").tensors.keys()


# --- what is refused --------------------------------------------------------------------------------------------------


def without(tensors, name):
    return {key: tensor for key, tensor in tensors.items() if key != name}


def shifted(tensors):
    """Return a ResNet generator's weights as zero padding, which is no part, numbers them."""
    return {key.replace("conv_block.1.", "conv_block.0."): tensor for key, tensor in tensors.items()}


OTHER = {"features.0.weight": torch.zeros(2, 2, 2, 2)}
REFUSED = {
    "batch norm": (lambda: patch_gan(4, 2, norm=nn.BatchNorm2d).state_dict(), "as batch normalisation has"),
    "another program": (lambda: OTHER, "1 tensors .features.0.weight, .* no network of CycleGAN's"),
    "a part missing": (lambda: without(unet_gan(4, 5).state_dict(), "model.model.3.bias"), "lacks model.model.3.bias"),
    "a part too many": (lambda: resnet_gan().state_dict() | {"model.40.bias": torch.zeros(1)}, "holds model.40.bias"),
    "pairs": (lambda: patch_gan(4, channels=6).state_dict(), "model.0.weight is 4 x 6 x 4 x 4, expected 4 x 3 x 4 x 4"),
    "zero padding": (
        lambda: shifted(resnet_gan().state_dict()),
        "resnet generator .* holds model.10.conv_block.0.bias",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_network_is_one_clear_line(name):
    make, message = REFUSED[name]
    with pytest.raises(CheckpointError, match=message) as raised:
        recognise(make(), "there.pth")
    assert str(raised.value).startswith("there.pth: ") and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "args", "message"),
    [
        ("resnet_generator", {"filters": 4, "blocks": 1, "upsampling": "resize"}, "enlarges by resizing, which"),
        ("unet_generator", {"filters": 4, "downs": 5, "residual": True}, "predicts a change, which"),
        ("unet_generator", {"filters": 4, "downs": 4}, "halves 4 times, CycleGAN's code at least 5"),
    ],
)
def test_what_the_reference_cannot_load_is_not_written(kind, args, message):
    network = build({"type": kind, "args": args})
    with pytest.raises(CheckpointError, match=message):
        to_published({"type": kind, "args": args}, network.state_dict(), "mine")


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_training_of_the_reference_is_found_by_its_epoch(tmp_path):
    save_gans(tmp_path, epoch="latest")
    save_gans(tmp_path, epoch="20", roles=("G_A",))
    (tmp_path / "loss_log.txt").write_text("epoch: 1")
    files = find_files(tmp_path)
    assert {role: file.name for role, file in files.items()} == {
        "gen_ab": "latest_net_G_A.pth", "gen_ba": "latest_net_G_B.pth",
        "disc_b": "latest_net_D_A.pth", "disc_a": "latest_net_D_B.pth",
    }  # fmt: skip
    assert find_files(tmp_path, "20") == {"gen_ab": tmp_path / "20_net_G_A.pth"}
    kinds = {role: network.description["type"] for role, network in read_networks(files).items()}
    assert kinds == {role: "patch_discriminator" if "disc" in role else "resnet_generator" for role in files}


def test_an_epoch_that_is_not_there_names_those_that_are(tmp_path):
    save_gans(tmp_path, epoch="20")
    with pytest.raises(CheckpointError, match=r"holds no latest_net_G_A.pth; epochs with one: 20\. Expected"):
        find_files(tmp_path)


def test_a_discriminator_is_no_generator(tmp_path):
    save_gans(tmp_path)
    with pytest.raises(CheckpointError, match=r"latest_net_D_A.pth: a patch discriminator .*, expected a generator"):
        read_networks({"gen_ab": tmp_path / "latest_net_D_A.pth"})
