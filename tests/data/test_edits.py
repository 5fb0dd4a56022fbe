import shutil
import time
from pathlib import Path

import pytest

from leafcore.data.edits import can_undo, decide, diff, last_decision, lineage, undo
from leafcore.data.manifest import Card, Decision, load, save, versions
from leafcore.errors import DatasetError


@pytest.fixture
def leaves(workspace, carry, leaf_folders):
    return load(workspace, carry("import", source=leaf_folders, name="leaves").result()["dataset"])


def test_an_excluded_picture_is_gone_and_the_splits_stay(workspace, leaves):
    victim = leaves.records["image"].iloc[5]
    after = decide(workspace, leaves, [Decision(image=victim, action="exclude", why="blurred")])
    assert len(after.records) == len(leaves.records) - 1 and victim not in set(after.records["image"])
    assert diff(leaves, after).removed == (victim,)
    assert not diff(leaves, after).moved
    assert load(workspace, "leaves").ref == after.ref, "it is the current version"
    assert after.card.parent == leaves.version
    (kept,) = after.card.decisions
    assert (kept.image, kept.action, kept.why, kept.version) == (victim, "exclude", "blurred", leaves.version)
    assert kept.when == pytest.approx(time.time(), abs=60)


def test_a_relabelled_picture_keeps_its_place(workspace, leaves):
    image = leaves.select(labels="rust")["image"].iloc[0]
    after = decide(workspace, leaves, [Decision(image=image, action="relabel", labels="scab, rust")])
    assert diff(leaves, after).relabelled == {image: ("rust", "rust scab")}
    assert diff(leaves, after).removed == diff(leaves, after).added == ()


def test_the_version_that_was_looked_at_is_untouched(workspace, leaves):
    decide(workspace, leaves, [Decision(image=leaves.records["image"].iloc[0], action="exclude")])
    again = load(workspace, leaves.ref)
    assert again.records.equals(leaves.records) and again.card == leaves.card


def test_keeping_changes_nothing_but_is_remembered(workspace, leaves):
    decision = Decision(image=leaves.records["image"].iloc[0], action="keep", why="two leaves of one tree")
    after = decide(workspace, leaves, [decision])
    assert after.version == leaves.version and after.card.parent == ""
    assert [one.why for one in after.card.decisions] == ["two leaves of one tree"]
    assert undo(workspace, after).card.decisions == ()
    with pytest.raises(DatasetError, match="there is nothing to undo"):
        undo(workspace, load(workspace, "leaves"))


def test_tags_are_read_back_by_tag_and_undone_at_once(workspace, leaves):
    first, second, third = leaves.records["image"].iloc[:3]
    one = decide(workspace, leaves, [Decision(image=image, action="tag", tag="blurred") for image in (second, first)])
    tagged = Decision(image=first, action="tag", tag="x")
    two = decide(workspace, one, [Decision(image=third, action="exclude"), tagged])
    assert one.version == leaves.version and one.tags == {"blurred": (first, second)}
    assert two.tags == {"blurred": (first, second), "x": (first,)}
    assert decide(workspace, two, [Decision(image=first, action="exclude")]).tags == {"blurred": (second,)}
    assert undo(workspace, one).tags == {}


def test_what_was_decided_at_once_is_undone_at_once(workspace, leaves):
    images = leaves.records["image"].iloc[:4]
    one = decide(workspace, leaves, [Decision(image=image, action="exclude") for image in images])
    assert len({decision.when for decision in one.card.decisions}) == 1
    kept = decide(workspace, one, [Decision(image=leaves.records["image"].iloc[5], action="keep")])
    assert kept.version == one.version and len(kept.card.decisions) == 5
    assert undo(workspace, kept).card.decisions == one.card.decisions
    assert undo(workspace, load(workspace, "leaves")).version == leaves.version


def test_going_there_and_back_by_hand_is_undone_step_by_step(workspace, leaves):
    image = leaves.select(labels="rust")["image"].iloc[0]
    there = decide(workspace, leaves, [Decision(image=image, action="relabel", labels="scab")])
    back = decide(workspace, there, [Decision(image=image, action="relabel", labels="rust")])
    assert back.version == leaves.version and len(back.card.decisions) == 2
    assert lineage(workspace, back) == [leaves.ref], "no version descends from itself"
    assert undo(workspace, back).ref == there.ref
    start = undo(workspace, load(workspace, "leaves"))
    assert start.ref == leaves.ref and start.card.decisions == () and not can_undo(start)


def test_an_edit_of_another_kind_is_undone_before_the_decisions_that_it_inherited(workspace, leaves):
    one = decide(workspace, leaves, [Decision(image=leaves.records["image"].iloc[0], action="exclude")])
    split = one.records.assign(split="train")
    two = save(workspace, "leaves", split, one.card.model_copy(update={"parent": one.version}))
    assert undo(workspace, two).ref == one.ref
    assert undo(workspace, load(workspace, "leaves")).ref == leaves.ref


