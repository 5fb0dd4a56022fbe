import numpy as np

from leafcore.measure.feature_store import FeatureStore

ONE, OTHER = np.arange(4, dtype=np.float32), np.full(4, 7, np.float32)


def test_what_was_added_is_found_again(tmp_path):
    FeatureStore(tmp_path / "lite0").add({"a": ONE, "b": OTHER})
    found = FeatureStore(tmp_path / "lite0").get(["b", "a", "c"])
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["a"], ONE)
    np.testing.assert_array_equal(found["b"], OTHER)


def test_two_writers_keep_what_the_other_wrote(tmp_path):
    first, second = FeatureStore(tmp_path), FeatureStore(tmp_path)
    first.add({"a": ONE})
    second.add({"b": OTHER})
    assert first.get(["a", "b"]).keys() == {"a", "b"}


def test_nothing_is_written_for_nothing(tmp_path):
    FeatureStore(tmp_path / "empty").add({})
    assert not (tmp_path / "empty").exists()


def test_a_damaged_shard_loses_only_itself(tmp_path):
    store = FeatureStore(tmp_path)
    store.add({"a": ONE})
    (damaged,) = tmp_path.glob("*.npz")
    store.add({"b": OTHER})
    damaged.write_bytes(damaged.read_bytes()[:40])
    assert store.get(["a", "b"]).keys() == {"b"}
