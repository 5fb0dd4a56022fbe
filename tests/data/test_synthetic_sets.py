import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leafcore.data.ledger import Ledger
from leafcore.data.recipes import read_recipe
from leafcore.data.synthetic_sets import (
    PNG_KEY,
    ChainStep,
    Provenance,
    open_synthetic_set,
    synthetic_runs,
)
from leafcore.errors import DatasetError, NotFoundError
from leafcore.export.configs import ExportConfig
from leafcore.images import encode_jpeg, encode_png
from leafcore.runs import Run, create_run
from leafcore.status import State
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.workspace import Workspace
from tests.conftest import Journey

STEP = ChainStep(checkpoint="healthy-to-rust", recipe="leafgan", run="r1", epoch=7, weights_sha256="cd")


def provenance(file: str, **changes: object) -> Provenance:
    values: dict[str, object] = {
        "file": file,
        "labels": "rust scab",
        "label_rule": "union, healthy dropped",
        "source": "healthy/größe, 1.jpg",
        "source_sha256": "ab",
        "source_labels": "healthy",
        "group": "007",
        "split": "train",
        "dataset": "leaves@1",
        "chain": (STEP, STEP),
        "size_px": 32,
        "seed": 2**32 - 1,
        "run": "r2",
        "config_hash": "ef",
        "code_version": "0.1.0",
        "source_license": 'CC-BY-4.0, "as is"',
        "weights_license": "MIT",
    }
    return Provenance.model_validate({**values, **changes})


def write(folder: Path, ledger: Ledger, *files: str) -> None:
    for file in files:
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images" / file).write_bytes(b"picture")
        ledger.append(provenance(file), sha256=f"hash of {file}")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the ledger -----------------------------------------------------------------------------------------------------


def test_rows_are_there_again_after_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.rows == [] and ledger.files == set()
    write(tmp_path, ledger, "0.png", "1.png")
    again = Ledger(tmp_path)
    assert again.rows == ledger.rows and again.files == {"0.png", "1.png"}
    assert Provenance.model_validate(again.rows[0]) == provenance("0.png")


def test_a_half_written_line_is_dropped_wherever_it_was_cut(tmp_path: Path) -> None:
    write(tmp_path, Ledger(tmp_path), "0.png", "1.png")
    whole = (tmp_path / "rows.jsonl").read_bytes()
    first = whole.index(b"\n") + 1
    after_a_brace = [cut for cut in range(first + 1, len(whole) - 1) if whole[cut - 1 : cut] == b"}"]
    assert len(after_a_brace) == 2  # of the chain: there the line looks whole
    for cut in [*after_a_brace, *range(first + 1, len(whole) - 1, 40)]:
        (tmp_path / "rows.jsonl").write_bytes(whole[:cut])
        assert Ledger(tmp_path).files == {"0.png"}, cut


def test_what_is_appended_after_a_half_written_line_is_kept(tmp_path: Path) -> None:
    write(tmp_path, Ledger(tmp_path), "0.png", "1.png")
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(rows.read_bytes()[:-50])
    write(tmp_path, Ledger(tmp_path), "1.png", "2.png")
    assert [row["file"] for row in Ledger(tmp_path).rows] == ["0.png", "1.png", "2.png"]


def test_a_row_without_its_picture_is_dropped_and_may_be_made_again(tmp_path: Path) -> None:
    write(tmp_path, Ledger(tmp_path), "0.png", "1.png")
    (tmp_path / "images" / "0.png").unlink()
    assert Ledger(tmp_path).files == {"1.png"}
    write(tmp_path, Ledger(tmp_path), "0.png")
    assert sorted(row["file"] for row in Ledger(tmp_path).rows) == ["0.png", "1.png"]


def test_reading_a_whole_ledger_does_not_rewrite_it(tmp_path: Path) -> None:
    write(tmp_path, Ledger(tmp_path), "0.png")
    before = (tmp_path / "rows.jsonl").stat()
    Ledger(tmp_path)
    assert (tmp_path / "rows.jsonl").stat().st_ino == before.st_ino


# --- the tables -----------------------------------------------------------------------------------------------------


def test_the_tables_have_a_row_per_picture_sorted_by_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    write(tmp_path, ledger, "1.png", "0.png")
    ledger.write_tables()
    assert read_csv(tmp_path / "labels.csv") == [
        {"image": "0.png", "labels": "rust scab"},
        {"image": "1.png", "labels": "rust scab"},
    ]
    rows = read_csv(tmp_path / "manifest.csv")
    assert list(rows[0]) == [*Provenance.model_fields, "sha256", "phash"]
    assert [row["file"] for row in rows] == ["0.png", "1.png"]
    assert rows[0]["source"] == "healthy/größe, 1.jpg" and rows[0]["source_license"] == 'CC-BY-4.0, "as is"'
    assert rows[0]["sha256"] == "hash of 0.png" and rows[0]["synthetic"] == "True"
    assert json.loads(rows[0]["chain"]) == [STEP.model_dump()] * 2


def test_the_same_pictures_give_the_same_tables(tmp_path: Path) -> None:
    for name, files in (("one", ("0.png", "1.png")), ("two", ("1.png", "0.png"))):
        (tmp_path / name).mkdir()
        ledger = Ledger(tmp_path / name)
        write(tmp_path / name, ledger, *files)
        ledger.write_tables()
    for table in ("manifest.csv", "labels.csv"):
        assert (tmp_path / "one" / table).read_bytes() == (tmp_path / "two" / table).read_bytes()


