import pytest

from leafcore.data.edits import decide, diff, lineage, undo
from leafcore.data.manifest import Decision, load, versions
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
    assert after.card.decisions == (Decision(image=victim, action="exclude", why="blurred"),)


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
    assert after.version == leaves.version and after.card.decisions == (decision,) and after.card.parent == ""


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