def test_a_moved_picture_changes_its_split_and_group_and_nothing_else(workspace, leaves):
    image = leaves.records["image"].iloc[0]
    was = leaves.records["split"].iloc[0]
    other = "val" if was == "train" else "train"
    found = diff(leaves, decide(workspace, leaves, [Decision(image=image, action="move", split=other, group="tree-1")]))
    assert found.moved == {image: (was, other)} and found.regrouped == 1
    assert found.added == found.removed == () and not found.relabelled


def test_cards_from_before_decisions_had_a_time_are_undone_to_their_parent(workspace, leaves):
    old = Card.model_validate(
        leaves.card.model_dump() | {"parent": leaves.version, "decisions": [{"image": "a.png", "action": "exclude"}]}
    )
    edited = save(workspace, "leaves", leaves.records.iloc[1:], old)
    assert can_undo(edited) and undo(workspace, edited).ref == leaves.ref


def test_decisions_add_up_and_are_undone_one_by_one(workspace, leaves):
    first, second = leaves.records["image"].iloc[:2]
    one = decide(workspace, leaves, [Decision(image=first, action="exclude")])
    two = decide(workspace, one, [Decision(image=second, action="exclude")])
    assert [decision.image for decision in two.card.decisions] == [first, second]
    assert lineage(workspace, two) == [two.ref, one.ref, leaves.ref]
    assert undo(workspace, two).version == one.version
    assert undo(workspace, load(workspace, "leaves")).version == leaves.version
    assert set(versions(workspace, "leaves")) == {leaves.version, one.version, two.version}
    with pytest.raises(DatasetError, match="there is nothing to undo"):
        undo(workspace, load(workspace, "leaves"))


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ([Decision(image="gone.jpg", action="exclude")], "got 'gone.jpg', which is not in leaves@"),
        ([Decision(image="{0}", action="relabel", labels=" ")], "labels: got none for"),
        ([Decision(image="{0}", action="tag", tag=" ")], "tag: got an empty one for"),
        ([], "decisions: got none about leaves@"),
        ([Decision(image="{0}", action="exclude"), Decision(image="{0}", action="keep")], "decide once"),
    ],
)
def test_decisions_that_make_no_sense_are_refused(workspace, leaves, decisions, message):
    first = leaves.records["image"].iloc[0]
    decisions = [one.model_copy(update={"image": one.image.replace("{0}", first)}) for one in decisions]
    with pytest.raises(DatasetError, match=message):
        decide(workspace, leaves, decisions)
    assert load(workspace, "leaves").ref == leaves.ref


def test_excluding_everything_is_refused(workspace, leaves):
    with pytest.raises(DatasetError, match="would be left; exclude fewer"):
        decide(workspace, leaves, [Decision(image=image, action="exclude") for image in leaves.records["image"]])


def test_a_diff_tells_added_moved_and_regrouped(workspace, leaves):
    records = leaves.records
    image = records["image"].iloc[0]
    changed = records.assign(
        split=records["split"].where(records["image"] != image, "changed"),
        group=records["group"].where(records["image"] != image, "other"),
    ).iloc[:-1]
    from dataclasses import replace

    found = diff(replace(leaves, records=changed), leaves)
    assert found.added == (records["image"].iloc[-1],)
    assert found.moved == {image: ("changed", records["split"].iloc[0])} and found.regrouped == 1


def test_a_new_split_is_undone_without_what_was_kept_before_it(workspace, carry, leaves):
    kept = decide(workspace, leaves, [Decision(image=leaves.records["image"].iloc[0], action="keep", why="two leaves")])
    assert last_decision(workspace, kept) == kept.card.decisions[-1]
    carry("split", dataset="leaves", seed=7)
    split = load(workspace, "leaves")
    assert split.version != kept.version and split.card.decisions == kept.card.decisions
    assert last_decision(workspace, split) is None, "the last edit was the split"
    assert undo(workspace, split).card.decisions == kept.card.decisions
    assert undo(workspace, load(workspace, "leaves")).card.decisions == ()


def test_a_conflict_that_was_decided_is_warned_of_no_more(workspace, carry, leaf_folders, tmp_path):
    source = Path(shutil.copytree(leaf_folders, tmp_path / "source"))
    rust = sorted((source / "rust").iterdir())[0]
    shutil.copy(rust, source / "scab" / f"copy{rust.suffix}")
    before = load(workspace, carry("import", source=source, name="leaves").result()["dataset"])
    assert any("different labels: 1" in warning for warning in before.card.warnings)
    tagged = decide(workspace, before, [Decision(image=before.records["image"].iloc[0], action="tag", tag="blurred")])
    assert tagged.card.warnings == before.card.warnings, "nothing was mended"
    after = decide(workspace, tagged, [Decision(image=f"scab/copy{rust.suffix}", action="exclude")])
    assert not any("different labels" in warning for warning in after.card.warnings)
    assert undo(workspace, after).card.warnings == before.card.warnings
