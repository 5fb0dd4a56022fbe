import numpy as np
import pandas as pd
import pytest

from leafcore.data.classes import Classes
from leafcore.data.manifest import load
from leafcore.data.seen import load_seen
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import DatasetError, NotFoundError
from leafcore.evaluate.arms import load_material, share_of
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.plans import Plan
from leafcore.images import load_square
from leafcore.runs import open_run
from tests.conftest import carrier
from tests.watcher import Watcher


@pytest.fixture
def material(own, config, tmp_path):
    return load_material(config, own, Watcher(tmp_path / "run"))


def as_set(images):
    return {picture.tobytes() for part in images for picture in part}


def decoded(dataset, split, size_px):
    paths = dataset.paths(dataset.select(split=split))
    return {load_square(path, size_px).tobytes() for path in paths}


def test_both_arms_learn_from_the_same_real_train_pictures(own, config, material):
    dataset = load(own, config.dataset)
    train = decoded(dataset, "train", 36)
    assert as_set(material.train["real"].images) == train
    assert as_set(material.train["real_plus_synthetic"].images[:1]) == train
    assert len(material.train["real"]) == len(dataset.select(split="train"))


def test_synthetic_pictures_join_train_and_nothing_else(own, journey, config, material):
    made = open_synthetic_set(own, journey.runs["synthesize"].id)
    synthetic = {load_square(path, 36).tobytes() for path in made.paths()}
    assert len(material.train["real_plus_synthetic"]) == len(material.train["real"]) + 6
    assert as_set(material.train["real_plus_synthetic"].images[1:]) == synthetic
    small = {load_square(path, 32).tobytes() for path in made.paths()}
    dataset = load(own, config.dataset)
    for split, held_out in (("val", material.val), ("test", material.test)):
        assert as_set(held_out.images) == decoded(dataset, split, 32) and not as_set(held_out.images) & small


def test_targets_say_what_each_picture_shows(own, journey, config, material):
    dataset = load(own, config.dataset)
    assert material.classes == Classes(("healthy", "rust", "scab"), exclusive=True)
    assert material.classes.decode(material.test.targets) == list(material.test_records["labels"])
    assert material.classes.decode(material.train["real"].targets) == list(dataset.select(split="train")["labels"])
    assert material.classes.decode(material.train["real_plus_synthetic"].targets[-6:]) == ["rust"] * 6


def test_each_picture_keeps_its_target(own, config, material):
    dataset = load(own, config.dataset)
    index = int(np.flatnonzero(dataset.select(split="test")["labels"].to_numpy() == "scab")[0])
    picture = load_square(dataset.paths(dataset.select(split="test"))[index], 32)
    assert np.array_equal(material.test.images[0][index], picture)
    assert material.test.targets[index].tolist() == [0, 0, 1]


def test_what_the_models_behind_the_pictures_have_seen_is_gathered(own, journey, material):
    assert material.seen == (load_seen(own.runs / journey.runs["synthesize"].id),)
    assert material.seen_behind([0]) == material.seen[0] and material.seen_behind([]) == {}
    assert material.synthetic == 6


def test_several_synthetic_sets_are_added_together(own, journey, config, tmp_path):
    other = carrier(own)(
        "synthesize", chain=("healthy-to-rust",), dataset=journey.dataset, source="scab", count=3, device="cpu"
    )
    both = config.model_copy(update={"synthetic": (*config.synthetic, other.id)})
    material = load_material(both, own, Watcher(tmp_path / "run"))
    assert material.synthetic == 9
    assert material.classes.decode(material.train["real_plus_synthetic"].targets[-3:]) == ["rust scab"] * 3
    assert not material.classes.exclusive, "a picture of two labels needs a sigmoid each"


def test_a_version_of_combinations_makes_a_pair_of_labels_a_class(own, journey, config, leaf_folders, tmp_path):
    carry = carrier(own)
    dataset = carry("import", source=leaf_folders, name="combined", label_policy="combination").result()["dataset"]
    pair = carry("synthesize", chain=("healthy-to-rust",), dataset=dataset, source="scab", count=3, device="cpu")
    chosen = config.model_copy(update={"dataset": dataset, "synthetic": (pair.id,)})
    classes = load_material(chosen, own, Watcher(tmp_path / "run")).classes
    assert classes == Classes(("healthy", "rust", "rust scab", "scab"), exclusive=True)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_dataset_without_a_split_is_refused(own, config, leaf_folders, tmp_path, split):
    other = carrier(own)("import", source=leaf_folders, name="cut", **{split: 0.0}).result()["dataset"]
    with pytest.raises(DatasetError, match=f"dataset: {other} has no {split} picture; import it again"):
        load_material(config.model_copy(update={"dataset": other}), own, Watcher(tmp_path / "run"))


def test_a_synthetic_picture_that_is_gone_is_named(own, journey, config, tmp_path):
    gone = open_synthetic_set(own, journey.runs["synthesize"].id).paths()[1]
    gone.unlink()
    with pytest.raises(DatasetError, match=str(gone)) as raised:
        load_material(config, own, Watcher(tmp_path / "run"))
    assert "\n" not in str(raised.value)


def test_a_run_that_made_no_pictures_is_refused(own, journey, config, tmp_path):
    with pytest.raises(NotFoundError, match="holds no synthetic pictures"):
        load_material(
            config.model_copy(update={"synthetic": (journey.runs["masks"].id,)}), own, Watcher(tmp_path / "run")
        )


# --- what an arm takes ------------------------------------------------------------------------------------------------


