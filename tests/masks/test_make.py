import numpy as np
import pytest
from PIL import Image

from leafcore.checkpoints import open_checkpoint, promote
from leafcore.data.manifest import load, save
from leafcore.data.mask_sets import open_mask_set
from leafcore.data.seen import UNKNOWN, load_seen
from leafcore.errors import CheckpointError, ConfigError, DatasetError, DiskFull, Stopped
from leafcore.files import RESERVE_BYTES
from leafcore.jobs import build_config, submit
from leafcore.masks.cam import explainer
from leafcore.masks.configs import CamConfig, MasksConfig
from leafcore.masks.lflseg import open_lflseg
from leafcore.masks.make import make_masks
from leafcore.masks.maps import threshold
from leafcore.train.device import resolve_device
from tests.conftest import carrier, draw_leaf
from tests.planted import plant_lflseg
from tests.watcher import Watcher

SIZES = [(48, 48), (80, 40), (33, 57), (64, 90), (120, 31), (50, 50)]  # (width, height) in px


@pytest.fixture
def odd(own, tmp_path):
    """A dataset of pictures of different, non-square sizes, that a test may damage."""
    for index, size in enumerate(SIZES):
        for label in ("healthy", "rust"):
            (tmp_path / "odd" / label).mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(draw_leaf(label, seed=index + 50 * len(label))).resize(size)
            picture.save(tmp_path / "odd" / label / f"{label}{index}.png")
    return load(own, carrier(own)("import", source=tmp_path / "odd", name="odd").result()["dataset"])


@pytest.fixture
def config(odd, journey):
    return MasksConfig(dataset=odd.ref, model=journey.runs["lflseg"].id, device="cpu", batch_size=5)


def masks_in(folder):
    return {path.relative_to(folder / "masks").as_posix(): path for path in sorted((folder / "masks").rglob("*.png"))}


def test_every_picture_gets_a_mask_of_its_own_size_in_black_and_white(own, odd, config, tmp_path):
    watcher = Watcher(tmp_path / "run")
    high = config.model_copy(update={"delta": 0.95})  # the model is hardly trained, so its heat maps are nearly flat
    result = make_masks(high, own, watcher)
    files = masks_in(watcher.folder)
    assert set(files) == {f"{image}.png" for image in odd.records["image"]} and result.images == len(files) == 12
    areas = []
    for record in odd.rows():
        with Image.open(files[f"{record['image']}.png"]) as mask:
            assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (record["width"], record["height"]))
            pixels = np.asarray(mask)
        assert set(np.unique(pixels)) <= {0, 255}
        areas.append((pixels == 255).mean())
    assert {record["width"] for record in odd.rows()} == {size[0] for size in SIZES}
    assert result.mean_area == pytest.approx(np.mean(areas), abs=1e-4) and 0 < result.mean_area < 1
    assert (result.empty, result.full) == (sum(area < 0.02 for area in areas), sum(area > 0.98 for area in areas))
    assert watcher.done == 12 and len(watcher.samples) == 1


def test_a_mask_is_the_heat_map_at_the_threshold(own, odd, config, tmp_path):
    watcher = Watcher(tmp_path / "run")
    make_masks(config, own, watcher)
    model = open_lflseg(own, config.model, resolve_device("cpu"))
    for record, look in zip(odd.rows(), model.look(odd.paths(odd.records), 5), strict=True):
        mask = np.asarray(Image.open(masks_in(watcher.folder)[f"{record['image']}.png"])) == 255
        assert np.array_equal(mask, threshold(look.cam, 0.35, record["width"], record["height"]))


def test_a_mask_set_says_how_it_was_made(own, odd, config, journey):
    run = carrier(own)("masks", **config.model_dump())
    masks = open_mask_set(own, run.id)
    assert (masks.card.dataset, masks.card.delta, masks.card.images) == (odd.ref, 0.35, 12)
    assert len(masks.card.model_sha256) == 64 and masks.card.mask_iou is None
    seen = load_seen(run.folder)
    assert seen == load_seen(journey.runs["lflseg"].folder) and set(seen) == {"lflseg", "probe"}
    lflseg = open_checkpoint(own, journey.runs["lflseg"].id)
    assert (masks.card.model, masks.card.model_sha256) == (lflseg.name, lflseg.card.weights_sha256)


