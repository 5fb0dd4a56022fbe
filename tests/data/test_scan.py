import io
from pathlib import Path

from PIL import Image

from leafcore.data.folders import read_folders
from leafcore.data.scan import scan, thumbnail_file
from leafcore.workspace import Workspace
from tests.watcher import Watcher


def test_rows_are_in_the_listing_s_order_however_many_threads_there_are(workspace: Workspace, leaf_folders: Path):
    listing, watcher = read_folders(leaf_folders), Watcher(workspace.root / "run")
    alone, _ = scan(listing, workspace, Watcher(workspace.root / "run"), workers=1)
    together, _ = scan(listing, workspace, watcher, workers=5)
    assert alone["image"].tolist() == [entry.image for entry in listing.entries]
    assert together.equals(alone) and watcher.done == len(listing.entries)


def test_each_picture_leaves_a_thumbnail_under_its_hash(workspace: Workspace, tmp_path: Path):
    (tmp_path / "rust").mkdir()
    Image.new("RGB", (600, 300), "green").save(tmp_path / "rust" / "wide.png")
    records, _ = scan(read_folders(tmp_path), workspace, Watcher(workspace.root / "run"))
    kept = thumbnail_file(workspace, records["sha256"].iloc[0]).read_bytes()
    assert Image.open(io.BytesIO(kept)).size == (256, 128)


def test_a_thumbnail_is_made_once(workspace: Workspace, leaf_folders: Path):
    listing = read_folders(leaf_folders)
    records, _ = scan(listing, workspace, Watcher(workspace.root / "run"))
    kept = thumbnail_file(workspace, records["sha256"].iloc[0])
    kept.write_bytes(b"mine")
    scan(listing, workspace, Watcher(workspace.root / "run"))
    assert kept.read_bytes() == b"mine"
