"""Masks corrected by hand: what a person says of single pictures, kept from one mask set to the next.

Corrections of a dataset's pictures under one LFLSeg model are a draft in the workspace: every step is on disk at once
and can be undone. A masks run never reads the draft: when it is submitted, the draft is copied to a file named by its
hash, and the run's settings hold that hash.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from leafcore.errors import DatasetError, NotFoundError
from leafcore.files import write_bytes
from leafcore.workspace import Workspace

NONE, DRAFT = "none", "draft"  # what a config may say instead of a hash

Share = Annotated[float, Field(ge=0, le=1)]


class Stroke(BaseModel):
    """A line drawn on a picture.

    Attributes:
        kind: Whether what it covers belongs to the leaf.
        points: (x, y) of its corners, as shares of the picture's width and height.
        width: How thick it is, as a share of the picture's shorter side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["include", "exclude"]
    points: tuple[tuple[Share, Share], ...] = Field(min_length=1)
    width: float = Field(0.05, gt=0, le=1)


class Correction(BaseModel):
    """What a person says of one picture's mask.

    Attributes:
        image: The picture, as its dataset's manifest calls it.
        delta: Its own threshold; None for that of the mask set.
        invert: Whether leaf and background change places, before any stroke.
        strokes: What is leaf and what is not; a later one wins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    delta: Share | None = None
    invert: bool = False
    strokes: tuple[Stroke, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return self.delta is None and not self.invert and not self.strokes


Corrections = Mapping[str, Correction]  # by picture; none of them is empty
_STEPS = TypeAdapter(tuple[Correction, ...])


# --- the draft --------------------------------------------------------------------------------------------------------


def load_draft(workspace: Workspace, dataset: str, weights_sha256: str) -> dict[str, Correction]:
    """Return the corrections of a dataset's pictures under one model, as they stand now.

    Args:
        workspace: Where the draft is.
        dataset: The dataset's name; a version after it is ignored, as pictures keep their names.
        weights_sha256: The LFLSeg weights' hash.
    """
    return _standing(_read_steps(_draft_file(workspace, dataset, weights_sha256)))


def correct(workspace: Workspace, dataset: str, weights_sha256: str, correction: Correction) -> dict[str, Correction]:
    """Put a correction in the place of the one that its picture had; an empty one takes it away.

    Returns:
        The corrections as they stand now, on disk.
    """
    with _edited(workspace, dataset, weights_sha256) as steps:
        steps.append(correction)
    return _standing(steps)


def undo(workspace: Workspace, dataset: str, weights_sha256: str, image: str) -> dict[str, Correction]:
    """Take the last step about a picture back; nothing happens if there is none.

    Returns:
        The corrections as they stand now, on disk.
    """
    with _edited(workspace, dataset, weights_sha256) as steps:
        last = max((number for number, step in enumerate(steps) if step.image == image), default=None)
        if last is not None:
            del steps[last]
    return _standing(steps)


def can_undo(workspace: Workspace, dataset: str, weights_sha256: str, image: str) -> bool:
    """Whether there is a step about a picture to take back."""
    steps = _read_steps(_draft_file(workspace, dataset, weights_sha256))
    return any(step.image == image for step in steps)


@contextmanager
def _edited(workspace: Workspace, dataset: str, weights_sha256: str) -> Iterator[list[Correction]]:
    """Yield a draft's steps to be changed, and write them; two tabs take turns."""
    file = _draft_file(workspace, dataset, weights_sha256)
    workspace.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.locks / "corrections.lock"):
        steps = _read_steps(file)
        yield steps
        write_bytes(file, _STEPS.dump_json(tuple(steps), indent=1))


def _read_steps(file: Path) -> list[Correction]:
    try:
        return list(_STEPS.validate_json(file.read_bytes()))
    except FileNotFoundError:
        return []
    except ValidationError:
        raise DatasetError(f"{file}: damaged, not a list of corrections; move it away to begin anew.") from None


def _standing(steps: list[Correction]) -> dict[str, Correction]:
    """Return the last step about each picture, unless it takes the correction away."""
    last = {step.image: step for step in steps}
    return {image: step for image, step in last.items() if not step.is_empty}


def _draft_file(workspace: Workspace, dataset: str, weights_sha256: str) -> Path:
    return workspace.corrections / "drafts" / dataset.partition("@")[0] / f"{weights_sha256[:12]}.json"


# --- what a run holds on to -------------------------------------------------------------------------------------------


def snapshot(workspace: Workspace, corrections: Corrections) -> str:
    """Keep corrections as they are now.

    Returns:
        The first 12 hex digits of their SHA-256, which `load_snapshot` takes; "none" if there are none.
    """
    if not corrections:
        return NONE
    plain = [corrections[image].model_dump(mode="json") for image in sorted(corrections)]
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()
    digest = hashlib.sha256(text).hexdigest()[:12]
    write_bytes(_snapshot_file(workspace, digest), text)
    return digest


def load_snapshot(workspace: Workspace, digest: str) -> dict[str, Correction]:
    """Return the corrections that a run's settings name.

    Raises:
        NotFoundError: There are none by that hash, or they are damaged.
    """
    if digest == NONE:
        return {}
    try:
        return _standing(list(_STEPS.validate_json(_snapshot_file(workspace, digest).read_bytes())))
    except (FileNotFoundError, ValidationError):
        raise NotFoundError(
            f"corrections: got {digest!r}, expected 'draft' for what was corrected on the Masks page, 'none', or the "
            "hash that another masks run's settings hold."
        ) from None


def _snapshot_file(workspace: Workspace, digest: str) -> Path:
    return workspace.corrections / "snapshots" / f"{digest}.json"