def test_a_mask_set_says_how_its_heat_maps_were_drawn(own, config):
    run = carrier(own)("masks", **{**config.model_dump(), "method": "layercam", "layer": "layer1"})
    card = open_mask_set(own, run.id).card
    assert (card.method, card.layer, card.target) == ("layercam", "layer1", "full leaf")
    model = open_lflseg(own, config.model, resolve_device("cpu"), CamConfig(method="layercam", layer="layer1"))
    image = load(own, card.dataset).rows()[0]
    look = next(model.look([load(own, card.dataset).root / image["image"]]))
    mask = np.asarray(Image.open(masks_in(run.folder)[f"{image['image']}.png"])) == 255
    assert look.cam.shape == (16, 16) and np.array_equal(
        mask, threshold(look.cam, 0.35, image["width"], image["height"])
    )


def test_an_unknown_layer_ends_the_run_with_those_there_are(own, config, tmp_path):
    with pytest.raises(ConfigError, match="layer: got 'layer9', expected .*layer1"):
        make_masks(config.model_copy(update={"layer": "layer9"}), own, Watcher(tmp_path / "run"))


def test_where_nothing_speaks_for_a_leaf_masks_are_empty_and_it_is_said(own, config, tmp_path, monkeypatch):
    def against(net, *rest):
        net.get_classifier().weight[0] = -1.0  # the maps are behind a ReLU
        return explainer(net, *rest)

    monkeypatch.setattr("leafcore.masks.lflseg.explainer", against)
    watcher = Watcher(tmp_path / "run")
    result = make_masks(config, own, watcher)
    assert (result.images, result.empty, result.mean_area) == (12, 12, 0)
    assert watcher.warnings == ["In 12 of 12 pictures nothing speaks for the class (full leaf); their masks are empty."]


def test_of_a_model_that_nobody_knows_about_nothing_is_claimed(own, config, tmp_path):
    plant_lflseg(own, "looker")
    make_masks(config.model_copy(update={"model": "looker"}), own, Watcher(tmp_path / "run"))
    assert load_seen(tmp_path / "run") == {UNKNOWN: ["looker (lflseg)"]}


def test_a_half_made_set_is_not_finished_with_another_model(own, odd, config, journey):
    promote(own, journey.runs["lflseg"].id, "looker", epoch=1)
    run = submit(own, "masks", config.model_copy(update={"model": "looker"}))
    pinned = MasksConfig.build(run.record.settings)
    with pytest.raises(Stopped):
        make_masks(pinned, own, Watcher(run.folder, stop_after=4))
    before = {name: path.read_bytes() for name, path in masks_in(run.folder).items()}

    promote(own, journey.runs["lflseg"].id, "looker", epoch=2, replace=True)
    with pytest.raises(CheckpointError, match="looker holds other weights now .* than were asked for") as raised:
        make_masks(pinned, own, Watcher(run.folder))
    assert "\n" not in str(raised.value)
    assert {name: path.read_bytes() for name, path in masks_in(run.folder).items()} == before

    promote(own, journey.runs["lflseg"].id, "looker", epoch=1, replace=True)
    assert make_masks(pinned, own, Watcher(run.folder)).images == 12


def areas_at(delta, own, config, folder):
    make_masks(config.model_copy(update={"delta": delta}), own, Watcher(folder))
    return np.array([np.asarray(Image.open(path)).mean() / 255 for path in masks_in(folder).values()])


def test_delta_0_takes_all_of_a_picture_unless_nothing_speaks_for_a_leaf(own, odd, config, tmp_path):
    model = open_lflseg(own, config.model, resolve_device("cpu"))
    speaks = [float(look.cam.any()) for look in model.look(odd.paths(odd.records), 5)]
    assert areas_at(0.0, own, config, tmp_path / "run").tolist() == speaks


def test_delta_1_takes_next_to_nothing(own, config, tmp_path):
    areas = areas_at(1.0, own, config, tmp_path / "one")
    assert (areas <= areas_at(0.9, own, config, tmp_path / "nine")).all() and areas.max() < 0.4


def test_a_picture_that_cannot_be_read_is_skipped_and_named(own, odd, config, tmp_path):
    broken = odd.records["image"].iloc[3]
    (odd.root / broken).write_bytes(b"no picture any more")
    watcher = Watcher(tmp_path / "run")
    result = make_masks(config, own, watcher)
    assert list(result.skipped) == [broken] and "not a picture" in result.skipped[broken]
    assert result.images == 11 and f"{broken}.png" not in masks_in(watcher.folder)
    assert len(watcher.warnings) == 1 and watcher.warnings[0].startswith("1 pictures have no mask")


def test_a_dataset_that_cannot_be_read_at_all_is_refused(own, odd, config, tmp_path):
    for path in odd.paths(odd.records):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match=f"no picture of {odd.ref} could be read; first: ") as raised:
        make_masks(config, own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value)


