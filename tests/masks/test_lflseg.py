import numpy as np
import pytest
import torch
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import load
from leafcore.data.transforms import limit_detail
from leafcore.errors import CheckpointError, NotFoundError
from leafcore.generate import load_network
from leafcore.images import load_square, to_signed
from leafcore.masks.cam import class_activation_maps, explainer
from leafcore.masks.lflseg import open_lflseg
from tests.planted import plant

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
    checkpoint = open_checkpoint(journey.workspace, journey.runs["lflseg"].id)
    network = load_network(checkpoint, "classifier", CPU)
    pixels = torch.tensor(load_square(paths[0], 64)).permute(2, 0, 1)[None]
    shown = limit_detail(pixels, [checkpoint.card.description["detail"]], 64)
    wanted = class_activation_maps(network, shown / 127.5 - 1, target=0)
    look = next(iter(model.look(paths[:1])))
    assert np.allclose(look.cam, wanted.maps[0], atol=1e-6)
    assert np.allclose(look.probabilities, wanted.probabilities[0], atol=1e-6)


# --- what the weights were trained on ---------------------------------------------------------------------------------


IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def planted(workspace, **values):
    nets = {"classifier": {"type": "backbone", "args": {"name": "test_resnet", "num_classes": 3}}}
    checkpoint = plant(workspace, "looker", {"recipe": "lflseg", "size_px": 64, "nets": nets, **values})
    return open_lflseg(workspace, checkpoint.name, CPU)


@pytest.fixture
def shown(monkeypatch):
    """Return a list that fills with what the network is shown."""
    seen = []

    def watched(*args):
        explain = explainer(*args)
        return lambda images: seen.append(images) or explain(images)

    monkeypatch.setattr("leafcore.masks.lflseg.explainer", watched)
    return seen


def test_pictures_are_scaled_as_the_description_says(workspace, paths, shown):
    list(planted(workspace, input=IMAGENET).look(paths[:1]))
    mean, std = (torch.tensor(IMAGENET[name]).view(3, 1, 1) for name in ("mean", "std"))
    pixels = torch.tensor(load_square(paths[0], 64)).permute(2, 0, 1)
    assert torch.allclose(shown[0][0], (pixels / 255 - mean) / std, atol=1e-6)


def test_weights_whose_description_says_nothing_see_pictures_between_minus_one_and_one(workspace, paths, shown):
    list(planted(workspace).look(paths[:1]))
    pixels = torch.tensor(load_square(paths[0], 64)).permute(2, 0, 1)
    assert torch.allclose(shown[0][0], to_signed(pixels), atol=1e-6), "and all their detail"


def test_pictures_show_no_more_detail_than_while_training(workspace, paths, shown):
    list(planted(workspace, detail=0.25).look(paths[:3], batch_size=2))
    pixels = np.stack([load_square(path, 64) for path in paths[:3]])
    wanted = limit_detail(torch.tensor(pixels).permute(0, 3, 1, 2), [0.25] * 3, 64) / 127.5 - 1
    assert torch.allclose(torch.cat(shown), wanted, atol=1e-6)


# --- bad files, bad names ---------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("mode", "size"), [("RGB", (1, 1)), ("CMYK", (40, 30)), ("L", (3000, 2))])
def test_odd_pictures_have_finite_heat_maps(model, tmp_path, mode, size):
    Image.new(mode, size, 90 if mode == "L" else (90, 80, 70, 60)[: len(mode)]).save(tmp_path / "odd.jpg")
    look = next(model.look([tmp_path / "odd.jpg"]))
    assert np.isfinite(look.cam).all() and look.probabilities.sum() == pytest.approx(1)


def test_a_model_of_another_recipe_is_refused(journey):
    with pytest.raises(CheckpointError, match="healthy-to-rust is a leafgan model, expected an lflseg model") as raised:
        open_lflseg(journey.workspace, "healthy-to-rust", CPU)
    assert "\n" not in str(raised.value)


def test_an_unknown_model_is_refused_with_those_there_are(journey):
    with pytest.raises(NotFoundError, match="checkpoint: got 'nothing', known: healthy-to-rust"):
        open_lflseg(journey.workspace, "nothing", CPU)
