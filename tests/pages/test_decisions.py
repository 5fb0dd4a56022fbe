"""Decisions on the Datasets page: in bulk, by a threshold, one suspect at a time, and what mends a leak."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leafcore.data.edits import decide
from leafcore.data.manifest import Decision, load, save
from leafcore.data.rendered import render_leaf
from leafcore.data.seen import save_seen
from leafcore.data.straddles import find_straddles
from leafcore.files import write_json
from leafcore.health import HealthConfig
from leafcore.runs import create_run


@pytest.fixture
def mended(workspace, carry, tmp_path):
    """A dataset with a conflict, two copies, a near-duplicate and a tiny file; its health was checked."""
    root = tmp_path / "leaves"
    for label, start in (("rust", 0), ("scab", 100)):
        (root / label).mkdir(parents=True)
        for seed in range(12):
            picture = render_leaf((label,), 96, leaf_seed=start + seed, view_seed=start + seed).image
            Image.fromarray(picture).save(root / label / f"{seed}.jpg", quality=92)
    shutil.copy(root / "rust/0.jpg", root / "scab/conflict.jpg")
    shutil.copy(root / "scab/1.jpg", root / "scab/copy.jpg")
    shutil.copy(root / "rust/4.jpg", root / "rust/copy.jpg")
    Image.open(root / "rust/2.jpg").save(root / "rust/again.jpg", quality=55)
    Image.open(root / "scab/5.jpg").resize((50, 50)).rotate(90).save(root / "scab/small.png")
    carry("import", source=root, name="leaves")
    carry("health", dataset="leaves")
    return workspace


def metric(page, label):
    return next(one.value for one in page.metric if one.label == label)


def shown(page):
    return [one.value for one in (*page.caption, *page.markdown)]


def test_all_of_a_kind_are_fixed_at_once_and_undone_at_once(open_app, mended):
    before = load(mended, "leaves")
    app = open_app(mended)
    page = app.open("datasets", tab="Health")
    page.button(key="bulk_unite").click().run()
    app.checked()
    after = load(mended, "leaves")
    assert len(after.records) == len(before.records) - 1 and "rust scab" in after.label_sets
    assert metric(page, "Conflicts") == "0" and metric(page, "Identical") == "2"
    page.button(key="bulk_keep_identical").click().run()
    app.checked()
    assert len(load(mended, "leaves").records) == len(after.records) - 2
    assert load(mended, "leaves").records["sha256"].is_unique
    page.button(key="odd_tiny").click().run()
    assert "scab/small.png" not in set(load(mended, "leaves").records["image"])
    for left in (len(after.records) - 2, len(after.records), len(before.records)):
        page.button(key="undo_edit").click().run()
        app.checked()
        assert len(load(mended, "leaves").records) == left
    assert load(mended, "leaves").version == before.version and page.button(key="undo_edit").disabled


def test_the_threshold_moves_without_looking_again(open_app, mended):
    runs = sorted(path.name for path in mended.runs.iterdir())
    page = open_app(mended).open("datasets", tab="Health")
    page.segmented_control(key="twins").set_value("near").run()
    assert page.button(key="bulk_keep_near").label == "Keep one of each, exclude 1"
    likeness = next(text for text in shown(page) if "likeness 0." in text)
    page.slider(key="min_likeness").set_value(1.0).run()
    assert any("**0** pairs joined, 1 left apart. Just below the threshold:" in text for text in shown(page))
    assert likeness in shown(page), "the pair just below the threshold is shown"
    assert page.button(key="bulk_keep_near").disabled
    assert sorted(path.name for path in mended.runs.iterdir()) == runs


def test_pairs_that_both_stay_are_left_out_of_bulk_fixes(open_app, mended):
    app = open_app(mended)
    page = app.open("datasets", tab="Health")
    page.segmented_control(key="twins").set_value("near").run()
    next(button for button in page.button if button.label == "Keep both").click().run()
    app.checked()
    assert page.button(key="bulk_keep_near").disabled
    assert any("both are kept" in text for text in shown(page))


def test_the_log_of_decisions_says_when_and_what_was_tagged(mended):
    from ui.history import decision_log

    leaves = load(mended, "leaves")
    tagged = decide(mended, leaves, [Decision(image="rust/1.jpg", action="tag", tag="blurred")])
    (row,) = decision_log(tagged).to_dict("records")
    assert (row["action"], row["tag"]) == ("tag", "blurred")
    assert abs(pd.Timestamp(row["when"], tz="UTC") - pd.Timestamp.now("UTC")) < pd.Timedelta(minutes=5)


# --- suspects ---------------------------------------------------------------------------------------------------------


def embedded(workspace, ref, suspects):
    """Write an embed run as its verb would: some pictures' labels are suspect, with what is suggested instead."""
    records = load(workspace, ref).records
    run = create_run(workspace, "embed", HealthConfig(dataset=load(workspace, ref).ref), title="Map", uses=())
    at = np.arange(len(records), dtype="float32")
    table = pd.DataFrame({name: records[name] for name in ("image", "sha256", "labels", "split")})
    suggested = [suspects.get(image, labels) for image, labels in zip(table["image"], table["labels"], strict=True)]
    suspect = [0.95 - 0.06 * list(suspects).index(image) if image in suspects else 0.1 for image in table["image"]]
    table = table.assign(source="real", x=at, y=at, suggested=suggested, confidence=0.2, suspect=suspect)
    table.to_parquet(run.folder / "embedding.parquet")
    first, second = records["image"].iloc[0], records["image"].iloc[1]
    pairs = pd.DataFrame(
        [(first, second, 0.97, 0.4, 30)], columns=["first", "second", "cosine", "likeness", "distance"]
    )
    pairs.to_parquet(run.folder / "pairs.parquet")
    write_json(run.folder / "result.json", {})
    with run.locked(timeout_s=1.0):
        run.finish("done")
    return run