def test_a_resumed_run_keeps_the_masks_that_are_there(own, config, tmp_path):
    with pytest.raises(Stopped):
        make_masks(config, own, Watcher(tmp_path / "run", stop_after=4))
    before = {name: path.stat().st_mtime_ns for name, path in masks_in(tmp_path / "run").items()}
    assert 4 <= len(before) < 12 and not (tmp_path / "run" / "mask_set.json").exists()
    result = make_masks(config, own, Watcher(tmp_path / "run"))
    after = {name: path.stat().st_mtime_ns for name, path in masks_in(tmp_path / "run").items()}
    assert {name: after[name] for name in before} == before and len(after) == 12
    assert result == make_masks(config, own, Watcher(tmp_path / "whole"))


def test_a_picture_that_went_after_its_mask_was_made_does_not_end_the_run(own, odd, config, tmp_path):
    with pytest.raises(Stopped):
        make_masks(config, own, Watcher(tmp_path / "run", stop_after=4))
    (odd.root / odd.records["image"].iloc[0]).unlink()
    watcher = Watcher(tmp_path / "run")
    assert make_masks(config, own, watcher).images == 12
    assert any(odd.records["image"].iloc[0] in text for text in watcher.warnings)


def test_a_full_disk_is_refused_before_the_first_mask(own, config, tmp_path, monkeypatch):
    from leafcore import files

    usage = files.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage._replace(free=RESERVE_BYTES))
    with pytest.raises(DiskFull, match="nearly full"):
        make_masks(config, own, Watcher(tmp_path / "run"))
    assert not masks_in(tmp_path / "run")


def test_a_model_that_is_no_lflseg_model_is_refused(own, config, tmp_path):
    with pytest.raises(CheckpointError, match="is a leafgan model, expected an lflseg model"):
        make_masks(config.model_copy(update={"model": "healthy-to-rust"}), own, Watcher(tmp_path / "run"))


# --- exact masks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_masks(own, odd):
    """The odd dataset with exact masks: the upper half of each picture."""
    records = odd.records.copy()
    records["mask"] = [f"exact/{index}.png" for index in range(len(records))]
    (odd.root / "exact").mkdir()
    for record in records.to_dict("records"):
        exact = np.zeros((record["height"], record["width"]), np.uint8)
        exact[: len(exact) // 2] = 255
        Image.fromarray(exact).save(odd.root / record["mask"])
    return save(own, "exact", records, odd.card)


def test_masks_are_measured_against_exact_ones(own, with_masks, config, tmp_path):
    config = config.model_copy(update={"dataset": with_masks.ref})
    result = make_masks(config, own, Watcher(tmp_path / "run"))
    overlaps = {"train": [], "val": [], "test": []}
    for record in with_masks.rows():
        mask = np.asarray(Image.open(masks_in(tmp_path / "run")[f"{record['image']}.png"])) == 255
        exact = np.asarray(Image.open(with_masks.root / record["mask"])) == 255
        overlaps[record["split"]].append((mask & exact).sum() / (mask | exact).sum())
    assert all(overlaps.values())
    for split, found in overlaps.items():
        assert result.overlaps[split].images == len(found)
        assert result.overlaps[split].mask_iou == pytest.approx(np.mean(found), abs=1e-4)
    assert result.mask_iou == pytest.approx(np.mean(overlaps["train"] + overlaps["val"]), abs=1e-4), "no test picture"


def test_exact_masks_of_test_pictures_cannot_be_tuned_for(own, with_masks, config, tmp_path):
    config = config.model_copy(update={"dataset": with_masks.ref})
    before = make_masks(config, own, Watcher(tmp_path / "before"))
    for record in with_masks.rows(with_masks.select(split="test")):
        Image.new("L", (record["width"], record["height"]), 255).save(with_masks.root / record["mask"])
    after = make_masks(config, own, Watcher(tmp_path / "after"))
    assert after.mask_iou == before.mask_iou and after.overlaps["test"] != before.overlaps["test"]


def test_an_exact_mask_that_cannot_be_read_does_not_end_the_run(own, with_masks, config, tmp_path):
    (with_masks.root / "exact" / "2.png").write_bytes(b"")
    watcher = Watcher(tmp_path / "run")
    result = make_masks(config.model_copy(update={"dataset": with_masks.ref}), own, watcher)
    assert result.images == 12 and result.mask_iou is not None
    assert len(watcher.warnings) == 1 and "2.png" in watcher.warnings[0]


def test_delta_is_a_share(journey):
    from leafcore.errors import ConfigError

    with pytest.raises(ConfigError, match="delta: got 1.5"):
        build_config("masks", {"dataset": journey.dataset, "model": "m", "delta": 1.5})
