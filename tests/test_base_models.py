import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from leafcore import base_models
from leafcore.base_models import DEFAULT_BASE, accept, accepted, fetch, fingerprint, is_accepted, open_base
from leafcore.checks import check
from leafcore.errors import CheckpointError, ConfigError, DiskFull
from leafcore.train.configs import DreamBoothConfig
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def folder(tiny_base, tmp_path) -> Path:
    """A tiny Stable Diffusion that a test may change."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


# --- what is known of one ---------------------------------------------------------------------------------------------


def test_a_folder_says_its_license_and_its_size(workspace, folder):
    base = open_base(workspace, str(folder))
    assert (base.license, base.license_url) == ("creativeml-openrail-m", str(folder / "README.md"))
    assert base.is_here and base.folder == folder
    assert base.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("name", "content", "license"),
    [
        ("README.md", "A model without a card.\n", "none stated"),
        ("README.md", "---\ntags: [leaf]\n---\nlicense: elsewhere\n", "none stated"),
        ("LICENSE.md", "\n  CreativeML Open RAIL++-M License \nSection I\n", "CreativeML Open RAIL++-M License"),
    ],
)
def test_a_license_is_what_the_card_or_else_the_license_file_says(workspace, folder, name, content, license):
    (folder / "README.md").unlink()
    (folder / name).write_text(content)
    assert open_base(workspace, str(folder)).license == license


def test_one_on_the_hub_says_license_size_and_destination_before_anything_is_fetched(workspace):
    base = open_base(workspace, DEFAULT_BASE)
    assert not base.is_here and base.bytes == 4_270_000_000
    assert base.folder == workspace.downloads / "models" / "stable-diffusion-v1-5--stable-diffusion-v1-5"
    assert base.words.startswith("license CreativeML OpenRAIL-M (https://") and "4.3 GB, to be fetched to" in base.words


def test_one_that_was_put_where_it_is_fetched_to_is_here(workspace, folder):
    target = open_base(workspace, DEFAULT_BASE).folder
    shutil.copytree(folder, target)
    base = open_base(workspace, DEFAULT_BASE)
    assert base.is_here and fetch(base, Watcher(workspace.root)) == target


@pytest.mark.parametrize("part", ["model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_folder_that_lacks_a_part_says_which(workspace, folder, part):
    path = folder / part
    path.unlink() if path.is_file() else shutil.rmtree(path)
    with pytest.raises(CheckpointError, match=rf"base: {folder} lacks {part}/?; expected a Stable Diffusion folder"):
        open_base(workspace, str(folder))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/nowhere/at/all", "there is no such folder; expected one with model_index.json, unet/, vae/"),
        ("sd 1.5", "got 'sd 1.5', expected a folder with .*, or a hub id such as"),
        ("../up/base", "there is no such folder"),
    ],
)
def test_what_is_no_base_is_refused(workspace, name, message):
    with pytest.raises(CheckpointError, match=message):
        open_base(workspace, name)


# --- licenses ---------------------------------------------------------------------------------------------------------


def test_a_license_must_be_accepted_once_before_a_run_is_queued(workspace, carry, leaf_folders, folder):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    asked = {"dataset": dataset, "base": str(folder)}
    with pytest.raises(ConfigError, match="accept_license: .* license creativeml-openrail-m .* set accept_license"):
        check(workspace, DreamBoothConfig.build(asked))
    assert accepted(workspace) == {}
    check(workspace, DreamBoothConfig.build({**asked, "accept_license": True}))
    assert accepted(workspace)[str(folder)]["license"] == "creativeml-openrail-m"
    config, _ = check(workspace, DreamBoothConfig.build(asked))
    assert config.base == str(folder)


def test_another_license_is_asked_for_again(workspace, folder):
    accept(workspace, open_base(workspace, str(folder)))
    (folder / "README.md").write_text("---\nlicense: other\n---\n")
    assert not is_accepted(workspace, open_base(workspace, str(folder)))


# --- fetching ---------------------------------------------------------------------------------------------------------


def test_without_a_net_the_error_names_the_folder_to_provide(workspace):
    base = open_base(workspace, DEFAULT_BASE)
    with pytest.raises(CheckpointError) as caught:
        fetch(base, Watcher(workspace.root))
    said = str(caught.value)
    assert all(
        part in said for part in ("model_index.json, unet/, vae/, text_encoder/", str(base.folder), DEFAULT_BASE)
    )
    assert "\n" not in said


class Hub:
    """Stands in for the hub: a folder, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.fetched = folder, []

    def snapshot_download(self, name: str, *, local_dir: Path, dry_run: bool) -> list:
        assert dry_run
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        found = [(path.relative_to(self.folder).as_posix(), path.stat().st_size) for path in files]
        return [SimpleNamespace(filename=name, file_size=count) for name, count in found]

    def hf_hub_download(self, name: str, file: str, *, local_dir: Path) -> None:
        self.fetched.append(file)
        (local_dir / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / file, local_dir / file)


def test_only_what_is_used_is_fetched(workspace, folder, monkeypatch):
    unwanted = ["v1-5.ckpt", "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.fp16.safetensors"]
    for name in unwanted:
        (folder / name).write_bytes(b"0")
    hub = Hub(folder)
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub.snapshot_download)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", hub.hf_hub_download)
    watcher = Watcher(workspace.root)
    fetched = fetch(open_base(workspace, DEFAULT_BASE), watcher)
    assert not set(unwanted) & set(hub.fetched) and "unet/diffusion_pytorch_model.safetensors" in hub.fetched
    assert "README.md" in hub.fetched and watcher.phases == ["downloading"]
    assert open_base(workspace, DEFAULT_BASE).is_here and fingerprint(fetched) == fingerprint(folder)


def test_a_full_disk_is_told_before_anything_is_fetched(workspace, folder, monkeypatch):
    hub = Hub(folder)
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub.snapshot_download)

    def full(folder: Path, needed_bytes: int) -> None:
        raise DiskFull("full")

    monkeypatch.setattr(base_models, "require_space", full)
    with pytest.raises(DiskFull):
        fetch(open_base(workspace, DEFAULT_BASE), Watcher(workspace.root))
    assert hub.fetched == []


def test_a_fingerprint_is_of_what_decides_the_pictures(folder):
    before = fingerprint(folder)
    (folder / "README.md").write_text("another card")
    assert fingerprint(folder) == before
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.012", "0.013"))
    assert fingerprint(folder) != before
