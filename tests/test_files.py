import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from leafcore.errors import DiskFull
from leafcore.files import RESERVE_BYTES, read_json, require_space, write_atomic, write_bytes, write_json


def test_what_was_written_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "one" / "status.json"
    write_bytes(path, b"first")
    write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["status.json"]


def test_a_write_that_fails_midway_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    write_bytes(path, b"the old state")

    def half(file: BinaryIO) -> None:
        file.write(b"the new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, half)
    assert path.read_bytes() == b"the old state"
    assert os.listdir(tmp_path) == ["state.pt"]


def test_a_first_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def nothing(file: BinaryIO) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "state.pt", nothing)
    assert os.listdir(tmp_path) == []


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    write_bytes(path, b"the old state")
    code = (
        "import os, pathlib, sys\n"
        "from leafcore.files import write_atomic\n"
        "write_atomic(pathlib.Path(sys.argv[1]), lambda file: (file.write(b'the new'), file.flush(), os._exit(9)))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    assert path.read_bytes() == b"the old state"


def test_a_reader_beside_a_writer_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_json(path, [0] * 3000)
    ended = threading.Event()
    seen: set[int] = set()

    def read() -> None:
        while not ended.is_set():
            numbers = read_json(path)
            assert len(numbers) == 3000 and len(set(numbers)) == 1
            seen.add(numbers[0])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 200):
        write_json(path, [number] * 3000)
        if len(seen) > 3:
            break
    ended.set()
    reader.join()
    assert len(seen) > 3


def test_two_threads_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "stop"
    both_are_open = threading.Barrier(2, timeout=10)
    failures: list[BaseException] = []

    def write(content: bytes) -> None:
        try:
            write_atomic(path, lambda file: (both_are_open.wait(), file.write(content)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in (b"user", b"shutdown")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert path.read_bytes() in {b"user", b"shutdown"}
    assert os.listdir(tmp_path) == ["stop"]


def test_json_comes_back_as_it_was_and_stays_readable(tmp_path: Path) -> None:
    value = {"label": "fläche 🍎", "counts": [1, 2.5, None]}
    write_json(tmp_path / "card.json", value)
    assert read_json(tmp_path / "card.json") == value
    assert "fläche 🍎" in (tmp_path / "card.json").read_text(encoding="utf-8")


def test_reading_what_is_not_there_or_no_json_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "card.json")
    (tmp_path / "card.json").write_text('{"half": ')
    with pytest.raises(json.JSONDecodeError):
        read_json(tmp_path / "card.json")


@pytest.mark.parametrize(("free", "is_enough"), [(RESERVE_BYTES + 1000, True), (RESERVE_BYTES + 999, False)])
def test_a_write_is_refused_unless_it_and_the_reserve_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, is_enough: bool
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    if is_enough:
        require_space(tmp_path, 1000)
        return
    with pytest.raises(DiskFull) as caught:
        require_space(tmp_path, 1000)
    assert str(tmp_path) in str(caught.value) and "67 MB free" in str(caught.value)
    assert "\n" not in str(caught.value)
