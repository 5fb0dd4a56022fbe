import csv
import hashlib
import io
import json
import os
import shutil
import zipfile

import pytest

from leafcore import files
from leafcore.data.reviewing import Said, say
from leafcore.data.synthetic_sets import open_whole_set
from leafcore.errors import DatasetError, DiskFull, NotFoundError, Stopped
from leafcore.export.configs import ExportConfig
from leafcore.export.contents import plan_export
from leafcore.export.export import export
from leafcore.export.manifest import COLUMNS
from leafcore.export.packing import PIECE_BYTES, Packer
from leafcore.export.verifying import verify
from leafcore.files import RESERVE_BYTES
from tests.watcher import Watcher


def rows(archive, name="manifest.csv"):
    return list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))


# --- what is in it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["imagefolder", "csv", "coco", "hf"])
@pytest.mark.parametrize("made", ["chain", "noise", "taught", "leaked"])
def test_every_kind_of_set_is_packed_in_every_format_and_passes_the_check(shelves, tmp_path, made, layout):
    for content, reals in (("synthetic", 0), ("merged", 3)):
        result = shelves.export(tmp_path / content, made, format=layout, content=content)
        found = verify(tmp_path / content / "export.zip")
        assert (found.images, found.synthetic) == (result.images, result.synthetic)
        assert result.real == reals == found.images - found.synthetic
        assert result.bytes == found.bytes


def test_the_zip_is_stored_and_has_each_picture_byte_for_byte(shelves, tmp_path):
    made = shelves.sets["chain"]
    with zipfile.ZipFile(shelves.export(tmp_path, "chain").zip) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        for row in rows(archive):
            run, _, name = row["id"].rpartition("/")
            assert run == made.id
            assert archive.read(row["file"]) == (made.folder / "images" / name).read_bytes()
            assert row["sha256"] == hashlib.sha256(archive.read(row["file"])).hexdigest()
        assert [row["image"] for row in rows(archive, "labels.csv")] == [row["file"] for row in rows(archive)]


def test_the_manifest_has_what_the_store_knows_and_is_blank_where_it_does_not(shelves, tmp_path):
    with zipfile.ZipFile(shelves.export(tmp_path, "chain", content="merged").zip) as archive:
        first, _, *reals = rows(archive)
    assert list(first)[: len(COLUMNS)] == list(COLUMNS)
    assert (first["masks"], first["mask_threshold"]) == (shelves.masks.id, "0.4")
    assert [step["run"] for step in json.loads(first["chain"])] == ["trained", "trained"]
    assert (first["source"], first["group"], first["phash"]) == ("healthy/a.png", "leaf-0", f"{0:016x}")
    assert first["created"].endswith("Z") and first["libraries"] == "" == first["filter_scores"]
    assert {row["synthetic"] for row in reals} == {"False"} and {row["split"] for row in reals} == {"train"}
    assert {(row["chain"], row["source_license"]) for row in reals} == {("", "CC-BY-4.0")}


def test_the_votes_that_a_picture_was_kept_by_are_its_filter_scores(shelves, tmp_path):
    with zipfile.ZipFile(shelves.export(tmp_path, "taught").zip) as archive:
        for row in rows(archive):
            assert json.loads(row["filter_scores"])[0]["probability"] == 0.9
            assert (row["labels"], row["min_confidence"]) == ("scab", "0.75")


def test_two_sets_with_files_of_the_same_name_do_not_overwrite_each_other(shelves, tmp_path):
    packed = [shelves.export(tmp_path / made, made).zip for made in ("noise", "taught")]
    names = [{name for name in zipfile.ZipFile(one).namelist() if name.startswith("train_images/")} for one in packed]
    assert not names[0] & names[1]


# --- the two texts ----------------------------------------------------------------------------------------------------


def text(shelves, folder, name, made, **settings):
    with zipfile.ZipFile(shelves.export(folder, made, **settings).zip) as archive:
        return archive.read(name).decode()


def test_the_data_card_counts_what_is_there(shelves, tmp_path):
    card = text(shelves, tmp_path, "DATA_CARD.md", "chain", content="merged")
    assert "5 pictures, 2 of them synthetic" in card and "validation and test pictures are left out" in card
    assert "| healthy | 2 | 0 |" in card and "| rust | 0 | 2 |" in card and "| rust + scab | 1 | 0 |" in card
    assert "delta 0.4" in card and "Not for field diagnosis without validation." in card
    assert "Warning" not in card and "| L2 | Is every feature legitimate for the claim? | ____ |" in card
    assert "5 groups, 0 in two splits" in card


def test_pictures_made_of_test_pictures_stamp_the_export(shelves, tmp_path):
    watcher = Watcher(tmp_path)
    export(shelves.config("leaked"), shelves.workspace, watcher)
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        card = archive.read("DATA_CARD.md").decode()
        assert [row["split"] for row in rows(archive)] == ["test"]
    assert "1 synthetic pictures are made of test pictures" in watcher.warnings[0]
    assert watcher.warnings[0] in card and "No; see the warning above." in card


