"""Every path of the project. Nobody else joins path strings."""

import os
import re
from pathlib import Path

from leafcore.errors import ConfigError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
ASSETS = PROJECT_ROOT / "assets"
SHIPPED_CHECKPOINTS = PROJECT_ROOT / "checkpoints"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no folder's name on Windows


def check_name(name: str, what: str = "name") -> str:
    """Return a name that is safe as a folder's name.

    Args:
        name: What the user typed.
        what: What is being named, for the message.

    Raises:
        ConfigError: It is empty, too long, holds anything but letters, digits, dots, dashes and underscores, or means
            a device on Windows.
    """
    if not _NAME.fullmatch(name) or name.endswith(".") or _DEVICE.fullmatch(name):
        raise ConfigError(
            f"{what}: got {name!r}, expected 1 to 80 letters, digits, dots, dashes or underscores, beginning with a "
            f"letter or a digit. Try {suggest_name(name)!r}."
        )
    return name


def suggest_name(name: str) -> str:
    """Return the name that `check_name` takes and that is nearest to what somebody calls a thing."""
    tidy = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_.")[:80] or "orchard"
    return f"my-{tidy}" if _DEVICE.fullmatch(tidy) else tidy


class Workspace:
    """The folder that holds a user's datasets, runs and checkpoints.

    Attributes:
        root: The folder itself, absolute: the one given, else `$LEAF_WORKSPACE`, else `./workspace`.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root or os.environ.get("LEAF_WORKSPACE") or "workspace").expanduser().resolve()

    def __repr__(self) -> str:
        return f"Workspace({str(self.root)!r})"

    @property
    def datasets(self) -> Path:
        """One folder per dataset, holding its versions."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.root / "runs"

    @property
    def checkpoints(self) -> Path:
        """One folder per checkpoint that the user promoted."""
        return self.root / "checkpoints"

    @property
    def chains(self) -> Path:
        """One file per chain that was saved under a name."""
        return self.root / "chains"

    @property
    def uploads(self) -> Path:
        """What was sent to the server: `<first 12 hex digits of its SHA-256>/<name>`."""
        return self.root / "uploads"

    @property
    def downloads(self) -> Path:
        """What was fetched from elsewhere."""
        return self.root / "downloads"

    @property
    def quizzes(self) -> Path:
        """One file per "real or fake?" session."""
        return self.root / "quizzes"

    @property
    def openings(self) -> Path:
        """One file per test split that was looked at."""
        return self.root / "openings"

    @property
    def corrections(self) -> Path:
        """Masks corrected by hand: a draft per dataset and LFLSeg model, and what runs hold on to."""
        return self.root / "corrections"

    @property
    def trash(self) -> Path:
        """Deleted runs, until the trash is emptied."""
        return self.root / "trash"

    @property
    def usage(self) -> Path:
        """The log of requests for pictures from noise."""
        return self.root / "usage.jsonl"

    @property
    def submissions(self) -> Path:
        """One file per key under which a run was asked for through the API, so that it is queued once."""
        return self.root / "submissions"

    @property
    def licenses(self) -> Path:
        """Which base models' licenses were accepted, and when."""
        return self.root / "licenses.json"

    @property
    def cache(self) -> Path:
        """What can be computed again: thumbnails, decoded pixels, answers of the warm worker."""
        return self.root / "cache"

    @property
    def locks(self) -> Path:
        """One lock file per lane, and the server's."""
        return self.root / "locks"

    def dataset(self, name: str) -> Path:
        """Return the folder of a dataset, which need not exist."""
        return self.datasets / check_name(name, "dataset")

    def run(self, run_id: str) -> Path:
        """Return the folder of a run, which need not exist."""
        return self.runs / check_name(run_id, "run")

    def checkpoint(self, name: str) -> Path:
        """Return the folder of a checkpoint: the user's own, else a shipped one of that name."""
        own = self.checkpoints / check_name(name, "checkpoint")
        shipped = SHIPPED_CHECKPOINTS / name
        return shipped if not own.exists() and shipped.exists() else own
