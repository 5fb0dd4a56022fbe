import csv
import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from leafcore import files
from leafcore.chains import open_chain
from leafcore.checkpoints import promote
from leafcore.data.duplicates import perceptual_hash
from leafcore.data.manifest import load
from leafcore.data.recipes import read_recipe
from leafcore.data.seen import UNKNOWN, load_seen, save_seen
from leafcore.data.synthetic_sets import Provenance, Verified
from leafcore.errors import CheckpointError, ConfigError, DatasetError, DiskFull, NotFoundError, Stopped
from leafcore.generate import Chain
from leafcore.images import encode_png, load_square, open_rgb, to_signed, to_uint8
from leafcore.jobs import execute, submit
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.sources import choose_sources
from leafcore.synthesize.synthesize import synthesize
from tests.conftest import carrier, write_folders
from tests.manifests import read_manifest
from tests.planted import plant_translator
from tests.watcher import Watcher


def rows_in(folder):
    """Return the manifest's rows, each value as the picture's own recipe has it."""
    rows = read_manifest(folder).to_dict("records")
    lists = [{key: json.loads(row[key]) for key in ("chain", "failed") if key in row} for row in rows]
    return [{**row, **parsed} for row, parsed in zip(rows, lists, strict=True)]


def pictures_in(folder):
    return {path.name: path for path in sorted((folder / "images").iterdir())}


def changed(config, **values):
    return SynthesizeConfig.build({**config.model_dump(), **values})


@pytest.fixture
def perishable(own, tmp_path):
    """A dataset whose pictures a test may damage; its name@version."""
    source = write_folders(tmp_path / "mine", {"healthy": 12, "rust": 6, "scab": 6})
    return load(own, carrier(own)("import", source=source, name="mine").result()["dataset"])


# --- sources ----------------------------------------------------------------------------------------------------------


def test_sources_are_train_pictures_and_none_is_used_twice(own, config, tmp_path):
    result = synthesize(config, own, Watcher(tmp_path / "run"))
    dataset = load(own, config.dataset)
    rows = rows_in(tmp_path / "run")
    allowed = dataset.select(split="train", labels="healthy").set_index("image")
    assert result.count == len(rows) == len({row["source"] for row in rows}) == 8
    for row in rows:
        record = allowed.loc[row["source"]]
        assert (row["source_sha256"], row["group"], row["split"]) == (record["sha256"], record["group"], "train")
    assert set(load_seen(tmp_path / "run")["source"]) == {row["source_sha256"] for row in rows}


def test_every_source_may_be_used_and_no_more(own, config, tmp_path):
    dataset = load(own, config.dataset)
    available = len(dataset.select(split="train", labels="healthy"))
    assert len(choose_sources(dataset, "healthy", available, seed=0)["image"].unique()) == available
    with pytest.raises(ConfigError, match=f"count: got {available + 1}, but only {available} train pictures") as raised:
        synthesize(changed(config, count=available + 1), own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value) and f"Ask for at most {available}" in str(raised.value)
    assert not (tmp_path / "run" / "images").exists()


def test_sources_that_judge_are_refused_with_the_reason_unless_somebody_says_why(own, config, tmp_path):
    with pytest.raises(ConfigError, match="sources_from: got 'test'.* no score on test pictures would count") as raised:
        changed(config, sources_from="test", count=2)
    assert "\n" not in str(raised.value) and "override" in str(raised.value)
    asked = changed(config, sources_from="test", count=2, override="to look at, never to learn from")
    synthesize(asked, own, Watcher(tmp_path / "run"))
    test = set(load(own, config.dataset).select(split="test", labels="healthy")["image"])
    for row in rows_in(tmp_path / "run"):
        assert (row["source"] in test, row["split"], row["override"]) == (True, "test", asked.override)
    with pytest.raises(ConfigError, match="override: train pictures need none"):
        changed(config, override="why not")


def test_another_seed_chooses_other_sources(own, config):
    dataset = load(own, config.dataset)
    chosen = [list(choose_sources(dataset, "healthy", 5, seed)["image"]) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2] and set(chosen[0]) != set(chosen[2])


def test_unknown_labels_are_refused_with_those_there_are(own, config, tmp_path):
    with pytest.raises(DatasetError, match="label: got 'mildew', expected one of .*: healthy, rust, scab"):
        synthesize(changed(config, source="mildew"), own, Watcher(tmp_path / "run"))


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_is_its_source_through_the_chain(own, config, tmp_path):
    config = changed(config, chain="to-rust,to-scab")
    result = synthesize(config, own, Watcher(tmp_path / "run"))
    dataset, chain = load(own, config.dataset), Chain(open_chain(own, config.chain), torch.device("cpu"))
    assert (result.labels, result.size_px) == ("rust scab", 32)
    for row in rows_in(tmp_path / "run"):
        pixels = torch.tensor(load_square(dataset.root / row["source"], 32)).permute(2, 0, 1)[None]
        wanted = to_uint8(chain(to_signed(pixels))[-1])[0].astype(int)
        with Image.open(tmp_path / "run" / "images" / row["file"]) as picture:
            assert (picture.format, picture.size) == ("PNG", (32, 32))
            assert np.abs(np.asarray(picture).astype(int) - wanted).max() <= 1, "batches differ by rounding at most"


