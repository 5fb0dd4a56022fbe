import json
import shutil
from pathlib import Path

import pytest

from leafcore.base_models import DEFAULT_BASE, KNOWN, UNFINISHED, accept, accepted, fingerprint, is_accepted, open_base
from leafcore.checks import check
from leafcore.errors import CheckpointError, ConfigError
from leafcore.train.configs import DreamBoothConfig

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
    assert open_base(workspace, DEFAULT_BASE).is_here
    (target / UNFINISHED).touch()
    assert not open_base(workspace, DEFAULT_BASE).is_here, "files of it are still to come"


@pytest.mark.parametrize("part", ["model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_folder_that_lacks_a_part_says_which(workspace, folder, part):
    path = folder / part
    path.unlink() if path.is_file() else shutil.rmtree(path)
    with pytest.raises(CheckpointError, match=rf"base: {folder} lacks {part}/?; expected a Stable Diffusion folder"):
        open_base(workspace, str(folder))


def test_one_that_also_reads_a_picture_is_refused_before_it_is_queued(workspace, carry, leaf_folders, folder):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    accept(workspace, open_base(workspace, str(folder)))
    config = folder / "unet" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "in_channels": 9}))
    said = r"its U-Net reads 9 channels, expected 4; an inpainting or depth model cannot be taught by DreamBooth"
    with pytest.raises(CheckpointError, match=said):
        check(workspace, DreamBoothConfig.build({"dataset": dataset, "base": str(folder)}))
    fetched = workspace.downloads / "models" / DEFAULT_BASE.replace("/", "--")
    shutil.copytree(folder, fetched)
    with pytest.raises(CheckpointError, match=said):
        open_base(workspace, DEFAULT_BASE)


def test_only_models_that_can_be_taught_are_known():
    assert not [name for name in KNOWN if "inpaint" in name or "depth" in name]


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_network_without_its_weights_is_no_network(workspace, folder, part):
    weights = next((folder / part).glob("*.safetensors"))
    weights.rename(weights.with_name(f"{weights.name}.part"))
    with pytest.raises(CheckpointError, match=rf"lacks the weights of {part}/; expected"):
        open_base(workspace, str(folder))
    weights.with_name("diffusion_pytorch_model.fp16.safetensors").touch()
    with pytest.raises(CheckpointError, match=rf"lacks the weights of {part}/; expected"):
        open_base(workspace, str(folder))


def test_weights_in_several_files_are_there_if_all_are(workspace, folder):
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    shards = [weights.with_name(f"model-{number}-of-2.safetensors") for number in (1, 2)]
    weights.rename(shards[0])
    index = {"weight_map": {"conv_in.weight": shards[0].name, "conv_out.weight": shards[1].name}}
    weights.with_name(f"{weights.name}.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="lacks the weights of unet/"):
        open_base(workspace, str(folder))
    shards[1].touch()
    assert open_base(workspace, str(folder)).is_here


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
    ways = "by `leafcore bases --accept /.*, in the Studio, or with accept_license in a training"
    with pytest.raises(ConfigError, match=f"accept_license: .* license CreativeML OpenRAIL-M .* {ways}"):
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


# --- which it is ----------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_of_what_decides_the_pictures(folder):
    before = fingerprint(folder)
    (folder / "README.md").write_text("another card")
    assert fingerprint(folder) == before
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.012", "0.013"))
    assert fingerprint(folder) != before


def test_weights_count_in_whichever_form_they_are_used(folder):
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    before, pickled = fingerprint(folder), weights.with_suffix(".bin")
    pickled.write_bytes(b"the same in another form")
    assert fingerprint(folder) == before
    weights.unlink()
    alone = fingerprint(folder)
    pickled.write_bytes(b"other weights")
    assert fingerprint(folder) != alone
