import os

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from leafcore.files import write_json
from leafcore.parsed import read_model


class Leaf(BaseModel):
    """Something small."""

    model_config = ConfigDict(frozen=True)

    label: str


def test_a_file_is_parsed_once_and_again_when_it_is_another(tmp_path):
    write_json(tmp_path / "leaf.json", {"label": "rust"})
    first = read_model(tmp_path, "leaf.json", Leaf)
    assert read_model(tmp_path, "leaf.json", Leaf) is first
    stat = (tmp_path / "leaf.json").stat()
    write_json(tmp_path / "leaf.json", {"label": "scab"})
    os.utime(tmp_path / "leaf.json", ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as old and as long as the first
    assert (first.label, read_model(tmp_path, "leaf.json", Leaf).label) == ("rust", "scab")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"name": "rust"}'])
def test_a_damaged_file_is_a_value_error_each_time_until_it_is_mended(tmp_path, content):
    path = tmp_path / "leaf.json"
    for _ in range(2):
        path.write_bytes(content)
        with pytest.raises(ValidationError):
            read_model(tmp_path, "leaf.json", Leaf)
    write_json(path, {"label": "rust"})
    assert read_model(tmp_path, "leaf.json", Leaf).label == "rust"


def test_a_file_that_goes_is_missed_although_it_was_read_before(tmp_path):
    write_json(tmp_path / "leaf.json", {"label": "rust"})
    read_model(tmp_path, "leaf.json", Leaf)
    (tmp_path / "leaf.json").unlink()
    with pytest.raises(FileNotFoundError):
        read_model(tmp_path, "leaf.json", Leaf)