def share(config, own, **values):
    """Return the material of a comparison with other settings."""
    changed = EvaluateConfig.build({**config.model_dump(), **values})
    return load_material(changed, own, Watcher(own.root / "run"))


def test_replaced_leaves_out_the_sources_of_the_used_children(own, journey, config):
    material = share(config, own, arms="replaced,synthetic")
    sources = set(open_synthetic_set(own, journey.runs["synthesize"].id).manifest["source_sha256"])
    train = load(own, config.dataset).select(split="train")["sha256"].to_numpy()
    left = set(train[material.shares["replaced"].real])
    assert sources and not left & sources and left | sources == set(train)
    assert len(material.train["replaced"]) == len(train) - len(sources) + 6
    rows = material.shares["replaced"].real
    pictures, whole = material.train["replaced"].images[0], material.train["real"].images[0]
    assert all(np.array_equal(pictures[at], whole[row]) for at, row in enumerate(rows))
    assert np.array_equal(pictures[np.arange(len(rows))], whole[rows]), "several at once, too"


def test_synthetic_pictures_alone_are_all_that_such_an_arm_learns_from(own, config):
    material = share(config, own, arms="synthetic")
    assert material.classes.decode(material.train["synthetic"].targets) == ["rust"] * 6
    assert len(material.shares["synthetic"].real) == 0


def test_a_dose_is_of_the_real_pictures_of_the_label_set_and_holds_smaller_ones(own, config):
    material = share(config, own, arms="real", doses="25,50")
    rust = int((load(own, config.dataset).select(split="train")["labels"] == "rust").sum())
    small, large = (set(material.shares[f"dose.{dose}"].synthetic) for dose in (25, 50))
    assert (len(small), len(large)) == (round(rust / 4), round(rust / 2)) and small < large
    assert len(material.train["dose.50"]) == len(material.train["real"]) + len(large)


def test_a_dose_that_is_not_there_is_refused_before_anything_is_decoded(own, config):
    with pytest.raises(DatasetError, match=r"doses: 400 % needs \d+ synthetic pictures of rust, got 6"):
        share(config, own, doses="400")


def test_a_rule_that_asks_for_more_than_there_is_takes_all_and_says_so(own, config):
    path, watcher = own.runs / config.synthetic[0] / "manifest.csv", Watcher(own.root / "run")
    pd.read_csv(path, dtype=str, keep_default_na=False).iloc[:4].to_csv(path, index=False)
    material = load_material(EvaluateConfig.build({**config.model_dump(), "heuristics": "match-largest"}), own, watcher)
    assert len(material.shares["add.match-largest"].synthetic) == 4
    (warning,) = watcher.warnings
    assert warning.startswith("Real + synthetic, match-largest: the rule asks for ") and "all 4 were taken" in warning


@pytest.mark.parametrize("rule", ["match-largest", "capped"])
def test_a_rule_that_adds_no_picture_makes_no_arm(rule):
    train = pd.DataFrame({"labels": ["healthy", "rust"] * 4})
    children = pd.DataFrame({"set": 0, "labels": ["rust"] * 9})
    with pytest.raises(DatasetError, match=f"heuristics: {rule} adds no synthetic picture of rust to the real"):
        share_of(Plan(f"add.{rule}", "By a rule", "", sets=(0,), amount=rule), train, children, seed=0)


def test_a_label_set_that_is_replaced_altogether_is_named():
    train = pd.DataFrame({"sha256": ["a", "b"], "labels": ["healthy", "rust"]})
    children = pd.DataFrame({"set": 0, "source_sha256": ["a"], "labels": ["rust"]})
    found = share_of(Plan("replaced", "Replaced", "", real="no sources", sets=(0,)), train, children, seed=0)
    assert found.real.tolist() == [1] and found.warnings == ("Replaced: no real train picture of healthy is left.",)


def test_every_set_may_have_an_arm_of_its_own(own, journey, config):
    same = config.synthetic[0]
    other = carrier(own)(
        "synthesize", chain=("healthy-to-rust",), dataset=journey.dataset, source="healthy", count=2, seed=5,
        device="cpu",
    )  # fmt: skip
    material = share(config, own, synthetic=(same, other.id), arms="real_plus_synthetic", pooling="each")
    first, second = (material.shares[f"real_plus_synthetic.{number}"].synthetic.tolist() for number in (1, 2))
    assert (first, second) == ([0, 1, 2, 3, 4, 5], [6, 7]) and material.plans[2].title.endswith(other.record.title)


def test_sets_that_are_called_the_same_have_arms_that_are_not(own, journey, config):
    same = config.synthetic[0]
    other = carrier(own)(
        "synthesize", chain=("healthy-to-rust",), dataset=journey.dataset, source="healthy", count=6, seed=5,
        device="cpu",
    )  # fmt: skip
    assert open_run(own, same).record.title == other.record.title
    material = share(config, own, synthetic=(same, other.id), arms="real_plus_synthetic,synthetic", pooling="both")
    titles = {plan.id: plan.title for plan in material.plans}
    assert len(set(titles.values())) == len(titles) == 7
    assert titles["real_plus_synthetic.2"] == f"Real + synthetic: {other.record.title} {other.id[-4:]}"
    assert all(plan.of in plan.subject for plan in material.plans) and material.plans[2].of.endswith(same[-4:])


def test_sources_cannot_be_replaced_where_there_are_none(own, config):
    path = own.runs / config.synthetic[0] / "manifest.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False).assign(source="", source_sha256="")
    table.to_csv(path, index=False)
    with pytest.raises(DatasetError, match="arms: replaced leaves out the sources of synthetic pictures, but none"):
        share(config, own, arms="replaced")
