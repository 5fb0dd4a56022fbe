from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from leafcore.audit import Audit, Model, audit
from leafcore.data.labels import label_set
from leafcore.data.leaks import LeakReport, check
from leafcore.data.manifest import Card, Dataset, load
from leafcore.data.seen import UNKNOWN, load_seen, save_seen
from leafcore.data.splits import assign_splits
from tests.conftest import Journey

CARD = Card(root="", source="", format="", license="", created=0)


def dataset(records: pd.DataFrame) -> Dataset:
    return Dataset("leaves", "0" * 12, records, CARD)


def by_hand() -> Dataset:
    """Ten pictures of six leaves; two photographs each of the leaves 1, 2, 3 and 5."""
    rows = [
        ("a", "leaf-1", "train"),
        ("b", "leaf-1", "train"),
        ("c", "leaf-2", "train"),
        ("d", "leaf-2", "train"),
        ("e", "leaf-3", "val"),
        ("f", "leaf-3", "val"),
        ("g", "leaf-4", "val"),
        ("h", "leaf-5", "test"),
        ("i", "leaf-5", "test"),
        ("j", "leaf-6", "test"),
    ]
    return dataset(pd.DataFrame(rows, columns=["sha256", "group", "split"], dtype="string"))


def test_a_model_that_saw_train_pictures_only_is_clean() -> None:
    report = check(by_hand(), {"generator": list("abcd"), "lflseg": ["a"]})
    assert report == LeakReport(
        test={"generator": 0, "lflseg": 0},
        val={"generator": 0, "lflseg": 0},
        outside={"generator": 0, "lflseg": 0},
        test_size=3,
    )
    assert report.is_clean and report.explain() == ""


def test_each_role_is_counted_by_itself() -> None:
    seen = {"generator": ["a", "e", "h", "i"], "lflseg": ["g", "b"], "source": ["unknown", "a", "j"]}
    report = check(by_hand(), seen)
    assert report.test == {"generator": 2, "lflseg": 0, "source": 1}
    assert report.val == {"generator": 1, "lflseg": 1, "source": 0}
    assert report.outside == {"generator": 3, "lflseg": 1, "source": 2}
    assert not report.is_clean
    assert report.explain() == "the generator has seen 2 of 3 test pictures"


def test_pictures_of_another_dataset_withhold_the_verdict() -> None:
    report = check(by_hand(), {"generator": ["a", "stranger"], "lflseg": ["s1", "s2"]})
    assert report.test == {"generator": 0, "lflseg": 0} and not report.is_clean
    assert report.explain() == (
        "the LFLSeg model behind the masks has seen 2 pictures that are not in this dataset's train split; "
        "train LFLSeg on this dataset first"
    )


def test_a_filter_is_named_by_what_it_did() -> None:
    judged = check(by_hand(), {"generator": ["a"], "label filter": ["a", "h"]})
    assert judged.explain() == "the judge that verified the pictures has seen 1 of 3 test pictures"
    strangers = check(by_hand(), {"generator": ["a"], "label filter": ["a", "stranger"]})
    assert strangers.explain().endswith(
        "has seen 1 pictures that are not in this dataset's train split; train a classifier on this dataset, and let "
        "it judge pictures that are made anew"
    )


def test_validation_pictures_withhold_the_verdict() -> None:
    report = check(by_hand(), {"generator": ["a", "g"]})
    assert report.val == {"generator": 1} and not report.is_clean


def test_probes_may_be_validation_pictures_and_nothing_else() -> None:
    records = by_hand().records
    val, test = (list(records.loc[records["split"] == name, "sha256"]) for name in ("val", "test"))
    chosen_well = check(by_hand(), {"generator": ["a"], "probe": val})
    assert chosen_well.is_clean and "probe" not in chosen_well.val | chosen_well.outside
    chosen_on_test = check(by_hand(), {"generator": ["a"], "probe": test[:1]})
    assert not chosen_on_test.is_clean
    assert chosen_on_test.explain() == "the probes, by which epochs were chosen, include 1 of 3 test pictures"


def test_no_role_at_all_is_not_clean_but_unknown() -> None:
    report = check(by_hand(), {})
    assert not report.is_clean and report.test_size == 3
    assert report.explain().startswith("nobody wrote down which pictures were seen by what made the synthetic pictures")


