"""A picture that somebody brings along says what it is, and whether it was changed."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from leafcore.data.recipes import look_up, provenance_in, read_recipe
from leafcore.data.synthetic_sets import PNG_KEY, open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.images import encode_png


@pytest.fixture
def path(own_shelf):
    """A translation of two steps."""
    return open_synthetic_set(own_shelf.workspace, own_shelf.sets["chain"].id).paths()[0]


@pytest.fixture
def look(own_shelf):
    """Return a function that looks a picture up."""
    return lambda path: look_up(own_shelf.workspace, path)


def test_a_picture_of_this_workspace_tells_all_of_itself(look, path, own_shelf):
    found = look(path)
    assert found.known == "yes" and (found.run, found.file) == (own_shelf.sets["chain"].id, path.name)
    told = "\n".join(found.told)
    assert f"Shows rust, made of healthy/a.png (healthy, train) of {own_shelf.dataset.ref}." in told
    assert "Through to-rust (leafgan, epoch 7, cd) → to-rust (leafgan, epoch 7, cd)." in told
    assert f"32 px, seed 0, masks {own_shelf.masks.id}." in told
    assert "Licences: source: CC-BY-4.0; weights: MIT." in told
    assert told.endswith("It is in this workspace, and unchanged.")


def save_anew(path, target, change):
    text = PngInfo()
    text.add_itxt(PNG_KEY, json.dumps(read_recipe(path)))
    pixels = np.asarray(Image.open(path).convert("RGB")).copy()
    pixels[0, 0] += change
    Image.fromarray(pixels).save(target, pnginfo=text, compress_level=1)
    return target


@pytest.mark.parametrize(("change", "known"), [(0, "rewritten"), (1, "changed")])
def test_a_file_that_was_written_anew_says_whether_its_pixels_were_changed(look, path, tmp_path, change, known):
    assert look(save_anew(path, tmp_path / "anew.png", change)).known == known


@pytest.mark.parametrize("run", ["elsewhere", "", "../x"])
def test_a_picture_of_another_workspace_is_not_known_here(look, path, tmp_path, run):
    recipe = {**read_recipe(path), "run": run}
    (tmp_path / "foreign.png").write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8), {PNG_KEY: json.dumps(recipe)}))
    found = look(tmp_path / "foreign.png")
    assert (found.known, found.run) == ("no", "") and "not in this workspace" in found.told[-1]


def test_a_picture_without_a_recipe_is_found_by_its_looks(look, path, tmp_path, own_shelf):
    ledger = own_shelf.sets["chain"].folder / "rows.jsonl"
    row = json.loads(ledger.read_text().splitlines()[0])
    buffer = io.BytesIO()
    Image.open(path).convert("RGB").save(buffer, "JPEG", quality=90)
    (tmp_path / "anew.jpg").write_bytes(buffer.getvalue())
    assert "Nothing here looks like it" in look(tmp_path / "anew.jpg").told[0], "its hash is made up"
    from leafcore.data.duplicates import perceptual_hash

    ledger.write_text(json.dumps({**row, "phash": perceptual_hash(Image.open(path))}) + '\n{"file": "to')
    found = look(tmp_path / "anew.jpg")
    assert found.recipe is None and found.file == path.name and "looks like" in found.told[0]
    assert ledger.read_text().endswith('"to'), "who only looks leaves a line alone that is being written"


def test_a_picture_of_the_api_has_a_recipe_too(tmp_path):
    recipe = {"checkpoint": "leaves#abc", "weights_sha256": "abcd", "seed": 3, "labels": "rust", "truncation": 0.5}
    (tmp_path / "made.png").write_bytes(encode_png(np.zeros((16, 16, 3), np.uint8), {PNG_KEY: json.dumps(recipe)}))
    found = provenance_in(tmp_path / "made.png")
    assert (found.chain[0].checkpoint, found.chain[0].weights_sha256) == ("leaves", "abcd")
    assert (found.size_px, found.seed, found.truncation, found.source) == (16, 3, 0.5, "")


def test_what_is_no_picture_is_refused(look, tmp_path):
    (tmp_path / "text.png").write_text("leaf")
    with pytest.raises(DatasetError, match="not a picture"):
        look(tmp_path / "text.png")
