import json
from pathlib import Path

import pytest

from ui.curves import Curves


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def values(curves: Curves) -> dict[str, dict[int, float]]:
    return {name: series.to_dict() for name, series in curves.read().items()}


def append(path: Path, *reports: dict[str, float]) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps(report) + "\n" for report in reports)


def test_a_run_that_has_reported_nothing_has_no_curves(path):
    assert Curves(path).read() == {}


def test_new_reports_join_those_that_were_read(path):
    curves = Curves(path)
    append(path, {"step": 1, "loss": 0.5})
    assert values(curves) == {"loss": {1: 0.5}}
    append(path, {"step": 2, "loss": 0.4}, {"step": 2, "score": 0.9})
    assert values(curves) == {"loss": {1: 0.5, 2: 0.4}, "score": {2: 0.9}}


def test_what_was_read_is_not_read_again(path):
    curves = Curves(path)
    append(path, {"step": 1, "loss": 0.5})
    curves.read()
    size = path.stat().st_size
    with path.open("r+b") as file:  # the same file, the same length, other content
        file.write(b"#" * (size - 1))
    append(path, {"step": 2, "loss": 0.4})
    assert values(curves) == {"loss": {1: 0.5, 2: 0.4}}


def test_half_a_line_waits_for_its_other_half(path):
    curves = Curves(path)
    path.write_text('{"step": 1, "lo')
    assert curves.read() == {}
    path.write_text('{"step": 1, "loss": 0.5}\n')
    assert values(curves) == {"loss": {1: 0.5}}


def test_a_run_that_was_set_back_is_read_anew(path):
    curves = Curves(path)
    append(path, {"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.4})
    curves.read()
    path.unlink()
    append(path, {"step": 1, "loss": 0.5})
    assert values(curves) == {"loss": {1: 0.5}}


def test_what_was_not_finite_is_kept_apart_from_what_was_not_reported(path):
    append(
        path, {"step": 1, "loss": 0.5}, {"step": 2, "loss": None}, {"step": 2, "score": 0.9}, {"step": 3, "loss": 1.0}
    )
    read = Curves(path).read()
    assert read["loss"].index.tolist() == [1, 2, 3] and read["loss"].isna().tolist() == [False, True, False]
    assert read["score"].to_dict() == {2: 0.9}


def test_a_scalar_that_never_was_finite_is_there(path):
    append(path, {"step": 1, "loss": None})
    assert Curves(path).read()["loss"].isna().tolist() == [True]