def test_what_is_unknown_withholds_the_verdict_and_says_what_to_do() -> None:
    report = check(by_hand(), {"generator": ["a"], UNKNOWN: ["to-rust (lflseg)", "looker (lflseg)"]})
    assert report.unknown == ("to-rust (lflseg)", "looker (lflseg)") and not report.is_clean
    assert report.test == report.val == report.outside == {"generator": 0}, "what is known is counted"
    assert report.explain() == (
        "nobody wrote down which pictures were seen by to-rust (lflseg), looker (lflseg); promote or train that again, "
        "then make the synthetic pictures anew"
    )


def test_a_leak_that_is_known_is_said_before_what_is_unknown() -> None:
    report = check(by_hand(), {"generator": ["h"], UNKNOWN: ["to-rust (lflseg)"]})
    assert report.explain() == "the generator has seen 1 of 3 test pictures"


def test_a_copy_of_a_test_picture_under_another_name_is_found() -> None:
    rows = [
        ("same", "leaf-1", "test", "one.jpg"),
        ("same", "leaf-1", "test", "two.jpg"),
        ("a", "leaf-2", "train", "a.jpg"),
    ]
    records = pd.DataFrame(rows, columns=["sha256", "group", "split", "image"], dtype="string")
    assert check(dataset(records), {"generator": ["same", "a"]}).test == {"generator": 1}


# --- the mistake in the published notebook --------------------------------------------------------------------------


def published(labels: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Split as the notebook does: GANs see the first 80 % of each class, the classifier's fold is the first of five."""
    records = pd.DataFrame({"labels": labels, "split": "train"}).reset_index(drop=True)
    records["sha256"] = records["group"] = records["image"] = [f"picture-{index}" for index in records.index]
    order = records.groupby("labels").cumcount() / records.groupby("labels")["labels"].transform("size")
    seen = records.loc[order < 0.8, "sha256"].tolist()
    _, fold = next(StratifiedKFold(n_splits=5).split(np.zeros(len(records)), records["labels"]))
    records.loc[fold, "split"] = "val"
    return records, seen


def ours(records: pd.DataFrame) -> pd.DataFrame:
    return records.assign(split=assign_splits(records, val=0.15, test=0.15, seed=0))


def require_exactly_that(labels: pd.Series, folder: Path) -> None:
    records, seen = published(labels)
    validation = int((records["split"] == "val").sum())
    assert validation == pytest.approx(len(records) / 5, abs=5)
    report = check(dataset(records), {"generator": seen})
    assert report.val == report.outside == {"generator": validation}
    assert not report.is_clean
    (exposure,) = audited(records, seen, folder).exposures
    assert exposure.counts == {"test": {}, "val": {"generator": validation}}
    assert set(exposure.images["val"]) == set(records.loc[records["split"] == "val", "image"])

    fixed = ours(records)
    report = check(dataset(fixed), {"generator": fixed.loc[fixed["split"] == "train", "sha256"].tolist()})
    assert report.test == report.val == report.outside == {"generator": 0}
    assert report.is_clean and report.test_size > 0
    assert audited(fixed, fixed.loc[fixed["split"] == "train", "sha256"].tolist(), folder).is_clean


def audited(records: pd.DataFrame, seen: list[str], folder: Path) -> Audit:
    """Return what a dataset's page says of a split, with a generator that has seen some pictures."""
    save_seen(folder, {"generator": seen})
    return audit(dataset(records), [Model("published", folder, 0)])


def test_the_published_split_shows_every_validation_picture_to_the_generator_and_ours_none(tmp_path: Path) -> None:
    counts = {"healthy": 230, "scab": 240, "rust": 95, "frog_eye_leaf_spot": 160, "complex": 80}
    mixed = np.random.default_rng(0).permutation([name for name, count in counts.items() for _ in range(count)])
    require_exactly_that(pd.Series(mixed), tmp_path)


@pytest.mark.samples
def test_the_same_holds_for_the_orchard_photographs(samples: Path, tmp_path: Path) -> None:
    table = pd.read_csv(samples / "field" / "train.csv")
    single = table[~table["labels"].str.contains(" ")]  # the notebook drops the others
    require_exactly_that(single["labels"].map(label_set), tmp_path)


# --- the whole journey ----------------------------------------------------------------------------------------------


def test_what_the_journeys_models_saw_is_clean(journey: Journey) -> None:
    seen = load_seen(journey.runs["synthesize"].folder)
    report = check(load(journey.workspace, journey.dataset), seen)
    assert set(report.outside) == set(seen) - {"probe"} >= {"generator", "lflseg", "source"}
    assert report.is_clean
