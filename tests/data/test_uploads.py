import hashlib
from pathlib import Path

import pytest

from leafcore.data import uploads
from leafcore.data.uploads import max_bytes, receive, tidy_name
from leafcore.errors import ConfigError, DiskFull, TooLarge
from leafcore.workspace import Workspace


def send(workspace: Workspace, name: str, *pieces: bytes) -> Path:
    with receive(workspace, name) as incoming:
        for piece in pieces:
            incoming.write(piece)
        return Path(incoming.finish().path)


def left(workspace: Workspace) -> list[Path]:
    return [path for path in workspace.uploads.rglob("*") if path.is_file()]


def test_pieces_become_one_file_with_its_hash(workspace: Workspace) -> None:
    with receive(workspace, "leaves.zip", announced_bytes=6) as incoming:
        incoming.write(b"abc")
        incoming.write(b"def")
        upload = incoming.finish()
    assert Path(upload.path).read_bytes() == b"abcdef"
    assert (upload.bytes, upload.sha256) == (6, hashlib.sha256(b"abcdef").hexdigest())
    assert left(workspace) == [Path(upload.path)]


def test_two_files_of_one_name_do_not_meet_and_one_file_sent_twice_is_there_once(workspace: Workspace) -> None:
    first, other, again = (send(workspace, "leaves.zip", content) for content in (b"one", b"two", b"one"))
    assert first == again != other
    assert sorted(path.read_bytes() for path in left(workspace)) == [b"one", b"two"]


def test_two_at_a_time_do_not_mix(workspace: Workspace) -> None:
    with receive(workspace, "leaves.zip") as one, receive(workspace, "leaves.zip") as other:
        one.write(b"1")
        other.write(b"22")
        paths = [Path(incoming.finish().path) for incoming in (one, other)]
    assert [path.read_bytes() for path in paths] == [b"1", b"22"]


def test_what_breaks_off_leaves_nothing_behind(workspace: Workspace) -> None:
    with pytest.raises(ConnectionError), receive(workspace, "leaves.zip") as incoming:
        incoming.write(b"abc")
        assert left(workspace)
        raise ConnectionError
    assert left(workspace) == []


def test_more_than_the_limit_is_refused_when_it_is_announced_and_when_it_comes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAF_MAX_UPLOAD_MB", "1")
    with (
        pytest.raises(TooLarge, match="larger than the 1 MB"),
        receive(workspace, "leaves.zip", announced_bytes=1_000_001),
    ):
        pass
    assert not workspace.uploads.exists()
    with pytest.raises(TooLarge, match="import its path instead, or set LEAF_MAX_UPLOAD_MB"):
        send(workspace, "leaves.zip", bytes(600_000), bytes(600_000))
    assert left(workspace) == []
    assert send(workspace, "leaves.zip", bytes(1_000_000)).stat().st_size == 10**6


def test_a_disk_that_fills_up_ends_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def space(folder: Path, needed: int) -> None:
        asked.append(needed)
        if len(asked) > 2:
            raise DiskFull("full")

    monkeypatch.setattr(uploads, "require_space", space)
    monkeypatch.setattr(uploads, "SPACE_EVERY", 10)
    with pytest.raises(DiskFull):
        send(workspace, "leaves.zip", *[bytes(11)] * 5)
    assert len(asked) == 3 and left(workspace) == []


def test_an_empty_upload_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="leaves.zip is empty"):
        send(workspace, "leaves.zip")
    assert left(workspace) == []


@pytest.mark.parametrize(
    "name", ["../evil.zip", "/etc/evil.zip", "a\\b.zip", ".zip", "con.zip", "a\0.zip", "x" * 90 + ".zip"]
)
def test_a_name_that_leads_elsewhere_is_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(ConfigError, match=r"^name: got .* expected 1 to 80 letters"):
        send(workspace, name, b"x")
    assert not workspace.uploads.exists()


@pytest.mark.parametrize(
    ("name", "message"), [("", "name: missing"), ("a.tar", "expected a .zip"), ("zip", "expected a .zip")]
)
def test_a_name_that_is_no_zips_is_refused(workspace: Workspace, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        send(workspace, name, b"x")


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        ("My leaves (1).zip", "My-leaves--1.zip"),
        ("叶.ZIP", "upload.zip"),
        ("../../x.zip", "x.zip"),
        ("a" * 99, "a" * 70 + ".zip"),
    ],
)
def test_what_a_person_calls_a_file_is_tidied(workspace: Workspace, name: str, tidy: str) -> None:
    assert tidy_name(name) == tidy
    assert send(workspace, tidy, b"x").name == tidy


@pytest.mark.parametrize("said", ["0", "-1", "much"])
def test_a_limit_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("LEAF_MAX_UPLOAD_MB", said)
    with pytest.raises(ConfigError, match="LEAF_MAX_UPLOAD_MB: got"):
        max_bytes()
