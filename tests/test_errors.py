import errno
import inspect
import re

import pytest
import torch

from leafcore import errors
from leafcore.errors import AccessDenied, ConfigError, DiskFull, LeafError, OutOfMemory, Stopped, as_leaf_error

CLASSES = {name: value for name, value in vars(errors).items() if inspect.isclass(value)}
CODES = re.compile(r"exit (\d)\s+HTTP (\d{3})")


def drawn_tree() -> list[tuple[str, str | None, str]]:
    """Read the drawing at the top of the module: (class, its parent or None, the rest of the line)."""
    drawing = (errors.__doc__ or "").split("```")[1].strip("\n")
    found: list[tuple[str, str | None, str]] = []
    above: dict[int, str] = {}
    for line in drawing.splitlines():
        name = re.search(r"\w+", line)
        assert name is not None
        depth = name.start() // 4
        found.append((name.group(), above.get(depth - 1), line[name.end() :]))
        above[depth] = name.group()
    return found


def test_every_class_is_exported_and_the_names_are_sorted() -> None:
    assert errors.__all__ == sorted(errors.__all__)
    assert set(errors.__all__) == {*CLASSES, "as_leaf_error"}


def test_the_drawn_tree_is_the_tree() -> None:
    tree = drawn_tree()
    assert sorted(name for name, _, _ in tree) == sorted(CLASSES)
    for name, parent, _ in tree:
        assert CLASSES[name].__bases__ == ((CLASSES[parent],) if parent else (Exception,)), name


def test_the_drawn_codes_are_the_codes_and_hold_for_the_branch_below() -> None:
    codes: dict[str, tuple[int, int]] = {}
    for name, parent, text in drawn_tree():
        drawn = CODES.search(text)
        if drawn:
            codes[name] = int(drawn[1]), int(drawn[2])
        elif parent in codes:
            codes[name] = codes[parent]
    assert len(codes) == len(CLASSES) - 2  # all but the root and Stopped
    for name, (exit_code, http_status) in codes.items():
        assert (CLASSES[name].exit_code, CLASSES[name].http_status) == (exit_code, http_status), name


def test_each_error_has_its_own_word_for_programs() -> None:
    words = [kind.code for kind in CLASSES.values() if issubclass(kind, LeafError)]
    assert len(set(words)) == len(words) == len(CLASSES) - 1


def test_stopped_is_not_an_error_of_ours() -> None:
    assert not issubclass(Stopped, LeafError)
    assert as_leaf_error(Stopped()) is None


def test_our_own_error_stays_itself() -> None:
    error = ConfigError("epochs: got -1, expected at least 1.")
    assert as_leaf_error(error) is error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_becomes_disk_full_and_names_the_file(number: int) -> None:
    translated = as_leaf_error(OSError(number, "No space left on device", "/data/state.pt"))
    assert isinstance(translated, DiskFull)
    assert "/data/state.pt" in str(translated) and "\n" not in str(translated)


def test_a_full_disk_without_a_file_name_is_told_as_well() -> None:
    assert "while writing" not in str(as_leaf_error(OSError(errno.ENOSPC, "No space left on device")))


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_a_full_memory_becomes_out_of_memory_and_says_what_to_do(error: Exception) -> None:
    translated = as_leaf_error(error)
    assert isinstance(translated, OutOfMemory)
    assert "smaller batch" in str(translated)


def test_torch_without_memory_on_the_cpu_becomes_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert isinstance(as_leaf_error(caught.value), OutOfMemory)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_may_not_be_written_becomes_access_denied_and_names_the_file(number: int) -> None:
    translated = as_leaf_error(OSError(number, "Read-only file system", "/data/runs"))
    assert isinstance(translated, AccessDenied)
    assert "to /data/runs (Read-only file system)" in str(translated) and "\n" not in str(translated)
    assert "access (denied)" in str(as_leaf_error(OSError(number, "denied")))


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "broken"), ValueError("x"), RuntimeError("x"), KeyboardInterrupt()]
)
def test_anything_else_is_not_translated(error: BaseException) -> None:
    assert as_leaf_error(error) is None