def test_the_same_seed_gives_the_same_bytes(own, config, tmp_path):
    folders = [tmp_path / side / "run" for side in ("left", "right")]
    for folder in folders:
        synthesize(config, own, Watcher(folder))
    first, second = ({name: path.read_bytes() for name, path in pictures_in(folder).items()} for folder in folders)
    assert first == second and len(first) == 8
    assert (folders[0] / "manifest.csv").read_bytes() == (folders[1] / "manifest.csv").read_bytes()


def test_a_shorter_set_of_the_same_seed_is_the_beginning_of_a_longer_one(own, config, tmp_path):
    for count in (3, 8):
        synthesize(changed(config, count=count), own, Watcher(tmp_path / str(count)))
    assert set(pictures_in(tmp_path / "3")) < set(pictures_in(tmp_path / "8"))


def test_a_sheet_of_sources_and_steps_is_shown(own, config, tmp_path):
    watcher = Watcher(tmp_path / "run")
    synthesize(changed(config, chain=("to-rust", "to-scab")), own, watcher)
    assert watcher.samples[0].shape == (3 * 34 - 2, 3 * 34 - 2, 3), "three sources, two steps each"
    assert watcher.done == 8


# --- provenance -------------------------------------------------------------------------------------------------------


def test_a_picture_carries_its_row_of_the_manifest(own, config, tmp_path):
    synthesize(config, own, Watcher(tmp_path / "run"))
    rows = rows_in(tmp_path / "run")
    assert [row["file"] for row in rows] == list(pictures_in(tmp_path / "run"))
    for row in rows:
        path = tmp_path / "run" / "images" / row["file"]
        assert row.pop("sha256") == hashlib.sha256(path.read_bytes()).hexdigest()
        assert row.pop("phash") == perceptual_hash(open_rgb(path))
        assert {key: "" if value is None else value for key, value in read_recipe(path).items()} == row


def test_a_row_says_everything_about_its_picture(own, journey, config):
    run = submit(
        own, "synthesize", changed(config, chain=("healthy-to-rust:leaf:0.5", "to-scab:back"), seed=5, size_px=48)
    )
    execute(own, run, lane="cpu", owner="cli")
    row = rows_in(run.folder)[0]
    assert set(row) == {*Verified.model_fields, "sha256", "phash"}
    empty = [name for name, value in row.items() if value == "" and name in Provenance.model_fields]
    assert empty == ["override", "prompt", "negative"], "no words were asked for"
    assert (row["labels"], row["source_labels"], row["dataset"]) == ("rust", "healthy", journey.dataset)
    assert (row["run"], row["config_hash"], row["size_px"], row["synthetic"]) == (
        run.id, run.record.config_hash, 48, True,
    )  # fmt: skip
    assert row["method"] == "change at 32 px, enlarged and added to the source"
    first, second = row["chain"]
    trained = open_chain(own, ["healthy-to-rust"])[0].card
    assert first == {
        "checkpoint": "healthy-to-rust", "recipe": "leafgan", "run": trained.run, "epoch": 2,
        "weights_sha256": trained.weights_sha256, "back": False, "strength": 0.5, "where": "leaf", "file": "",
    }  # fmt: skip
    assert (second["checkpoint"], second["back"], second["strength"]) == ("to-scab", True, 1.0)


def test_every_picture_has_a_seed_of_its_own(own, config, tmp_path):
    synthesize(config, own, Watcher(tmp_path / "run"))
    assert len({row["seed"] for row in rows_in(tmp_path / "run")}) == 8


def test_the_label_table_lists_every_picture(own, config, tmp_path):
    synthesize(config, own, Watcher(tmp_path / "run"))
    with (tmp_path / "run" / "labels.csv").open() as file:
        assert list(csv.reader(file)) == [
            ["image", "labels"],
            *([name, "rust"] for name in pictures_in(tmp_path / "run")),
        ]


def test_what_the_chain_has_seen_counts_as_seen(own, journey, config, tmp_path):
    synthesize(changed(config, chain=("healthy-to-rust",)), own, Watcher(tmp_path / "run"))
    seen = load_seen(tmp_path / "run")
    assert {"generator", "lflseg", "source"} <= set(seen)
    assert seen["generator"] == load_seen(journey.runs["leafgan"].folder)["generator"]


