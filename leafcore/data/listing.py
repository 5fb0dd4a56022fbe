"""What a layout names, before any picture is opened: each layout's reader returns the same list of entries."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from leafcore.data.manifest import Skipped
from leafcore.images import SUFFIXES


@dataclass(frozen=True)
class Entry:
    """One picture that a layout names.

    Attributes:
        image: Its path below the listing's root, with forward slashes.
        labels: Its label set.
        group: Who it belongs together with; empty if the layout does not say.
        mask: The path of an exact mask below the root; empty if there is none.
        split: The split that the source has put it in; empty if it has not.
        sha256: Hash of what was drawn, for a picture that code drew; empty: the file's hash tells pictures apart.
    """

    image: str
    labels: str
    group: str = ""
    mask: str = ""
    split: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """What a layout holds, before any picture is opened."""

    root: Path
    entries: list[Entry]
    skipped: list[Skipped] = field(default_factory=list)


def leads_outside(image: str) -> bool:
    """Whether a path is absolute or climbs, here or on Windows; what is made from a picture is named after its path."""
    return any(".." in kind(image).parts or kind(image).anchor for kind in (PurePosixPath, PureWindowsPath))


def pictures_below(folder: Path) -> list[Path]:
    """Return the pictures in a folder and the folders in it, by their endings, sorted; what is hidden is left out."""
    below = ((file, file.relative_to(folder).parts) for file in folder.rglob("*"))
    return sorted(
        file
        for file, parts in below
        if file.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in parts) and file.is_file()
    )
