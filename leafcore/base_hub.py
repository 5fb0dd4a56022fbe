"""Base models on the Hugging Face Hub: what it says of one, and fetching it, interrupted as often as may be.

Files come under the name `<file>.part` and are renamed once they are whole, so that what has its own name is complete.
The hub's own downloader keeps nothing of a file that was interrupted, and cannot be stopped within one.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from leafcore.base_models import (
    LAYOUT,
    OTHER_FORMS,
    UNFINISHED,
    UNSTATED,
    BaseModel,
    Published,
    accept,
    open_base,
    require_accepted,
    require_layout,
)
from leafcore.checkpoints import sha256
from leafcore.errors import CheckpointError
from leafcore.files import require_space, write_json
from leafcore.progress import Progress
from leafcore.workspace import Workspace

TIMEOUT_S = 10.0  # without a byte, after which the hub counts as out of reach; a stop waits no longer
POLL_S = 0.2  # how often one that waits for another's fetching asks whether to stop
CHUNK_BYTES = 2**18
TRIES = 5  # of a file whose connection breaks

_WANTED = re.compile(r"(README\.md|LICENSE[\w.]*|model_index\.json|(unet|vae|text_encoder|tokenizer|scheduler)/[^/]+)")


@dataclass(frozen=True)
class HubFile:
    """A file of a model on the hub.

    Attributes:
        name: Its path there.
        bytes: Its size.
        sha256: Of its content; empty for small ones, of which the hub says none.
    """

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Listing:
    """What the hub says of a model.

    Attributes:
        published: License and size.
        revision: Which commit this is of.
        files: Those that are used.
    """

    published: Published
    revision: str
    files: tuple[HubFile, ...]


def ask_hub(base: BaseModel) -> Listing:
    """Return what the hub says of a model now.

    Raises:
        CheckpointError: The hub cannot be reached, has no such model, or none whose weights can be read here; the
            message names the folder to provide.
    """
    from huggingface_hub import model_info
    from huggingface_hub.errors import HFValidationError, HTTPError, OfflineModeIsEnabled  # type: ignore[attr-defined]

    try:
        info = model_info(base.name, files_metadata=True, timeout=TIMEOUT_S)
    except (HFValidationError, HTTPError, OfflineModeIsEnabled) as error:
        raise _unreachable(base, error) from None
    files = tuple(
        HubFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "")
        for one in info.siblings or ()
        if _WANTED.fullmatch(one.rfilename) and not OTHER_FORMS.search(one.rfilename)
    )
    without = [part for part in ("unet", "vae", "text_encoder") if not _has_weights(files, part)]
    if without:
        raise CheckpointError(
            f"base: {base.name} has no weights as safetensors in {', '.join(f'{part}/' for part in without)}; expected "
            f"a Stable Diffusion in the layout of diffusers, such as one with {LAYOUT}."
        )
    license, url = _license_of(base, info.card_data)
    return Listing(Published(license, url, sum(file.bytes for file in files)), info.sha or "main", files)


def _has_weights(files: Sequence[HubFile], part: str) -> bool:
    return any(file.name.startswith(f"{part}/") and file.name.endswith(".safetensors") for file in files)


def _license_of(base: BaseModel, card: Any) -> tuple[str, str]:
    """Return the license that a model card names, and where it can be read."""
    page = f"https://huggingface.co/{base.name}"
    if card is None or not card.license:
        return UNSTATED, page
    named = card.license_name if card.license == "other" and card.license_name else card.license
    link = str(card.license_link or "")
    return str(named), link if link.startswith("https://") else page


def look_up(workspace: Workspace, name: str) -> BaseModel:
    """Return what is known of a base; the hub is asked, once, about one of which nothing is.

    Raises:
        CheckpointError: It is no base; or nothing is known of it, and the hub cannot be reached.
    """
    base = open_base(workspace, name)
    return base if base.is_known else _remember(workspace, base, ask_hub(base))


def _remember(workspace: Workspace, base: BaseModel, listing: Listing) -> BaseModel:
    """Keep what the hub said beside where the base goes."""
    write_json(base.told, asdict(listing.published))
    return open_base(workspace, base.name)


def admit(workspace: Workspace, name: str, *, accepting: bool) -> str:
    """Return what a run records of a base: its name, as `open_base` knows it.

    Args:
        workspace: Where the license was accepted, or is to be.
        name: See `open_base`.
        accepting: Whether the license is accepted now.

    Raises:
        CheckpointError: It is no base, or its license cannot be looked up.
        ConfigError: Nobody accepted its license.
    """
    base = look_up(workspace, name)
    if accepting:
        accept(workspace, base)
    require_accepted(workspace, base)
    return base.name


# --- fetching ---------------------------------------------------------------------------------------------------------


def fetch(workspace: Workspace, base: BaseModel, progress: Progress) -> BaseModel:
    """Return a base as it is once it is here, fetched from the hub if it is not; what was fetched before is kept.

    Whoever wants one that is being fetched waits for it.

    Args:
        workspace: Where its license was accepted.
        base: See `open_base`.
        progress: Told of the bytes, in MiB.

    Raises:
        CheckpointError: The hub cannot be reached, or has no such model; the message names the folder to provide.
        ConfigError: Its license was not accepted, or is another by now.
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; the next call goes on.
    """
    require_accepted(workspace, base)
    if base.is_here:
        return base
    with _alone(workspace, base, progress):
        if not open_base(workspace, base.name).is_here:
            progress.phase("downloading")
            listing = ask_hub(base)
            require_accepted(workspace, _remember(workspace, base, listing))
            _fetch_files(base, listing, progress)
            require_layout(base.folder)
    fetched = open_base(workspace, base.name)
    require_accepted(workspace, fetched)
    return fetched


@contextmanager
def _alone(workspace: Workspace, base: BaseModel, progress: Progress) -> Iterator[None]:
    """Fetch a base while nobody else does: two that add to the same part damage it.

    Raises:
        Stopped: Somebody asked to stop while another fetched it.
    """
    workspace.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(workspace.locks / f"base-{base.folder.name}.lock", is_singleton=False)
    waiting = False
    while True:
        try:
            lock.acquire(timeout=POLL_S)
            break
        except Timeout:
            if not waiting:
                progress.phase(f"waiting for {base.name}, which another run fetches")
            waiting = True
            progress.raise_if_stopped()
    try:
        yield
    finally:
        lock.release()


def _fetch_files(base: BaseModel, listing: Listing, progress: Progress) -> None:
    """Fetch what is not there yet; the folder counts as unfinished until all is."""
    base.folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in listing.files if not _is_there(base.folder / file.name, file)]
    require_space(base.folder, sum(file.bytes - _size(_part(base.folder / file.name)) for file in missing))
    mark = base.folder / UNFINISHED
    mark.touch()
    total = listing.published.bytes
    before = total - sum(file.bytes for file in missing)
    for file in missing:
        meter = Meter(progress, before, total)
        _fetch_file(base, listing.revision, file, meter)
        before += file.bytes
        meter.tell(file.bytes)
    mark.unlink()


@dataclass(frozen=True)
class Meter:
    """Tells of the bytes of one file among all, and hears whether to stop.

    Attributes:
        progress: Who watches.
        before: The bytes of the files that are whole.
        total: Of all.
    """

    progress: Progress
    before: int
    total: int

    def tell(self, held: int) -> None:
        """Say how many bytes of the file there are.

        Raises:
            Stopped: Somebody asked to stop.
        """
        self.progress.report((self.before + held) // 2**20, max(1, self.total // 2**20))
        self.progress.raise_if_stopped()


def _fetch_file(base: BaseModel, revision: str, file: HubFile, meter: Meter) -> None:
    """Fetch one file, going on where an earlier call ended; connections that break are tried again."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]

    target = base.folder / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    for left in reversed(range(TRIES)):
        try:
            _stream(base, revision, file, part, meter)
            break
        except HTTPError as error:
            if isinstance(error, HfHubHTTPError) or not left:
                raise _unreachable(base, error) from None
        meter.tell(_size(part))
    if _size(part) != file.bytes or (file.sha256 and sha256(part) != file.sha256):
        part.unlink(missing_ok=True)
        raise CheckpointError(f"base: {file.name} of {base.name} arrived damaged and was dropped; fetch it again.")
    part.replace(target)


def _stream(base: BaseModel, revision: str, file: HubFile, part: Path, meter: Meter) -> None:
    """Add to a part what it lacks of its file."""
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    held = _size(part) if _size(part) <= file.bytes else 0
    if part.exists() and held == file.bytes:
        return
    url = hf_hub_url(base.name, file.name, revision=revision)
    headers = {**build_hf_headers(), "Range": f"bytes={held}-", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as response:
        hf_raise_for_status(response)
        goes_on = response.status_code == 206  # else the server sends all of it
        with part.open("ab" if goes_on and held else "wb") as writing:
            for chunk in response.iter_bytes(CHUNK_BYTES):
                writing.write(chunk)
                meter.tell(writing.tell())


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_there(path: Path, file: HubFile) -> bool:
    return path.exists() and path.stat().st_size == file.bytes


def _unreachable(base: BaseModel, error: Exception) -> CheckpointError:
    """Return what to do about a hub that does not answer, or knows no such model."""
    return CheckpointError(
        f"base: {base.name} is not on this machine and could not be fetched ({type(error).__name__}). Provide it as a "
        f"folder with {LAYOUT}, by `hf download {base.name}` where there is internet: at {base.folder}, or anywhere, "
        "and name it as base."
    )
