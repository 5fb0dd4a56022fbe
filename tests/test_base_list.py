import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.base_list import accept_base, find_base, list_bases
from leafcore.base_models import DEFAULT_BASE, KNOWN, accept, accepted, fingerprint, open_base
from leafcore.checkpoints import CheckpointCard
from leafcore.errors import CheckpointError
from leafcore.files import write_json
from tests.server import HOST
from tests.test_cli import call

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def folder(tiny_base, tmp_path) -> Path:
    """A tiny Stable Diffusion that a test may change."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


def plant_taught(workspace, name: str, base: str) -> None:
    """Write the card of a checkpoint that was taught on a base."""
    card = CheckpointCard(
        name=name, recipe="dreambooth", description={"token": "sks", "base": base}, run="r", epoch=1,
        weights_sha256="0" * 64, created=0.0, code_version="0",
    )  # fmt: skip
    write_json(workspace.checkpoints / name / "card.json", card.model_dump())
    (workspace.checkpoints / name / "weights.safetensors").touch()


# --- a list of them ---------------------------------------------------------------------------------------------------


def test_all_that_are_known_are_listed_and_those_in_use_first(workspace, folder, tmp_path):
    plant_taught(workspace, "sks", str(tmp_path / "gone"))
    accept_base(workspace, str(folder))
    first, second, *others = list_bases(workspace)
    assert (first.name, first.is_here, first.accepted, first.problem) == (str(folder), True, True, "")
    assert (second.name, second.used_by, second.is_here) == (str(tmp_path / "gone"), ["sks"], False)
    assert "there is no such folder" in second.problem
    assert [row.name for row in others] == list(KNOWN)
    assert not any(row.accepted or row.is_here for row in others) and others[0].license == "CreativeML OpenRAIL-M"


def test_the_command_lists_them_and_accepts_a_license(workspace, folder, tmp_path):
    plant_taught(workspace, "sks", str(tmp_path / "gone"))
    said = call("bases", "--accept", folder)
    assert said.code == 0 and "CreativeML OpenRAIL-M" in said.out and list(accepted(workspace)) == [str(folder)]
    rows = {row["name"]: row for row in call("bases", "--json").json["bases"]}
    assert rows[str(folder)]["accepted"] and not rows[DEFAULT_BASE]["accepted"]
    said = call("bases").out
    assert (
        "4.3 GB" in said
        and "not fetched yet" in said
        and str(workspace.downloads) in said
        and f"{tmp_path / 'gone'}: base: " in said
    )
    call("bases", "--accept", tmp_path).refuses(f"base: {tmp_path} lacks model_index.json")


def test_the_api_lists_them_and_accepts_a_license(workspace, folder):
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        assert {row["name"] for row in client.get("/bases").json()} == set(KNOWN)
        answer = client.post(f"/bases/{DEFAULT_BASE}/accept")
        assert answer.status_code == 200 and answer.json()["accepted"] and not answer.json()["is_here"]
        assert client.post(f"/bases/{folder}/accept").json()["folder"] == str(folder)
        assert client.get("/bases").json()[0]["accepted"]
        refused = client.post("/bases/nowhere/accept")
        assert refused.status_code == 422 and "or a hub id such as" in refused.json()["error"]["message"]
    assert set(accepted(workspace)) == {DEFAULT_BASE, str(folder)}


# --- one that was moved -----------------------------------------------------------------------------------------------


def test_a_base_is_found_where_it_was_moved_to_once_it_was_accepted_there(workspace, folder, tmp_path):
    identity = fingerprint(folder)
    accept(workspace, open_base(workspace, str(folder)))
    moved = folder.rename(tmp_path / "elsewhere")
    with pytest.raises(
        CheckpointError, match=rf"no such folder; .* `leafcore bases --accept FOLDER`.* {identity[:12]}"
    ):
        find_base(workspace, str(folder), identity)
    accept_base(workspace, str(moved))
    assert find_base(workspace, str(folder), identity).folder == moved


def test_another_base_at_the_same_place_is_passed_over_for_the_same_one_elsewhere(workspace, folder, tmp_path):
    identity = fingerprint(folder)
    accept_base(workspace, str(folder))
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.012", "0.013"))
    assert find_base(workspace, str(folder), identity).folder == folder, "to be refused by whoever wanted it"
    accept_base(workspace, str(copy))
    assert find_base(workspace, str(folder), identity).folder == copy


def test_where_somebody_says_it_is_comes_first(workspace, folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert find_base(workspace, str(folder), fingerprint(folder), str(copy)).folder == copy
