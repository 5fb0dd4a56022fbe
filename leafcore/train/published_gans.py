"""CycleGAN's and LeafGAN's networks as their own code saves them, and ours: one table each of what is called what.

The reference (junyanz/pytorch-CycleGAN-and-pix2pix; IyatomiLab/LeafGAN derives from it) numbers the parts of an
`nn.Sequential`, so that names shift with the number of blocks, and with a dropout that it may put between the two
convolutions of a block; a U-Net's levels lie in each other. Parameters are the convolutions' alone: its instance
normalisation has none, and the running statistics that old files carry for it are dropped, as its own loader does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from leafcore.errors import CheckpointError
from leafcore.nets import build
from leafcore.train.published import Tensors, read_tensors

ROLES = {"G_A": "gen_ab", "G_B": "gen_ba", "D_A": "disc_b", "D_B": "disc_a"}  # there D_A judges what G_A makes
GENERATORS = ("gen_ab", "gen_ba")
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
LEAST_DOWNS = 5  # of a U-Net there
NAMED = ("resnet_9blocks", "resnet_6blocks", "unet_128", "unet_256")  # generators that its flag --netG knows

Table = dict[str, str]  # a layer's name there: its name here


@dataclass(frozen=True)
class PublishedNetwork:
    """A network of the reference, as ours.

    Attributes:
        description: What `nets.build` makes it from.
        tensors: Its weights, under our names.
    """

    description: dict[str, Any]
    tensors: Tensors


# --- the tables -------------------------------------------------------------------------------------------------------


def resnet_table(blocks: int, *, dropout: bool = False) -> Table:
    """Return the layers of a ResNet generator; with a dropout, the second convolution of a block is one further."""
    table = {"model.1": "stem.1", "model.4": "down1.0", "model.7": "down2.0"}
    for i in range(blocks):
        table[f"model.{10 + i}.conv_block.1"] = f"blocks.{i}.body.1"
        table[f"model.{10 + i}.conv_block.{6 if dropout else 5}"] = f"blocks.{i}.body.5"
    return table | {f"model.{10 + blocks}": "up1.0", f"model.{13 + blocks}": "up2.0", f"model.{17 + blocks}": "head.1"}


def unet_table(downs: int) -> Table:
    """Return the layers of a U-Net generator: down and up of each level, from the outermost to the innermost."""
    table = {"model.model.0": "down.0.0", "model.model.3": "up.0.1"}
    for level in range(1, downs):
        inside = "model.model.1" + ".model.3" * (level - 1)
        table[f"{inside}.model.1"] = f"down.{level}.0"
        table[f"{inside}.model.{5 if level < downs - 1 else 3}"] = f"up.{level}.1"
    return table


def patch_table(layers: int) -> Table:
    """Return the layers of a PatchGAN discriminator."""
    numbers = [0, *range(2, 3 * layers + 3, 3)]
    return {f"model.{number}": f"body.{number}" for number in numbers}


@dataclass(frozen=True)
class Form:
    """How a kind of network is told there.

    Attributes:
        first: Its first layer, whose output has `filters` channels.
        size: The argument of ours that says how deep it is.
        table: Makes its table, of so many.
    """

    first: str
    size: str
    table: Callable[[int], Table]


FORMS = {
    "resnet_generator": Form("model.1", "blocks", resnet_table),
    "unet_generator": Form("model.model.0", "downs", unet_table),
    "patch_discriminator": Form("model.0", "layers", patch_table),
}


# --- theirs to ours ---------------------------------------------------------------------------------------------------


def recognise(tensors: Tensors, where: str) -> PublishedNetwork:
    """Tell a network of the reference by the names and shapes of its weights.

    Args:
        tensors: Its weights, under the reference's names.
        where: What to call it in messages.

    Raises:
        CheckpointError: It is no network that we have.
    """
    affine = [name for name, tensor in tensors.items() if name.endswith(".weight") and tensor.dim() == 1]
    if affine:
        raise CheckpointError(
            f"{where}: its normalisation has weights ({affine[0]}), as batch normalisation has; expected instance "
            "normalisation without any, the reference's --norm instance."
        )
    weights = {name: tensor for name, tensor in tensors.items() if not name.endswith(STATISTICS)}
    layers = {name.rpartition(".")[0] for name in weights}
    described, table = _describe(layers, weights, where)
    _require_same(weights, described, table, where)
    return PublishedNetwork(described, {_renamed(name, table): tensor for name, tensor in weights.items()})


def _describe(layers: set[str], weights: Tensors, where: str) -> tuple[dict[str, Any], Table]:
    """Return what a network must be, by its layers' names and its first layer's width, and its table."""
    blocks = {name.split(".")[1] for name in layers if re.fullmatch(r"model\.\d+\.conv_block\.\d+", name)}
    sizes = {"blocks": len(blocks), "downs": len(layers) // 2, "layers": len(layers) - 2}
    for kind, form in FORMS.items():
        begin = weights.get(f"{form.first}.weight")
        if begin is not None and begin.dim() == 4 and sizes[form.size] > 0:
            described = {"type": kind, "args": {"filters": begin.shape[0], form.size: sizes[form.size]}}
            has_dropout = "model.10.conv_block.6" in layers
            return described, resnet_table(len(blocks), dropout=True) if has_dropout else form.table(sizes[form.size])
    some = ", ".join(list(weights)[:2])
    raise CheckpointError(
        f"{where}: holds {len(weights)} tensors ({some}, ...) that are no network of CycleGAN's reference; expected a "
        "ResNet or U-Net generator or a PatchGAN discriminator, saved as <epoch>_net_G_A.pth or the like."
    )


def _require_same(weights: Tensors, described: dict[str, Any], table: Table, where: str) -> None:
    """Refuse whatever differs from the network that the names promise, by a name or by a shape."""
    what = in_words(described)
    with torch.device("meta"):  # only names and shapes are wanted
        ours = build(described).state_dict()
    named = {ours_name: theirs for theirs, ours_name in table.items()}
    wanted = {_renamed(name, named): tensor.shape for name, tensor in ours.items()}
    if wanted.keys() != weights.keys():
        name = sorted(wanted.keys() ^ weights.keys())[0]
        fault = f"lacks {name}" if name in wanted else f"holds {name}, which it has not"
        raise CheckpointError(f"{where}: looks like a {what}, but {fault}; this is another network.")
    for name, shape in wanted.items():
        if weights[name].shape != shape:
            got, expected = (" x ".join(map(str, part)) for part in (weights[name].shape, shape))
            raise CheckpointError(
                f"{where}: {name} is {got}, expected {expected} of a {what}; this is another network."
            )


def _renamed(name: str, table: Table) -> str:
    """Return a parameter's name with its layer's name changed: "model.1.weight" to "stem.1.weight"."""
    layer, _, parameter = name.rpartition(".")
    return f"{table.get(layer, layer)}.{parameter}"


def in_words(description: Mapping[str, Any]) -> str:
    """Return what a person calls a network: "resnet generator (filters 64, blocks 9)"."""
    args = ", ".join(f"{name} {value}" for name, value in description["args"].items())
    return f"{description['type'].replace('_', ' ')} ({args})"


# --- ours to theirs ---------------------------------------------------------------------------------------------------


def to_published(description: Mapping[str, Any], tensors: Tensors, where: str) -> Tensors:
    """Return a network's weights under the reference's names: the inverse of `recognise`, bit by bit.

    Args:
        description: What `nets.build` makes the network from.
        tensors: Its weights, under our names.
        where: What to call it in messages.

    Raises:
        CheckpointError: The reference has no such network.
    """
    kind, args = description["type"], description["args"]
    if args.get("upsampling", "transposed") != "transposed" or args.get("residual"):
        what = "predicts a change" if args.get("residual") else "enlarges by resizing"
        raise CheckpointError(
            f"{where}: its generator {what}, which CycleGAN's code cannot; train one without to write it."
        )
    if kind == "unet_generator" and args["downs"] < LEAST_DOWNS:
        raise CheckpointError(
            f"{where}: its U-Net halves {args['downs']} times, CycleGAN's code at least {LEAST_DOWNS} times; train "
            "one of so many to write it."
        )
    form = FORMS[kind]
    named = {ours: theirs for theirs, ours in form.table(args[form.size]).items()}
    return {_renamed(name, named): tensor for name, tensor in tensors.items()}


def flags_for(description: Mapping[str, Any]) -> str:
    """Return the flags by which the reference makes a generator such as this one; empty if it has none for its size."""
    args = description["args"]
    form = f"resnet_{args['blocks']}blocks" if "blocks" in args else f"unet_{2 ** args['downs']}"
    if form not in NAMED:
        return ""
    return f"--netG {form} --ngf {args['filters']} --norm instance --no_dropout"


# --- files ------------------------------------------------------------------------------------------------------------


def find_files(path: Path, epoch: str = "latest") -> dict[str, Path]:
    """Find what a training of the reference saved.

    Args:
        path: A file, whose generator is taken for the one from A to B; or a folder that holds `latest_net_G_A.pth`, and
            perhaps `latest_net_G_B.pth`, `latest_net_D_A.pth` and `latest_net_D_B.pth`.
        epoch: Which epoch of a folder: "latest", or what its files' names begin with.

    Returns:
        The files, by our name of the network's role, gen_ab first.

    Raises:
        CheckpointError: The folder holds no G_A of that epoch.
    """
    if not path.is_dir():
        return {"gen_ab": path}
    files = {ours: file for theirs, ours in ROLES.items() if (file := path / f"{epoch}_net_{theirs}.pth").is_file()}
    if "gen_ab" not in files:
        epochs = sorted(file.name.removesuffix("_net_G_A.pth") for file in path.glob("*_net_G_A.pth"))
        raise CheckpointError(
            f"{path}: holds no {epoch}_net_G_A.pth; epochs with one: {', '.join(epochs) or 'none'}. Expected what "
            "CycleGAN's or LeafGAN's training saved."
        )
    return files


def read_networks(files: Mapping[str, Path]) -> dict[str, PublishedNetwork]:
    """Read the files that `find_files` found.

    Raises:
        CheckpointError: One cannot be read, holds no network that we have, or one of another role.
    """
    networks = {role: recognise(read_tensors(file), str(file)) for role, file in files.items()}
    for role, network in networks.items():
        wanted = "generator" if role in GENERATORS else "discriminator"
        if not network.description["type"].endswith(wanted):
            raise CheckpointError(f"{files[role]}: a {in_words(network.description)}, expected a {wanted}.")
    return networks