def test_what_nobody_wrote_down_of_a_step_stays_unknown(own, config, tmp_path):
    synthesize(changed(config, chain=("healthy-to-rust", "to-scab")), own, Watcher(tmp_path / "run"))
    seen = load_seen(tmp_path / "run")
    assert seen["generator"] and seen["lflseg"] and seen["source"], "of the first step"
    assert seen[UNKNOWN] == ["to-scab (generator, lflseg)"]


def test_sources_that_a_translator_was_not_trained_on_are_warned_of(own, config, tmp_path):
    watcher = Watcher(tmp_path / "run")
    synthesize(changed(config, source="scab"), own, watcher)
    assert watcher.warnings == ["to-rust was trained on healthy pictures and is given scab pictures."]
    quiet = Watcher(tmp_path / "quiet")
    synthesize(config, own, quiet)
    assert quiet.warnings == []


# --- stopping and going on --------------------------------------------------------------------------------------------


def consistent(folder):
    """Whether the manifest has a row for each picture and a picture for each row."""
    return [row["file"] for row in rows_in(folder)] == list(pictures_in(folder))


def test_a_stop_keeps_what_exists_with_its_manifest_and_a_resume_makes_the_rest(own, config, tmp_path):
    with pytest.raises(Stopped):
        synthesize(config, own, Watcher(tmp_path / "a" / "run", stop_after=3))
    made = {name: path.stat().st_mtime_ns for name, path in pictures_in(tmp_path / "a" / "run").items()}
    assert len(made) == 3 and consistent(tmp_path / "a" / "run")

    watcher = Watcher(tmp_path / "a" / "run")
    assert synthesize(config, own, watcher).count == 8
    after = pictures_in(watcher.folder)
    assert {name: after[name].stat().st_mtime_ns for name in made} == made, "what was there is not made again"
    assert consistent(watcher.folder)
    synthesize(config, own, Watcher(tmp_path / "b" / "run"))
    assert (watcher.folder / "manifest.csv").read_bytes() == (tmp_path / "b" / "run" / "manifest.csv").read_bytes()


def test_a_stopped_set_is_not_finished_with_other_weights(own, journey, config):
    run = submit(own, "synthesize", changed(config, chain=("healthy-to-rust",)))
    pinned = SynthesizeConfig.build(run.record.settings)
    with pytest.raises(Stopped):
        synthesize(pinned, own, Watcher(run.folder, stop_after=3))
    before = {name: path.read_bytes() for name, path in pictures_in(run.folder).items()}
    seen = load_seen(run.folder)

    promote(own, journey.runs["leafgan"].id, "healthy-to-rust", epoch=1, replace=True)
    with pytest.raises(CheckpointError, match="healthy-to-rust holds other weights now") as raised:
        synthesize(pinned, own, Watcher(run.folder))
    assert "\n" not in str(raised.value) and load_seen(run.folder) == seen
    assert {name: path.read_bytes() for name, path in pictures_in(run.folder).items()} == before

    promote(own, journey.runs["leafgan"].id, "healthy-to-rust", epoch=2, replace=True)
    assert synthesize(pinned, own, Watcher(run.folder)).count == 8
    assert {tuple(step["weights_sha256"] for step in row["chain"]) for row in rows_in(run.folder)} == {
        (open_chain(own, ["healthy-to-rust"])[0].card.weights_sha256,)
    }
    assert {row["chain"][0]["checkpoint"] for row in rows_in(run.folder)} == {"healthy-to-rust"}, "a name, no pin"


def test_what_was_seen_before_a_stop_stays_seen(own, config, tmp_path):
    save_seen((tmp_path / "run"), {"generator": ["before"]})
    synthesize(config, own, Watcher(tmp_path / "run"))
    assert "before" in load_seen(tmp_path / "run")["generator"]


def test_a_finished_set_that_is_resumed_stays_as_it_is(own, config, tmp_path):
    result = synthesize(config, own, Watcher(tmp_path / "run"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "images").iterdir()}
    assert synthesize(config, own, Watcher(tmp_path / "run")) == result
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "images").iterdir()} == before


def test_a_picture_that_was_lost_is_made_again(own, config, tmp_path):
    synthesize(config, own, Watcher(tmp_path / "run"))
    lost = list(pictures_in(tmp_path / "run").values())[4]
    before = np.asarray(open_rgb(lost)).astype(int)
    lost.unlink()
    assert synthesize(config, own, Watcher(tmp_path / "run")).count == 8
    assert np.abs(np.asarray(open_rgb(lost)) - before).max() <= 1 and consistent(tmp_path / "run")
    assert read_recipe(lost)["batch"] == 1, "it was made alone this time"


