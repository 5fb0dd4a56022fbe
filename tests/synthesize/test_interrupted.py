"""A synthesis that is killed in the middle of a write: no row is without its file, no file without its row."""

import json
import shutil

import psutil

from leafcore.data.ledger import Ledger
from leafcore.jobs import execute, submit
from leafcore.lanes import start_worker
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.synthesize import synthesize
from tests.server import until
from tests.watcher import Watcher


def files_in(folder):
    return {path.name: path.read_bytes() for path in (folder / "images").iterdir()}


def rows_in(folder):
    return [json.loads(line)["file"] for line in (folder / "rows.jsonl").read_text().splitlines()]


def test_a_worker_that_is_killed_leaves_a_set_that_a_resume_completes(own, config):
    once = SynthesizeConfig.build({**config.model_dump(), "batch_size": 1})  # as many moments as there are pictures
    whole, run = (submit(own, "synthesize", once) for _ in range(2))
    execute(own, whole, lane="cpu", owner="cli")
    worker = start_worker(own, run, "cpu")
    try:
        ledger = run.folder / "rows.jsonl"
        until(lambda: ledger.exists() and len(ledger.read_bytes().splitlines()) >= 2, 120, "two pictures are written")
        psutil.Process(worker.pid).kill()
    finally:
        worker.kill()
        worker.wait()
    there = Ledger(run.folder)  # as a resume begins
    assert there.files == set(files_in(run.folder)) and len(there.files) >= 2
    if run.status().state != "done":  # it may have been faster than the kill
        run.requeue()
        execute(own, run, lane="cpu", owner="cli")
    assert sorted(rows_in(run.folder)) == sorted(files_in(run.folder)) == sorted(files_in(whole.folder))


def test_whatever_was_written_last_when_it_broke_off_goes(own, config, tmp_path):
    synthesize(config, own, Watcher(tmp_path / "run"))
    lines = (tmp_path / "run" / "rows.jsonl").read_bytes().splitlines(keepends=True)
    images, expected = tmp_path / "run" / "images", files_in(tmp_path / "run")
    for broken in (b"", lines[-1][:40]):  # before the row, and within it
        (tmp_path / "run" / "rows.jsonl").write_bytes(b"".join(lines[:-1]) + broken)
        shutil.copy(images / next(iter(expected)), images / ".half.png.1-2.tmp")
        ledger = Ledger(tmp_path / "run")
        assert len(ledger.files) == 7 and ledger.files == set(files_in(tmp_path / "run"))
        synthesize(config, own, Watcher(tmp_path / "run"))
        assert files_in(tmp_path / "run").keys() == expected.keys()
