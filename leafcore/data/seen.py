"""What a model has seen: the SHA-256 of every picture, by the role it played. The leak check reads it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from leafcore.files import read_json, write_json

Seen = dict[str, list[str]]


def save_seen(folder: Path, seen: Mapping[str, Iterable[str]]) -> None:
    """Write what was seen into a run's or checkpoint's folder."""
    write_json(folder / "seen.json", {role: sorted(set(images)) for role, images in seen.items()})


def load_seen(folder: Path) -> Seen:
    """Read what `save_seen` wrote; nothing if there is none."""
    try:
        seen: Seen = read_json(folder / "seen.json")
        return seen
    except FileNotFoundError:
        return {}


def merge(*parts: Mapping[str, Iterable[str]]) -> Seen:
    """Return everything that any of several models has seen, by role."""
    merged: dict[str, set[str]] = {}
    for part in parts:
        for role, images in part.items():
            merged.setdefault(role, set()).update(images)
    return {role: sorted(images) for role, images in merged.items()}