def test_a_crash_between_a_picture_and_its_row_leaves_neither_alone(own, config, tmp_path, monkeypatch):
    from leafcore.data.ledger import Ledger

    append = Ledger.append

    def crash(self, row, sha256, phash):
        if len(self.rows) == 4:
            raise KeyboardInterrupt
        append(self, row, sha256, phash)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", crash)
        with pytest.raises(KeyboardInterrupt):
            synthesize(config, own, Watcher(tmp_path / "run"))
    assert len(pictures_in(tmp_path / "run")) == 4 and len(rows_in(tmp_path / "run")) == 4
    synthesize(config, own, Watcher(tmp_path / "run"))
    assert len(rows_in(tmp_path / "run")) == 8 and consistent(tmp_path / "run")


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_source_that_cannot_be_read_is_skipped_and_named(own, config, perishable, tmp_path):
    broken = choose_sources(perishable, "healthy", 6, seed=0)["image"].iloc[2]
    (perishable.root / broken).write_bytes(b"no picture any more")
    watcher = Watcher(tmp_path / "run")
    result = synthesize(changed(config, dataset=perishable.ref, count=6), own, watcher)
    assert list(result.skipped) == [broken] and "not a picture" in result.skipped[broken]
    assert result.count == 5 and consistent(tmp_path / "run")
    assert broken not in {row["source"] for row in rows_in(tmp_path / "run")}
    assert any("1 sources could not be read" in text and broken in text for text in watcher.warnings)


def test_a_batch_of_unreadable_sources_is_skipped_whole(own, config, perishable, tmp_path):
    for image in choose_sources(perishable, "healthy", 6, seed=0)["image"].iloc[:3]:
        (perishable.root / image).write_bytes(b"")
    assert synthesize(changed(config, dataset=perishable.ref, count=6), own, Watcher(tmp_path / "run")).count == 3


def test_a_set_of_which_no_source_can_be_read_is_refused(own, config, perishable, tmp_path):
    for path in perishable.paths(perishable.records):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match="source: no picture could be read; first: ") as raised:
        synthesize(changed(config, dataset=perishable.ref, count=4), own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value)


def test_a_full_disk_is_refused_before_the_first_picture(own, config, tmp_path, monkeypatch):
    usage = files.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage._replace(free=files.RESERVE_BYTES))
    with pytest.raises(DiskFull, match="nearly full"):
        synthesize(config, own, Watcher(tmp_path / "run"))
    assert not (tmp_path / "run" / "images").exists()


@pytest.mark.parametrize(
    ("chain", "error", "reason"),
    [("nothing", NotFoundError, "checkpoint: got 'nothing'"), ("LFLSEG", CheckpointError, "translates nothing")],
)
def test_a_chain_that_does_not_work_is_refused_before_anything_is_made(
    own, journey, config, tmp_path, chain, error, reason
):
    chain = chain.replace("LFLSEG", journey.runs["lflseg"].id)
    with pytest.raises(error, match=reason):
        synthesize(changed(config, chain=chain), own, Watcher(tmp_path / "run"))
    assert list((tmp_path / "run").iterdir()) == []


def test_a_chain_may_be_written_with_commas(config):
    assert changed(config, chain=" a, b ,,c").chain == ("a", "b", "c")
    with pytest.raises(ConfigError, match="chain: missing"):
        changed(config, chain="")


def test_a_gpu_where_there_is_none_is_refused(own, config, tmp_path):
    with pytest.raises(ConfigError, match="device: got 'cuda:99'"):
        synthesize(changed(config, device="cuda:99"), own, Watcher(tmp_path / "run"))


def test_synthesis_leaves_the_process_as_it_was(own, config, tmp_path):
    before = torch.get_rng_state()
    synthesize(config, own, Watcher(tmp_path / "run"))
    assert torch.equal(before, torch.get_rng_state())


def test_translators_that_change_the_leaf_only_leave_the_background_of_their_sources(own, journey, config):
    plant_translator(own, "leaf-only", blend=True)
    left = np.zeros((8, 8, 3), np.uint8)
    left[:, :4] = 255
    for mask in (own.run(journey.runs["masks"].id) / "masks").rglob("*.png"):
        mask.write_bytes(encode_png(left))
    run = submit(own, "synthesize", changed(config, chain=("leaf-only",)))
    assert run.record.settings["masks"] == journey.runs["masks"].id, "the newest mask set is pinned"
    execute(own, run, lane="cpu", owner="cli")
    row, dataset = rows_in(run.folder)[0], load(own, journey.dataset)
    assert row["masks"] == journey.runs["masks"].id
    made = np.asarray(Image.open(run.folder / "images" / row["file"]))
    source = load_square(dataset.root / row["source"], 32)
    assert (made[:, 16:] == source[:, 16:]).all() and (made[:, :16] != source[:, :16]).any()