@pytest.fixture
def doubted(workspace, carry, leaf_folders):
    carry("import", source=leaf_folders, name="leaves")
    names = [f"rust/rust-00{number}.png" for number in range(4)]
    doubts = {names[1]: "scab", names[0]: "scab", names[2]: "rust scab", names[3]: "scab"}
    embedded(workspace, "leaves", doubts)  # the last one is hardly doubted
    return workspace


def test_suspects_are_decided_one_by_one_saved_at_once_and_do_not_return(open_app, doubted):
    app = open_app(doubted)
    page = app.open("datasets", tab="Suspects")
    assert any("rust/rust-001.png" in text for text in shown(page)), "the most suspicious first"
    page.button(key="suspect_keep").click().run()
    app.checked()
    assert any("rust/rust-000.png" in text for text in shown(page))
    assert load(doubted, "leaves").label_sets["rust"] == 12
    page.button(key="suspect_give").click().run()
    assert load(doubted, "leaves").label_sets == {"healthy": 20, "rust": 11, "scab": 13}
    page.button(key="suspect_exclude").click().run()
    app.checked()
    after = load(doubted, "leaves")
    assert [one.action for one in after.card.decisions] == ["keep", "relabel", "exclude"]
    assert page.success[0].value == "Every suspect label was looked at."
    page.button(key="suspect_undo").click().run()
    assert any("rust/rust-002.png" in text for text in shown(page)), "what was taken back returns"


def test_other_labels_than_the_suggested_can_be_given(open_app, doubted):
    page = open_app(doubted).open("datasets", tab="Suspects")
    assert [text.value for text in page.subheader] == ["rust", "scab"], "in text that wraps, however long"
    page.multiselect(key="suspect_labels_rust/rust-001.png").set_value(["healthy"]).run()
    assert page.button(key="suspect_give").label == "Give healthy"
    page.multiselect(key="suspect_labels_rust/rust-001.png").set_value(["rust"]).run()
    assert page.button(key="suspect_give").disabled, "it has these labels already"
    assert load(doubted, "leaves").card.decisions == ()


def test_without_a_map_the_tab_says_what_it_is_for(open_app, workspace, carry, leaf_folders):
    carry("import", source=leaf_folders, name="leaves")
    page = open_app(workspace).open("datasets", tab="Suspects")
    assert any("look like those with other labels" in text for text in shown(page))
    assert not [button for button in page.button if button.key == "suspect_keep"]


def test_pairs_alike_by_features_join_those_of_the_health_check(open_app, doubted, carry):
    carry("health", dataset="leaves")
    page = open_app(doubted).open("datasets", tab="Health")
    page.segmented_control(key="twins").set_value("features").run()
    assert any("cosine 0.970" in text for text in shown(page))
    page.slider(key="min_cosine").set_value(1.0).run()
    assert any("**0** pairs joined, 1 left apart" in text for text in shown(page))


# --- leaks ------------------------------------------------------------------------------------------------------------


def test_a_clean_split_has_no_banner(open_app, mended):
    page = open_app(mended).open("datasets")
    assert not [error for error in page.error if "leaks" in error.value]


def test_what_lies_on_two_sides_is_said_and_moved_to_one(open_app, mended):
    leaves = load(mended, "leaves")
    split = np.where(leaves.records["image"].isin(["scab/copy.jpg", "rust/again.jpg"]), "test", "train")
    save(mended, "leaves", leaves.records.assign(split=split, group=leaves.records["image"]), leaves.card)
    app = open_app(mended)
    page = app.open("datasets")
    assert "4 pictures of 2 photographs or groups lie on two sides" in page.error[0].value
    page.button(key="leak_one_side").click().run()
    app.checked()
    after = load(mended, "leaves")
    assert find_straddles(after.records, after.card.alike).clusters == ()
    assert not [error for error in page.error if "leaks" in error.value]
    assert set(after.records["split"]) == {"train"}


def test_what_a_generator_has_seen_is_said_and_moved_to_train(open_app, own_journey):
    leaves = load(own_journey, "leaves")
    held = leaves.records[leaves.records["split"] == "test"]
    save_seen(own_journey.checkpoint("healthy-to-rust"), {"generator": [held["sha256"].iloc[0]], "lflseg": ["none"]})
    app = open_app(own_journey)
    page = app.open("datasets", ds="leaves")
    said = f"**healthy-to-rust** has seen 1 of {len(held)} test pictures"
    assert said in shown(page)
    page.button(key="leak_train_0").click().run()
    app.checked()
    after = load(own_journey, "leaves")
    assert int((after.records["split"] == "test").sum()) == len(held) - 1
    assert said not in shown(page) and not page.error


def test_moving_all_test_pictures_is_not_offered(open_app, own_journey):
    leaves = load(own_journey, "leaves")
    held = leaves.records.loc[leaves.records["split"] == "test", "sha256"]
    save_seen(own_journey.checkpoint("healthy-to-rust"), {"generator": list(held)})
    page = open_app(own_journey).open("datasets", ds="leaves")
    assert page.button(key="leak_train_0").disabled


@pytest.fixture
def own_journey(journey, tmp_path):
    """A copy of the finished journey that a test may change."""
    shutil.copytree(journey.workspace.root, tmp_path / "own")
    return type(journey.workspace)(tmp_path / "own")


def test_the_key_for_undo_takes_no_split_back(open_app, doubted, carry):
    carry("split", dataset="leaves", seed=7)
    page = open_app(doubted).open("datasets", tab="Suspects")
    assert page.button(key="suspect_undo").disabled
    page.button(key="suspect_keep").click().run()
    assert not page.button(key="suspect_undo").disabled
