import pytest
from pydantic import ValidationError

from leafcore.errors import DatasetError, NotFoundError
from leafcore.masks.corrections import (
    Correction,
    Stroke,
    can_undo,
    correct,
    load_draft,
    load_snapshot,
    snapshot,
    undo,
)

DATASET, MODEL = "leaves", "ab" * 32
LINE = Stroke(kind="include", points=((0.1, 0.2), (0.3, 0.4)))
TUNED = Correction(image="a.png", delta=0.6)
DRAWN = Correction(image="a.png", delta=0.6, strokes=(LINE,))
OTHER = Correction(image="b.png", invert=True)


def test_corrections_are_on_disk_at_once(workspace):
    correct(workspace, DATASET, MODEL, TUNED)
    correct(workspace, DATASET, MODEL, OTHER)
    assert correct(workspace, DATASET, MODEL, DRAWN) == {"a.png": DRAWN, "b.png": OTHER}
    assert load_draft(workspace, DATASET, MODEL) == {"a.png": DRAWN, "b.png": OTHER}


def test_each_picture_has_its_own_undo(workspace):
    for step in (TUNED, DRAWN, OTHER):
        correct(workspace, DATASET, MODEL, step)
    assert undo(workspace, DATASET, MODEL, "a.png") == {"a.png": TUNED, "b.png": OTHER}
    assert undo(workspace, DATASET, MODEL, "a.png") == {"b.png": OTHER}
    assert not can_undo(workspace, DATASET, MODEL, "a.png") and can_undo(workspace, DATASET, MODEL, "b.png")
    assert undo(workspace, DATASET, MODEL, "a.png") == load_draft(workspace, DATASET, MODEL) == {"b.png": OTHER}


def test_an_empty_correction_takes_it_away_and_can_be_undone(workspace):
    correct(workspace, DATASET, MODEL, DRAWN)
    assert correct(workspace, DATASET, MODEL, Correction(image="a.png")) == {}
    assert undo(workspace, DATASET, MODEL, "a.png") == {"a.png": DRAWN}


def test_a_draft_belongs_to_a_dataset_in_all_its_versions_and_to_one_model(workspace):
    correct(workspace, f"{DATASET}@0123456789ab", MODEL, TUNED)
    assert load_draft(workspace, DATASET, MODEL) == {"a.png": TUNED}
    assert load_draft(workspace, "others", MODEL) == {} == load_draft(workspace, DATASET, "cd" * 32)


def test_a_damaged_draft_is_named_and_kept(workspace):
    correct(workspace, DATASET, MODEL, TUNED)
    (file,) = workspace.corrections.rglob("*.json")
    file.write_text("[{")
    with pytest.raises(DatasetError, match=f"{file.name}: damaged") as raised:
        correct(workspace, DATASET, MODEL, OTHER)
    assert "\n" not in str(raised.value) and file.read_text() == "[{"


@pytest.mark.parametrize("points", [(), ((0.5, 1.2),), ((-0.1, 0.5),)])
def test_strokes_lie_in_the_picture(points):
    with pytest.raises(ValidationError):
        Stroke(kind="include", points=points)


def test_a_snapshot_does_not_follow_the_draft(workspace):
    digest = snapshot(workspace, correct(workspace, DATASET, MODEL, TUNED))
    later = correct(workspace, DATASET, MODEL, DRAWN)
    assert load_snapshot(workspace, digest) == {"a.png": TUNED}
    assert snapshot(workspace, later) != digest


def test_the_order_of_corrections_changes_no_hash(workspace):
    forth, back = {"a.png": TUNED, "b.png": OTHER}, {"b.png": OTHER, "a.png": TUNED}
    assert snapshot(workspace, forth) == snapshot(workspace, back)


def test_no_corrections_need_no_file(workspace):
    assert snapshot(workspace, {}) == "none" and load_snapshot(workspace, "none") == {}
    assert not workspace.corrections.exists()


def test_an_unknown_snapshot_is_named(workspace):
    with pytest.raises(NotFoundError, match="corrections: got '0123456789ab', expected 'draft'"):
        load_snapshot(workspace, "0123456789ab")
