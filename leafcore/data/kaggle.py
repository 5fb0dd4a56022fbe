"""Datasets from Kaggle, fetched with the user's own account: `kaggle:SLUG` as the source of an import."""

import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from leafcore.errors import DatasetError
from leafcore.progress import Progress
from leafcore.workspace import Workspace

SCHEME = "kaggle:"
LOOK_S = 1.0  # between two looks at a download
BY_HAND = "Or download it by hand from there and import its path."
_COMPETITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9][A-Za-z0-9-]*(/versions/\d+)?")


@dataclass(frozen=True)
class KaggleSource:
    """What is fetched.

    Attributes:
        handle: A competition's name, or `owner/dataset` with or without `/versions/N`.
        folder: Where in it the dataset begins; empty for its root.
    """

    handle: str
    folder: str = ""

    @property
    def is_competition(self) -> bool:
        """Whether its rules must be accepted first."""
        return "/" not in self.handle

    @property
    def url(self) -> str:
        """Where a person finds it."""
        return f"https://www.kaggle.com/{'competitions' if self.is_competition else 'datasets'}/{self.handle}"


KNOWN = {  # by the short name that an import may use
    "plant-pathology-2021": KaggleSource("plant-pathology-2021-fgvc8"),
    "plant-pathology-2020": KaggleSource("plant-pathology-2020-fgvc7"),
    "cassava": KaggleSource("cassava-leaf-disease-classification"),
    "plantvillage": KaggleSource("abdallahalidev/plantvillage-dataset", "plantvillage dataset/color"),
}


def kaggle_source(source: Path) -> KaggleSource | None:
    """Return what an import's source names on Kaggle, None if it is a path.

    Raises:
        DatasetError: It begins like one, but names nothing that can be there.
    """
    text = source.as_posix()
    if not text.startswith(SCHEME):
        return None
    slug = text.removeprefix(SCHEME).strip()
    known = {entry.handle: entry for entry in KNOWN.values()} | KNOWN
    if slug in known:
        return known[slug]
    if _COMPETITION.fullmatch(slug) or _DATASET.fullmatch(slug):
        return KaggleSource(slug)
    raise DatasetError(
        f"source: got {text!r}, expected {SCHEME} and one of {', '.join(KNOWN)}, a competition's name, or "
        "OWNER/DATASET."
    )


def fetch(source: KaggleSource, workspace: Workspace, progress: Progress) -> Path:
    """Download what is not here yet; a download that broke off goes on where it was.

    Args:
        source: What to fetch.
        workspace: Kept in its downloads.
        progress: Told how much has come; asked every second whether to stop.

    Returns:
        The folder where the dataset begins.

    Raises:
        DatasetError: Kaggle knows no account, has not been agreed with, cannot be reached, or does not have it.
        Stopped: Somebody asked to stop; what has come stays.
    """
    folder = workspace.downloads / "kaggle"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["KAGGLEHUB_CACHE"] = str(folder)  # its `output_dir` would begin anew after each break
    with redirect_stdout(sys.stderr):  # a command's stdout is its answer, and kagglehub speaks there
        import kagglehub

        download = kagglehub.competition_download if source.is_competition else kagglehub.dataset_download
        path = _wait(lambda: Path(download(source.handle)), source, folder, progress)
    root = path / source.folder
    if not root.is_dir():
        raise DatasetError(f"{source.url}: holds no folder {source.folder!r} any more; look into {path} and import it.")
    return root


def _wait(download: Callable[[], Path], source: KaggleSource, folder: Path, progress: Progress) -> Path:
    """Wait for a download in a thread of its own, which nothing can stop: it ends with the process."""
    paths: list[Path] = []
    refusals: list[DatasetError | OSError] = []

    def work() -> None:
        try:
            paths.append(_explained(download, source))
        except (DatasetError, OSError) as error:
            refusals.append(error)

    said = "downloading"
    progress.phase(said)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(LOOK_S)
        progress.raise_if_stopped()
        here = f"downloading, {_archives(folder) / 1e9:.1f} GB so far"
        if here != said and thread.is_alive():
            progress.phase(here)
            said = here
    if refusals:
        raise refusals[0]
    if not paths:
        raise DatasetError(f"{source.url}: the download ended unexpectedly; the log has the details. {BY_HAND}")
    return paths[0]


def _archives(folder: Path) -> int:
    """Return how much of the archives that are being fetched is there, in bytes."""
    found = 0
    for pattern in ("competitions/*.archive", "datasets/*/*/*.archive"):
        for file in folder.glob(pattern):
            with suppress(FileNotFoundError):  # it goes once its files are out
                found += file.stat().st_size
    return found


def _explained(download: Callable[[], Path], source: KaggleSource) -> Path:
    """Download, and say in one line what was in the way and what to do."""
    import requests
    from kagglehub import exceptions

    try:
        return download()
    except exceptions.UnauthenticatedError:
        raise DatasetError(
            f"{source.url}: Kaggle wants an account. Set KAGGLE_USERNAME and KAGGLE_KEY, or put kaggle.json (from "
            f"https://www.kaggle.com/settings) into ~/.kaggle, or run kagglehub.login() once. {BY_HAND}"
        ) from None
    except requests.HTTPError as error:
        raise DatasetError(f"{source.url}: {_refusal(error, source)} {BY_HAND}") from None
    except requests.RequestException as error:
        raise DatasetError(
            f"{source.url}: Kaggle cannot be reached ({type(error).__name__}). Import again once there is a network: "
            f"the download goes on where it was. {BY_HAND}"
        ) from None
    except (
        exceptions.BackendError,
        exceptions.CredentialError,
        exceptions.DataCorruptionError,
        exceptions.KaggleEnvironmentError,
        exceptions.NotFoundError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{source.url}: {reason or type(error).__name__}. {BY_HAND}") from None


def _refusal(error: Exception, source: KaggleSource) -> str:
    """Return what an HTTP status means here."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in {401, 403} and source.is_competition:
        return f"Kaggle refused ({status}). Accept the rules at {source.url}/rules with the account that is used here."
    if status in {401, 403}:
        return f"Kaggle refused ({status}). Check the account's key, and whether it may see this dataset."
    if status == 404:
        return "there is nothing at this address (404). Check the name after kaggle:."
    return f"Kaggle answered with an error ({status or 'no status'}). Try again later."
