"""The writer of synthetic pictures, which encodes while the next ones are computed."""

import hashlib
import threading

import numpy as np
import pytest

from leafcore.data.ledger import Ledger
from leafcore.data.recipes import read_recipe
from leafcore.data.synthetic_sets import ChainStep, Provenance
from leafcore.errors import DiskFull
from leafcore.synthesize import written
from leafcore.synthesize.written import Writer

STEP = ChainStep(checkpoint="to-rust", recipe="leafgan", run="r", epoch=1, weights_sha256="0" * 64)


def recipe(number):
    told = dict.fromkeys(("source", "source_sha256", "source_labels", "group", "config_hash", "code_version"), "x")
    licenses = {"source_license": "", "weights_license": ""}
    return Provenance(
        file=f"{number:06d}.png", labels="rust", label_rule="union", split="train", dataset="d@1", chain=(STEP,),
        size_px=4, seed=number, run="r", **told, **licenses,
    )  # fmt: skip


def picture(number):
    return np.full((4, 4, 3), number, np.uint8)


def test_rows_come_in_order_and_each_hashes_its_file(tmp_path):
    ledger = Ledger(tmp_path)
    with Writer(ledger, tmp_path) as writer:
        for number in range(40):
            writer.write(recipe(number), picture(number))
    assert [row["file"] for row in ledger.rows] == [f"{number:06d}.png" for number in range(40)]
    for row in ledger.rows:
        path = tmp_path / "images" / row["file"]
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert read_recipe(path)["seed"] == row["seed"] and row["phash"]
    assert Ledger(tmp_path).rows == ledger.rows


def test_computing_goes_on_while_pictures_are_written(tmp_path, monkeypatch):
    let, real = threading.Event(), written.write_bytes

    def held(path, content):
        assert let.wait(30)
        real(path, content)

    monkeypatch.setattr(written, "write_bytes", held)
    ledger = Ledger(tmp_path)
    with Writer(ledger, tmp_path) as writer:
        for number in range(written.MOST_UNDER_WAY):
            writer.write(recipe(number), picture(number))
        assert not ledger.rows, "no row is without its file"
        let.set()
    assert len(ledger.rows) == written.MOST_UNDER_WAY


def test_a_full_disk_is_said_and_leaves_no_row_without_its_file(tmp_path, monkeypatch):
    real = written.write_bytes

    def full(path, content):
        if path.name == "000005.png":
            raise DiskFull("The disk is full.")
        real(path, content)

    monkeypatch.setattr(written, "write_bytes", full)
    with pytest.raises(DiskFull), Writer(Ledger(tmp_path), tmp_path) as writer:
        for number in range(8):
            writer.write(recipe(number), picture(number))
    there = Ledger(tmp_path)  # as a resume begins
    assert [row["seed"] for row in there.rows] == [0, 1, 2, 3, 4]
    assert there.files == {path.name for path in (tmp_path / "images").iterdir()}
