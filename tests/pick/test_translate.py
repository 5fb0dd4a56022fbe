from dataclasses import replace

import numpy as np
import pytest
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import DatasetError
from leafcore.pick.translate import Translator, decode, mean_change
from leafcore.progress import Progress
from tests.watcher import Watcher

CPU = torch.device("cpu")


@pytest.fixture
def sources(journey, tmp_path):
    dataset = load(journey.workspace, journey.dataset)
    masks = open_mask_set(journey.workspace, journey.runs["masks"].id)
    return decode(dataset, dataset.select(labels="healthy").head(5), masks, 32, Progress(tmp_path))


def translated(journey, sources, batch_size, **description):
    checkpoint = open_checkpoint(journey.workspace, "healthy-to-rust")
    card = checkpoint.card.model_copy(update={"description": {**checkpoint.card.description, **description}})
    batches = list(Translator(replace(checkpoint, card=card), "ab", CPU)(sources, batch_size))
    return [np.concatenate(parts) for parts in zip(*((one.fakes, one.reconstructions) for one in batches), strict=True)]


def test_batches_do_not_change_what_is_made(journey, sources):
    for alone, together in zip(translated(journey, sources, 1), translated(journey, sources, 3), strict=True):
        assert alone.shape == (5, 32, 32, 3)
        np.testing.assert_allclose(alone.astype(int), together, atol=1)


def test_where_a_recipe_blends_nothing_changes_outside_the_leaf(journey, sources):
    masks = sources.masks.copy()
    masks[:, :10] = False
    sources = replace(sources, masks=masks)
    fakes, _ = translated(journey, sources, 2, blend=True)
    assert mean_change(fakes, sources.images, ~masks).max() == 0
    assert mean_change(translated(journey, sources, 2)[0], sources.images, ~masks).min() > 0


def test_the_change_counts_only_where_it_is_asked_for():
    one, other = np.zeros((2, 2, 2, 3), np.uint8), np.zeros((2, 2, 2, 3), np.uint8)
    one[0, 0, 0], other[0, 1, 1] = 200, 30
    where = np.zeros((2, 2, 2), bool)
    where[0, 0] = True
    assert mean_change(one, other).tolist() == [57.5, 0]
    there = mean_change(one, other, where)
    assert there[0] == 100 and np.isnan(there[1])


def test_a_picture_that_cannot_be_read_is_named_and_left_out(journey, tmp_path):
    dataset = load(journey.workspace, journey.dataset)
    records = dataset.select(labels="rust").head(3).copy()
    records.loc[records.index[1], "image"] = "rust/gone.png"
    watcher = Watcher(tmp_path)
    pictures = decode(dataset, records, None, 16, watcher)
    assert pictures.records.index.tolist() == [records.index[0], records.index[2]] and pictures.masks is None
    assert "1 pictures cannot be read" in watcher.warnings[0] and "gone.png" in watcher.warnings[0]
    with pytest.raises(DatasetError, match="None of the 1 pictures can be read; first: .*gone.png"):
        decode(dataset, records.iloc[1:2], None, 16, watcher)
