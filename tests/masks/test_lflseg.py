import numpy as np
import pytest
import torch
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.errors import CheckpointError, NotFoundError
from leafcore.generate import load_network
from leafcore.images import load_square, to_signed
from leafcore.masks.cam import class_activation_maps
from leafcore.masks.lflseg import open_lflseg

CPU = torch.device("cpu")


@pytest.fixture
def model(journey):
    return open_lflseg(journey.workspace, journey.runs["lflseg"].id, CPU)


@pytest.fixture
def paths(journey):
    dataset = load(journey.workspace, journey.dataset)
    return dataset.paths(dataset.records.iloc[::9])


def test_looks_come_in_order_whatever_the_batch(model, paths):
    one_by_one, together = list(model.look(paths, 1)), list(model.look(paths, 4))
    assert [look.path for look in together] == paths
    for first, second in zip(one_by_one, together, strict=True):
        assert np.allclose(first.cam, second.cam, atol=1e-4)
        assert np.allclose(first.probabilities, second.probabilities, atol=1e-5)


def test_a_look_is_the_heat_map_of_the_full_leaf(journey, model, paths):
    network = load_network(open_checkpoint(journey.workspace, journey.runs["lflseg"].id), "classifier", CPU)
    pixels = torch.tensor(load_square(paths[0], 64)).permute(2, 0, 1)[None]
    wanted = class_activation_maps(network, to_signed(pixels), target=0)
    look = next(iter(model.look(paths[:1])))
    assert np.allclose(look.cam, wanted.maps[0], atol=1e-6)
    assert np.allclose(look.probabilities, wanted.probabilities[0], atol=1e-6)


def test_a_picture_that_cannot_be_read_is_reported_in_its_place(model, paths, tmp_path):
    broken, missing = tmp_path / "broken.png", tmp_path / "missing.png"
    broken.write_bytes(b"no picture")
    looks = list(model.look([paths[0], broken, paths[1], missing], batch_size=3))
    assert [look.cam is None for look in looks] == [False, True, False, True]
    assert str(broken) in looks[1].problem and str(missing) in looks[3].problem
    assert looks[1].probabilities.tolist() == [0, 0, 0]


def test_a_batch_of_unreadable_pictures_is_no_error(model, tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    assert [look.cam for look in model.look([tmp_path / "x.png"])] == [None]


def test_grey_and_transparent_pictures_are_looked_at_too(model, tmp_path):
    Image.new("L", (30, 50), 99).save(tmp_path / "grey.png")
    Image.new("RGBA", (50, 30), (10, 200, 10, 90)).save(tmp_path / "clear.png")
    assert all(look.cam is not None for look in model.look(sorted(tmp_path.glob("*.png"))))


def test_a_model_of_another_recipe_is_refused(journey):
    with pytest.raises(CheckpointError, match="healthy-to-rust is a leafgan model, expected an lflseg model") as raised:
        open_lflseg(journey.workspace, "healthy-to-rust", CPU)
    assert "\n" not in str(raised.value)


def test_an_unknown_model_is_refused_with_those_there_are(journey):
    with pytest.raises(NotFoundError, match="checkpoint: got 'nothing', known: healthy-to-rust"):
        open_lflseg(journey.workspace, "nothing", CPU)
