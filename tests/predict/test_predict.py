import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from leafcore.checkpoints import open_checkpoint
from leafcore.classifier_checks import best_epoch_of
from leafcore.cli import main
from leafcore.data.manifest import load
from leafcore.errors import CheckpointError, ConfigError, DatasetError, Stopped
from leafcore.images import load_square
from leafcore.jobs import build_config, submit
from leafcore.measure.trained_classifier import TrainedClassifier
from leafcore.predict import predict as verb
from tests.watcher import Watcher


@pytest.fixture
def folder(leaf_folders, tmp_path) -> Path:
    """A folder of four pictures, one of them in a folder of its own, and a file that is none."""
    target = tmp_path / "photos"
    (target / "more").mkdir(parents=True)
    for index, source in enumerate(sorted(leaf_folders.rglob("*.png"))[:4]):
        shutil.copy(source, target / ("more" if index == 3 else "") / f"leaf-{index}.png")
    (target / "broken.jpg").write_bytes(b"no picture")
    return target


def table(run) -> pd.DataFrame:
    return pd.read_csv(run.result()["csv"], keep_default_na=False)


def test_a_folder_is_named_and_what_cannot_be_read_is_told(carry, classifier, own, folder):
    run = carry("predict", model=classifier.id, path=str(folder))
    found = table(run)
    assert list(found["image"]) == ["leaf-0.png", "leaf-1.png", "leaf-2.png", "more/leaf-3.png"]
    assert list(found.columns) == ["image", "labels", "healthy", "rust", "scab"]
    assert np.allclose(found[["healthy", "rust", "scab"]].sum(axis=1), 1, atol=1e-5)
    assert list(found["labels"]) == list(found[["healthy", "rust", "scab"]].idxmax(axis=1))
    assert "broken.jpg" in run.status().warnings[0] and list(run.result()["unreadable"]) == ["broken.jpg"]
    assert sum(run.result()["labels"].values()) == run.result()["images"] == 4
    assert run.record.settings["model"].startswith(f"{classifier.id}@{classifier.result()['best_epoch']}#")


def test_probabilities_are_those_of_the_network(carry, classifier, own, folder):
    found = table(carry("predict", model=classifier.id, path=str(folder / "leaf-1.png")))
    model = TrainedClassifier(open_checkpoint(own, best_epoch_of(own, classifier.id)), torch.device("cpu"))
    picture = torch.from_numpy(load_square(folder / "leaf-1.png", 32).copy()).permute(2, 0, 1)[None]
    assert found[["healthy", "rust", "scab"]].to_numpy()[0] == pytest.approx(model.probabilities(picture)[0], abs=2e-6)


def test_tiles_and_views_leave_their_mark_and_are_counted(carry, classifier, folder):
    once, often = (
        carry("predict", model=classifier.id, path=str(folder), **how) for how in ({}, {"tiles": 4, "tta": 4})
    )
    assert (once.result()["views"], often.result()["views"]) == (1, 20)
    probabilities = [table(run)[["healthy", "rust", "scab"]].to_numpy() for run in (once, often)]
    assert not np.allclose(*probabilities) and np.allclose(probabilities[1].sum(1), 1, atol=1e-5)


def test_a_split_is_named_and_looks_at_the_test_split_are_counted(carry, classifier, own, journey):
    asked = {"model": classifier.id, "dataset": journey.dataset}
    val, test, again = (carry("predict", **asked, split=split) for split in ("val", "test", "test"))
    assert list(table(val)["image"]) == list(load(own, journey.dataset).select(split="val")["image"])
    opened = [run.result()["test_opened"] for run in (val, test, again)]
    before = opened[1] - 1  # by other tests of this workspace
    assert opened == [0, before + 1, before + 2]
    dataset = load(own, journey.dataset)
    paths = (dataset.paths(dataset.select(split=split))[0] for split in ("val", "test"))
    by_path = [carry("predict", model=classifier.id, path=str(path)).result()["test_opened"] for path in paths]
    assert by_path == [0, before + 3], "a file that is a test picture opens the test split too"


def test_a_stopped_run_keeps_what_it_named_and_a_resumed_one_asks_for_the_rest(
    own, classifier, folder, tmp_path, monkeypatch
):
    config = build_config("predict", {"model": best_epoch_of(own, classifier.id), "path": str(folder), "batch_size": 1})
    whole = verb.predict(config, own, Watcher(tmp_path / "whole"))
    with pytest.raises(Stopped):
        verb.predict(config, own, Watcher(tmp_path / "run", stop_after=3))  # broken.jpg and two leaves
    table = tmp_path / "run" / "predictions.csv"
    assert list(pd.read_csv(table)["image"]) == ["leaf-0.png", "leaf-1.png"]
    with (tmp_path / "run" / "said.jsonl").open("a") as file:
        file.write('{"image": "leaf-2.png", "proba')  # a crash in the middle of a line
    asked: list[str] = []
    ask = verb.Predictor.predict

    def predict(predictor, paths, batch_size):
        asked.extend(path.name for path in paths)
        return ask(predictor, paths, batch_size)

    monkeypatch.setattr(verb.Predictor, "predict", predict)
    again = verb.predict(config, own, Watcher(tmp_path / "run"))
    assert asked == ["broken.jpg", "leaf-2.png", "leaf-3.png"]
    assert table.read_bytes() == Path(whole.csv).read_bytes()
    assert again.model_dump(exclude={"csv", "test_opened"}) == whole.model_dump(exclude={"csv", "test_opened"})