def test_licences_are_said_as_they_were_recorded(shelves, tmp_path):
    said = text(shelves, tmp_path / "1", "LICENSES.md", "chain")
    assert f"Pictures of {shelves.dataset.ref}\n\nLicence: CC-BY-4.0" in said
    assert "Weights of to-rust\n\nLicence: MIT" in said and "none stated" not in said
    assert str(shelves.dataset.root.parent) not in said  # where they lie on this machine is nobody's business
    stranger = text(shelves, tmp_path / "2", "LICENSES.md", "stranger")
    assert "Pictures of elsewhere@1\n\nLicence: none stated\nOrigin: not in this workspace" in stranger


def test_a_model_that_says_nothing_of_what_it_learned_from_has_no_stated_licence(shelves):
    assert plan_export(shelves.config("chain"), shelves.workspace).is_licensed
    nameless = plan_export(shelves.config("nameless"), shelves.workspace)
    assert nameless.licenses[0].text == "none stated" and not nameless.is_licensed


# --- what can go wrong ------------------------------------------------------------------------------------------------


def test_real_pictures_of_a_dataset_that_is_not_here_are_refused(shelves, tmp_path):
    with pytest.raises(NotFoundError, match="they name elsewhere@1; export the synthetic ones only"):
        shelves.export(tmp_path, "stranger", content="merged")


def test_the_same_set_gives_the_same_bytes(own_shelf, tmp_path):
    first = own_shelf.export(tmp_path / "first", "chain").zip
    for path in (own_shelf.sets["chain"].folder / "images").iterdir():
        os.utime(path, (1e9, 1e9))
    second = own_shelf.export(tmp_path / "second", "chain").zip
    with open(first, "rb") as one, open(second, "rb") as other:
        assert one.read() == other.read()


def test_a_stop_leaves_nothing_behind(shelves, tmp_path):
    with pytest.raises(Stopped):
        export(shelves.config("noise"), shelves.workspace, Watcher(tmp_path / "run", stop_after=2))
    assert list((tmp_path / "run").iterdir()) == []


def test_pictures_that_are_gone_are_one_line(own_shelf, tmp_path):
    made = own_shelf.sets["noise"]
    gone = made.folder / "images" / "000001-ab.png"
    gone.unlink()
    with pytest.raises(NotFoundError, match=f"1 of the 3 pictures of {made.id} are gone, first: {gone}"):
        own_shelf.export(tmp_path / "run", "noise")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_picture_that_has_changed_since_is_refused(own_shelf, tmp_path):
    changed = own_shelf.sets["noise"].folder / "images" / "000001-ab.png"
    changed.write_bytes(changed.read_bytes() + b"x")
    with pytest.raises(DatasetError, match=f"{changed}: has changed since its row was written"):
        own_shelf.export(tmp_path / "run", "noise")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_full_disk_is_refused_before_packing(shelves, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage._replace(free=RESERVE_BYTES))
    with pytest.raises(DiskFull, match="nearly full"):
        shelves.export(tmp_path / "run", "noise")


def test_a_run_that_made_no_pictures_is_refused(shelves, tmp_path):
    with pytest.raises(NotFoundError, match="is a masks run in state queued and holds no synthetic pictures"):
        export(ExportConfig(run=shelves.masks.id), shelves.workspace, Watcher(tmp_path))
    with pytest.raises(NotFoundError, match="there is no run 'nothing'"):
        export(ExportConfig(run="nothing"), shelves.workspace, Watcher(tmp_path))


def test_a_file_is_packed_in_pieces_however_large_it_is(tmp_path):
    large, pieces = tmp_path / "large.bin", []

    class Recorder(io.BytesIO):
        def write(self, piece):
            pieces.append(len(piece))
            return super().write(piece)

    with large.open("wb") as file:
        file.truncate(5 * PIECE_BYTES + 1)
    target = Recorder()
    with Packer(target) as packer:
        packer.copy("large.bin", large)
    assert max(pieces) == PIECE_BYTES and sum(pieces) > 5 * PIECE_BYTES
    assert zipfile.ZipFile(io.BytesIO(target.getvalue())).testzip() is None


# --- review -----------------------------------------------------------------------------------------------------------


def test_what_people_rejected_is_not_packed_and_the_rest_says_what_they_gave_it(own_shelf, tmp_path):
    made = own_shelf.sets["noise"].id
    first, second, third = open_whole_set(own_shelf.workspace, made).files
    assert plan_export(own_shelf.config("noise"), own_shelf.workspace).review == ""
    say(own_shelf.workspace, made, Said(reject=(first,), stars={second: 4, third: 2}))
    contents = plan_export(own_shelf.config("noise", stars=3), own_shelf.workspace)
    assert (contents.images, contents.left_out) == (1, 2) and contents.review
    result = own_shelf.export(tmp_path / "all", "noise")
    assert (result.images, result.left_out, result.review) == (2, 1, contents.review)
    with zipfile.ZipFile(result.zip) as packed:
        rows = list(csv.DictReader(io.StringIO(packed.read("manifest.csv").decode())))
        assert "Left out in review: 1 pictures" in packed.read("DATA_CARD.md").decode()
    assert {row["id"].rpartition("/")[2]: row["stars"] for row in rows} == {second: "4", third: "2"}
    say(own_shelf.workspace, made, Said(reject=(second, third)))
    with pytest.raises(DatasetError, match="each of the 3 pictures .* was rejected in review"):
        own_shelf.export(tmp_path / "none", "noise")
