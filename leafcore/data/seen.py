"""What a model has seen: the SHA-256 of every picture, by the role it played. The leak check reads it.

A role that nobody wrote down is not a role that saw nothing: it is unknown, it stays unknown through every merge, and
no verdict is given over it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from leafcore.files import read_json, write_json

Seen = dict[str, list[str]]

UNKNOWN = "unknown"  # no role: in words, whose pictures nobody wrote down
ROLES: dict[str, tuple[str, ...]] = {  # what each recipe's models must have written down
    "lflseg": ("lflseg",),
    "leafgan": ("generator", "lflseg"),
    "cyclegan": ("generator",),
    "dcgan": ("generator",),
    "diffusion": ("generator",),
    "dreambooth": ("generator",),
    "classifier": ("classifier",),
}
FILTERS = {"label": "label filter", "leaf": "leaf filter"}  # the role of what rejected pictures, by what it asked them


def roles_of(recipe: str) -> tuple[str, ...]:
    """Return the roles that a recipe's models must have written down."""
    return ROLES.get(recipe, ("generator",))


def save_seen(folder: Path, seen: Mapping[str, Iterable[str]]) -> None:
    """Write what was seen into a run's or checkpoint's folder."""
    write_json(folder / "seen.json", {role: sorted(set(images)) for role, images in seen.items()})


def load_seen(folder: Path) -> Seen:
    """Read what `save_seen` wrote; no role at all if there is no file, or a damaged one: see `admit_unknown`."""
    try:
        seen: Seen = read_json(folder / "seen.json")
        return seen
    except (FileNotFoundError, ValueError):
        return {}


def admit_unknown(seen: Seen, roles: Iterable[str], whose: str) -> Seen:
    """Return what was seen, and under `UNKNOWN` which of some roles nobody wrote down.

    Args:
        seen: As it was read; if it already says what is unknown, the cause is named there.
        roles: Those that must be there, each with a picture: nothing learns from none.
        whose: What played them, for people.
    """
    missing = [role for role in roles if not seen.get(role)]
    if not missing or seen.get(UNKNOWN):
        return seen
    return {**seen, UNKNOWN: [f"{whose} ({', '.join(missing)})"]}


def playing(seen: Seen, role: str) -> Seen:
    """Return what a model has seen that plays a role of its own: what it learned from under that role.

    The pictures by which its epoch was chosen, and what is unknown, stay what they were.
    """
    kept = {name: seen[name] for name in ("probe", UNKNOWN) if name in seen}
    return {role: sorted({image for name in seen.keys() - kept.keys() for image in seen[name]}), **kept}


def merge(*parts: Mapping[str, Iterable[str]]) -> Seen:
    """Return everything that any of several models has seen, by role."""
    merged: dict[str, set[str]] = {}
    for part in parts:
        for role, images in part.items():
            merged.setdefault(role, set()).update(images)
    return {role: sorted(images) for role, images in merged.items()}