def test_a_set_that_older_code_began_has_the_newer_columns_too(tmp_path: Path) -> None:
    write(tmp_path, Ledger(tmp_path), "0.png")
    older = json.loads((tmp_path / "rows.jsonl").read_text())
    del older["phash"]
    (tmp_path / "rows.jsonl").write_text(json.dumps(older) + "\n")
    ledger = Ledger(tmp_path)
    ledger.append(provenance("0.png"), sha256="hash", phash="0123456789abcdef")
    ledger.write_tables()
    assert [row["phash"] for row in read_csv(tmp_path / "manifest.csv")] == ["", "0123456789abcdef"]


def test_a_set_without_pictures_has_no_tables(tmp_path: Path) -> None:
    Ledger(tmp_path).write_tables()
    assert list(tmp_path.iterdir()) == []


# --- the set --------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(workspace: Workspace) -> Run:
    return create_run(workspace, "synthesize", ExportConfig(run="any"))


def test_a_set_is_read_with_its_text_as_it_was_written(workspace: Workspace, run: Run) -> None:
    ledger = Ledger(run.folder)
    write(run.folder, ledger, "0.png")
    (run.folder / "images" / "1.png").write_bytes(b"")
    ledger.append(provenance("1.png", labels="01", group="1e5", source_sha256="0" * 63 + "1"), sha256="2")
    ledger.write_tables()
    pictures = open_synthetic_set(workspace, run.id)
    assert pictures.id == run.id and pictures.folder == run.folder
    assert pictures.paths() == [run.folder / "images" / "0.png", run.folder / "images" / "1.png"]
    assert pictures.manifest["labels"].tolist() == ["rust scab", "01"]
    assert pictures.manifest["group"].tolist() == ["007", "1e5"]
    assert pictures.manifest["source_sha256"].tolist() == ["ab", "0" * 63 + "1"]
    assert pictures.manifest["seed"].tolist() == [2**32 - 1] * 2
    assert pictures.manifest["size_px"].tolist() == [32, 32]


def test_labels_and_groups_that_are_numbers_stay_text(workspace: Workspace, run: Run) -> None:
    ledger = Ledger(run.folder)
    (run.folder / "images").mkdir()
    for number in ("007", "010"):
        (run.folder / "images" / f"{number}.png").write_bytes(b"")
        ledger.append(provenance(f"{number}.png", labels=number, group=number), sha256=number)
    ledger.write_tables()
    manifest = open_synthetic_set(workspace, run.id).manifest
    assert manifest["labels"].tolist() == manifest["group"].tolist() == manifest["sha256"].tolist() == ["007", "010"]


def test_a_run_without_pictures_is_no_synthetic_set(workspace: Workspace, run: Run) -> None:
    with pytest.raises(NotFoundError, match=f"run {run.id} is a synthesize run in state queued and holds no synthetic"):
        open_synthetic_set(workspace, run.id)
    with pytest.raises(NotFoundError, match="there is no run 'nothing'"):
        open_synthetic_set(workspace, "nothing")


# --- the recipe inside a picture ------------------------------------------------------------------------------------


def test_a_picture_carries_its_recipe(tmp_path: Path) -> None:
    recipe = provenance("0.png")
    picture = np.zeros((4, 4, 3), np.uint8)
    (tmp_path / "0.png").write_bytes(encode_png(picture, {PNG_KEY: recipe.model_dump_json()}))
    assert Provenance.model_validate(read_recipe(tmp_path / "0.png")) == recipe


def test_a_picture_without_a_recipe_says_so(tmp_path: Path) -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    (tmp_path / "plain.png").write_bytes(encode_png(picture, {"Comment": "a leaf"}))
    (tmp_path / "plain.jpg").write_bytes(encode_jpeg(picture))
    assert read_recipe(tmp_path / "plain.png") is None
    assert read_recipe(tmp_path / "plain.jpg") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"leaf", "not a picture"), (encode_png(np.zeros((4, 4, 3), np.uint8), {PNG_KEY: "{"}), "is no JSON")],
)
def test_a_damaged_picture_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "0.png").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_recipe(tmp_path / "0.png")


def test_a_finished_synthesis_names_the_source_of_every_picture(journey: Journey) -> None:
    pictures = open_synthetic_set(journey.workspace, journey.runs["synthesize"].id)
    assert len(pictures.manifest) == 6 and set(pictures.manifest["split"]) == {"train"}
    for path, row in zip(pictures.paths(), pictures.manifest.to_dict("records"), strict=True):
        with Image.open(path) as image:
            assert image.size == (row["size_px"], row["size_px"])
        recipe = Provenance.model_validate(read_recipe(path))
        assert recipe.source == row["source"] and recipe.group == row["group"] and recipe.seed == row["seed"]
        assert json.loads(row["chain"]) == [step.model_dump() for step in recipe.chain]


def test_the_synthetic_sets_of_a_dataset_are_those_of_every_version_of_it(workspace: Workspace) -> None:
    def made(dataset: str, state: State = "done") -> str:
        run = create_run(workspace, "synthesize", SynthesizeConfig(chain=("to-rust",), dataset=dataset))
        run.finish(state)
        return run.id

    first, second = made("leaves@1"), made("leaves@2")
    made("leaves-2@1")
    made("leaves@1", "failed")
    assert [run.id for run in synthetic_runs(workspace, "leaves")] == [second, first]
