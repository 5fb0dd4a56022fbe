import psutil
import pytest

from leafcore import memory
from leafcore.memory import available_bytes, cgroup_rooms


@pytest.fixture
def group(tmp_path):
    """Return a function that writes a group's files, by its path below the root of all."""

    def write(path, limit, used, inactive):
        folder = tmp_path / "cgroup" / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in (("max", limit), ("current", used), ("stat", f"anon 1\ninactive_file {inactive}")):
            (folder / f"memory.{name}").write_text(f"{value}\n")

    return write


def rooms(tmp_path, own):
    (tmp_path / "own").write_text(own)
    return list(cgroup_rooms(tmp_path / "cgroup", tmp_path / "own"))


def test_a_container_leaves_what_is_under_its_limit_and_what_its_files_would_give_back(group, tmp_path):
    group("", limit=1000, used=700, inactive=50)
    assert rooms(tmp_path, "0::/\n") == [350]


def test_the_limit_of_a_group_holds_for_those_below(group, tmp_path):
    group("box/app", limit="max", used=100, inactive=0)
    group("box", limit=500, used=600, inactive=0)
    assert rooms(tmp_path, "1:name=systemd:/\n0::/box/app\n") == [0]


@pytest.mark.parametrize("own", ["4:memory:/box\n", "0::/box\n", ""])
def test_where_there_is_no_limit_nothing_is_said(tmp_path, own):
    assert rooms(tmp_path, own) == []


def test_the_least_counts(monkeypatch):
    monkeypatch.setattr(memory, "cgroup_rooms", lambda: iter([5 * 2**20, 7 * 2**20]))
    assert available_bytes() == 5 * 2**20
    monkeypatch.setattr(memory, "cgroup_rooms", lambda: iter([10**18]))
    assert available_bytes() == pytest.approx(psutil.virtual_memory().available, rel=0.2)