def test_a_competition_gets_a_row_of_every_picture(carry, classifier, own, journey, folder):
    (folder / "more" / "torn.png").write_bytes(b"no picture")
    run = carry("predict", model=classifier.id, path=str(folder), layout="plant-pathology-2021")
    found = table(run).set_index("image")["labels"]
    assert len(found) == 6 and list(found[["broken.jpg", "torn.png"]]) == ["healthy", "healthy"]
    assert run.result()["fallback"] == "healthy" and run.result()["images"] == 4
    assert run.status().warnings == (
        "Pictures that cannot be read count as healthy, 2 in all: broken.jpg, more/torn.png",
    )


def test_pictures_of_one_name_are_refused_before_any_is_looked_at(carry, classifier, folder):
    shutil.copy(folder / "leaf-0.png", folder / "more" / "leaf-0.png")
    with pytest.raises(ConfigError, match="leaf-0.png and more/leaf-0.png are both leaf-0.png"):
        carry("predict", model=classifier.id, path=str(folder), layout="plant-pathology-2021")


def test_heat_maps_are_drawn_over_the_photographs(carry, classifier, folder):
    run = carry("predict", model=classifier.id, path=str(folder), cam=True)
    drawn = sorted(path.relative_to(run.folder / "cams").as_posix() for path in (run.folder / "cams").rglob("*.jpg"))
    assert drawn == ["leaf-0.png.jpg", "leaf-1.png.jpg", "leaf-2.png.jpg", "more/leaf-3.png.jpg"]
    with Image.open(run.folder / "cams" / "leaf-0.png.jpg") as overlay, Image.open(folder / "leaf-0.png") as photo:
        assert overlay.size == photo.size


def test_cassavas_numbers_come_from_beside_the_pictures(carry, classifier, own, journey, folder):
    root = load(own, journey.dataset).root
    with pytest.raises(DatasetError, match="label_num_to_disease_map.json: there is no such file"):
        carry("predict", model=classifier.id, path=str(folder), layout="cassava")
    numbers = root / "label_num_to_disease_map.json"
    numbers.write_text(json.dumps({"0": "scab", "1": "rust", "2": "healthy"}))
    try:
        found = table(carry("predict", model=classifier.id, path=str(folder), layout="cassava"))
    finally:
        numbers.unlink()
    assert list(found.columns) == ["image_id", "label"] and set(found["label"]) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "path: got neither a path and a dataset"),
        ({"path": "x", "dataset": "leaves"}, "path: got both a path and a dataset"),
        ({"path": "x", "tiles": 5}, "tiles: got 5, expected 0, 4, 9 or 16"),
        ({"path": "x", "tta": 3}, "tta: got 3, expected 1, 2, 4 or 8"),
    ],
)
def test_wrong_settings_are_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        build_config("predict", {"model": "m", **values})


def test_what_is_no_classifier_or_no_folder_is_refused_before_a_run_is_made(own, journey, classifier, tmp_path):
    with pytest.raises(CheckpointError, match="model: sample-lflseg is a lflseg model, expected a classifier"):
        submit(own, "predict", build_config("predict", {"model": "sample-lflseg", "path": str(tmp_path)}))
    with pytest.raises(DatasetError, match="path: .*nowhere is not there"):
        submit(own, "predict", build_config("predict", {"model": classifier.id, "path": str(tmp_path / "nowhere")}))


def test_a_folder_without_a_readable_picture_fails_in_one_line(carry, classifier, tmp_path):
    with pytest.raises(DatasetError, match="holds no picture"):
        carry("predict", model=classifier.id, path=str(tmp_path))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="No picture of 1 can be read; .*broken.png"):
        carry("predict", model=classifier.id, path=str(tmp_path))


def test_the_command_copies_the_table(own, classifier, folder, tmp_path, capsys):
    target = tmp_path / "out" / "labels.csv"
    command = ["predict", classifier.id, str(folder), "--to", str(target), "--preset", "study", "--json"]
    assert main([*command, "--workspace", str(own.root)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["csv"] == str(target) and answer["views"] == 20
    assert target.read_bytes() == Path(answer["path"], "predictions.csv").read_bytes()
