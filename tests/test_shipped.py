"""The models that come along in `checkpoints/`: whole, honest, and good for what the first visit shows."""

import numpy as np
import pandas as pd
import pytest
import torch

from leafcore.chain_steps import Step
from leafcore.checkpoints import list_checkpoints, open_checkpoint, require_unchanged
from leafcore.data.configs import RenderConfig
from leafcore.data.groups import merge_alike
from leafcore.data.labels import label_set
from leafcore.data.rendered import plan_images, render_leaf
from leafcore.data.splits import assign_splits
from leafcore.generate import Chain
from leafcore.images import to_signed, to_uint8
from leafcore.jobs import build_config
from leafcore.masks.lflseg import open_lflseg
from leafcore.masks.maps import threshold

CPU = torch.device("cpu")
MAX_BYTES = 15e6
NAMES = ("sample-healthy-to-frog-eye", "sample-healthy-to-rust", "sample-lflseg")


def test_what_comes_along_is_small_and_whole(workspace):
    shipped = list_checkpoints(workspace)
    assert tuple(checkpoint.name for checkpoint in shipped) == NAMES
    for checkpoint in shipped:
        assert checkpoint.shipped
        require_unchanged(checkpoint)
    assert sum(checkpoint.weights.stat().st_size for checkpoint in shipped) < MAX_BYTES


@pytest.fixture(scope="module")
def sample_splits():
    """The sample dataset's pictures by split, as a first start draws them."""
    config = build_config("render", {}, "draft")
    assert isinstance(config, RenderConfig)
    planned = plan_images(config.count, seed=config.seed)
    rows = [(image.name, label_set(image.labels), image.group, image.sha256(config.size_px)) for image in planned]
    records = pd.DataFrame(rows, columns=["image", "labels", "group", "sha256"])
    records["group"] = merge_alike(records)
    records["split"] = assign_splits(records, val=config.val, test=config.test, seed=config.seed)
    return {split: set(members["sha256"]) for split, members in records.groupby("split")}


@pytest.mark.parametrize("name", NAMES)
def test_they_have_seen_the_sample_datasets_train_pictures_only(workspace, sample_splits, name):
    seen = open_checkpoint(workspace, name).seen()
    roles = set(seen) - {"probe"}
    assert roles
    for role in roles:
        assert seen[role] and set(seen[role]) <= sample_splits["train"], role
    assert set(seen["probe"]) <= sample_splits["val"]


def orange(image: np.ndarray, mask: np.ndarray) -> float:
    """Share of a leaf that is orange: much red, half as much green, little blue."""
    red, green, blue = (image[..., channel].astype(int) for channel in range(3))
    return float(((red > 150) & (red - green > 25) & (green - blue > 25))[mask > 0].mean())


def reddened(image: np.ndarray, before: np.ndarray, mask: np.ndarray) -> float:
    """Share of a leaf that is darker than before, and redder against green."""
    new, old = image.astype(int), before.astype(int)
    redder = (new[..., 0] - new[..., 1]) - (old[..., 0] - old[..., 1]) > 25
    return float((redder & (new.sum(axis=2) < old.sum(axis=2)))[mask > 0].mean())


@pytest.fixture(scope="module")
def unseen():
    """Healthy leaves that nobody has seen."""
    return [render_leaf(("healthy",), 128, leaf_seed=10**6 + seed, view_seed=seed) for seed in range(24)]


def translated(workspace, leaves, *names):
    """Return what a chain makes of leaves after each step, (24, 128, 128, 3) uint8 each."""
    chain = Chain([Step(open_checkpoint(workspace, name)) for name in names], CPU)
    sources = torch.from_numpy(np.stack([leaf.image for leaf in leaves])).permute(0, 3, 1, 2)
    masks = torch.from_numpy(np.stack([leaf.mask > 0 for leaf in leaves]))[:, None].float()
    return [to_uint8(step) for step in chain(to_signed(sources), masks)]


def test_healthy_leaves_get_rust(workspace, unseen):
    (made,) = translated(workspace, unseen, "sample-healthy-to-rust")
    more = [orange(new, leaf.mask) - orange(leaf.image, leaf.mask) for new, leaf in zip(made, unseen, strict=True)]
    assert np.mean(np.array(more) > 0.002) >= 0.5


def test_leaves_with_rust_get_frog_eye_beside_it(workspace, unseen):
    rusty, both = translated(workspace, unseen, "sample-healthy-to-rust", "sample-healthy-to-frog-eye")
    spots = [reddened(new, old, leaf.mask) for new, old, leaf in zip(both, rusty, unseen, strict=True)]
    assert np.mean(np.array(spots) > 0.002) >= 0.5
    kept = [orange(new, leaf.mask) > orange(leaf.image, leaf.mask) for new, leaf in zip(both, unseen, strict=True)]
    assert np.mean(kept) >= 0.5, "the rust is still there"


def test_leaves_that_nobody_has_seen_are_found(workspace, tmp_path):
    from PIL import Image

    leaves = [render_leaf(("scab",), 128, leaf_seed=10**6 + seed, view_seed=seed) for seed in range(24)]
    paths = [tmp_path / f"{number}.png" for number in range(len(leaves))]
    for path, leaf in zip(paths, leaves, strict=True):
        Image.fromarray(leaf.image).save(path)
    overlaps = []
    for look, leaf in zip(open_lflseg(workspace, "sample-lflseg", CPU).look(paths), leaves, strict=True):
        mask, exact = threshold(look.cam, 0.2, 128, 128) > 0, leaf.mask > 0
        overlaps.append((mask & exact).sum() / (mask | exact).sum())
    assert np.mean(overlaps) > 0.6
