"""Small JSON files that are read again and again: parsed once, and again only when they have changed."""

import os
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)
Mark = tuple[int, int, int]  # time, size, inode: clocks of file systems are coarse, but a new file is a new inode

_parsed: dict[str, tuple[Mark, BaseModel]] = {}


def read_model(folder: Path, name: str, kind: type[Model]) -> Model:
    """Return what a file in a folder holds; parse it only if it is another one than the last time.

    Args:
        folder: Where it is.
        name: A JSON file, replaced as a whole by whoever writes it.
        kind: The frozen model that it holds, always the same one for a path.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
    """
    path = os.path.join(folder, name)  # a list of runs asks for thousands, and pathlib takes longer than the disk
    stat = os.stat(path)
    mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    cached = _parsed.get(path)
    if cached is not None and cached[0] == mark:
        return cast("Model", cached[1])
    model = kind.model_validate_json(Path(path).read_bytes())
    _parsed[path] = (mark, model)
    return model
