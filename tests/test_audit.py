import json
from pathlib import Path

import numpy as np
import pandas as pd

from leafcore.audit import Audit, Model, audit, models_of
from leafcore.data.edits import decide
from leafcore.data.fixes import to_train
from leafcore.data.manifest import Card, Dataset, load, save
from leafcore.data.seen import UNKNOWN, save_seen
from tests.conftest import Journey

CARD = Card(root="", source="", format="", license="", created=0)


def dataset(records: pd.DataFrame, **card: object) -> Dataset:
    return Dataset("leaves", "0" * 12, records, CARD.model_copy(update=card))


def by_hand(**card: object) -> Dataset:
    rows = [
        ("a", "leaf-1", "train"),
        ("b", "leaf-2", "train"),
        ("c", "leaf-3", "val"),
        ("d", "leaf-4", "test"),
        ("e", "leaf-4", "test"),
        ("f", "leaf-5", "test"),
    ]
    records = pd.DataFrame(rows, columns=["sha256", "group", "split"], dtype="string")
    return dataset(records.assign(image=records["sha256"] + ".jpg"), **card)


def model(folder: Path, **seen: list[str]) -> Model:
    save_seen(folder, seen)
    return Model(folder.name, folder, (folder / "seen.json").stat().st_mtime_ns)


def test_who_saw_train_pictures_only_is_not_named(tmp_path: Path) -> None:
    found = audit(by_hand(), [model(tmp_path / "to-rust", generator=["a", "b", "stranger"], lflseg=["a"])])
    assert found.is_clean and found.sizes == {"test": 3, "val": 1}


def test_what_was_seen_is_counted_by_role_and_split_with_its_group(tmp_path: Path) -> None:
    seen = {"generator": ["a", "d"], "lflseg": ["c", "f"], "source": ["b"]}
    (exposure,) = audit(by_hand(), [model(tmp_path / "to-rust", **seen)]).exposures
    assert exposure.model == "to-rust"
    assert exposure.counts == {"test": {"generator": 2, "lflseg": 1}, "val": {"lflseg": 1}}
    assert exposure.images == {"test": ("d.jpg", "e.jpg", "f.jpg"), "val": ("c.jpg",)}


def test_probes_may_be_validation_pictures_but_not_test_pictures(tmp_path: Path) -> None:
    assert audit(by_hand(), [model(tmp_path / "one", probe=["c"])]).is_clean
    (exposure,) = audit(by_hand(), [model(tmp_path / "two", probe=["c", "f"])]).exposures
    assert exposure.counts == {"test": {"probe": 1}, "val": {}} and exposure.images["val"] == ()


def test_the_model_that_saw_most_comes_first_and_what_is_unknown_is_no_role(tmp_path: Path) -> None:
    models = [model(tmp_path / "few", generator=["f"]), model(tmp_path / "many", generator=["c", "d", "f"])]
    models.append(model(tmp_path / "unknown", **{UNKNOWN: ["c", "d"]}))
    assert [one.model for one in audit(by_hand(), models).exposures] == ["many", "few"]


def test_pairs_from_the_import_and_from_elsewhere_are_looked_at() -> None:
    assert audit(by_hand(alike=[("a.jpg", "f.jpg")])).straddles.pairs == 1
    assert audit(by_hand(), alike=[("a.jpg", "f.jpg"), ("a.jpg", "b.jpg")]).straddles.clusters == (("a.jpg", "f.jpg"),)


def test_the_journeys_models_have_seen_nothing_that_is_held_out(journey: Journey) -> None:
    models = models_of(journey.workspace)
    titles = [one.title for one in models]
    assert "healthy-to-rust" in titles and not any(journey.runs["leafgan"].id in title for title in titles)
    assert any(journey.runs["lflseg"].id in title for title in titles), "trained, not promoted"
    assert any(journey.runs["synthesize"].id in title for title in titles), "its sources count"
    assert audit(load(journey.workspace, journey.dataset), models).is_clean


def test_another_split_of_the_same_pictures_names_the_journeys_generator_and_the_fix_clears_it(
    journey: Journey, workspace
) -> None:
    """The published mistake: held out only after the generators were trained."""
    leaves = load(journey.workspace, journey.dataset)
    swapped = leaves.records.assign(split=leaves.records["split"].replace({"train": "test", "test": "train"}))
    other = save(workspace, "leaves", swapped, leaves.card)
    found = audit(other, models_of(journey.workspace))
    by_model = {one.model: one for one in found.exposures}
    rusty = swapped[(swapped["split"] == "test") & swapped["labels"].isin(["healthy", "rust"])]
    assert set(rusty["image"]) <= set(by_model["healthy-to-rust"].images["test"])
    assert set(by_model["healthy-to-rust"].counts["test"]) >= {"generator", "lflseg"}
    mended = decide(workspace, other, to_train(other, found.exposures[0].images["test"], "seen"))
    assert not any(one.images["test"] for one in audit(mended, models_of(journey.workspace)).exposures)


def test_a_damaged_note_of_what_was_seen_names_nobody(tmp_path: Path) -> None:
    one = model(tmp_path / "one", generator=["f"])
    (one.folder / "seen.json").write_text("{")
    assert audit(by_hand(), [one]).is_clean


def test_an_audit_survives_being_written_down(tmp_path: Path) -> None:
    found = audit(by_hand(), [model(tmp_path / "one", generator=["f"])])
    assert Audit.model_validate(json.loads(found.model_dump_json())) == found


def test_a_model_that_saw_every_second_of_many_pictures(tmp_path: Path) -> None:
    count = 50_000
    number = pd.Series(np.arange(count).astype(str), dtype="string")
    split = np.where(np.arange(count) % 4 == 0, "test", "train")
    records = pd.DataFrame({"image": number, "sha256": number, "group": number, "split": split})
    (exposure,) = audit(dataset(records), [model(tmp_path / "one", generator=number[::2].tolist())]).exposures
    assert exposure.counts["test"] == {"generator": count // 4}
