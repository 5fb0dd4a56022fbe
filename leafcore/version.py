"""The version of this code."""

from leafcore import __version__
from leafcore.workspace import PROJECT_ROOT


def code_version() -> str:
    """Return the version of this code: the release, and the commit where it is known."""
    return f"{__version__}+{commit[:12]}" if (commit := _commit()) else __version__


def _commit() -> str:
    git = PROJECT_ROOT / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        return (git / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return ""
