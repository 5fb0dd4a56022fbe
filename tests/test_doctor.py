import json
import platform
import shutil
from pathlib import Path

import pytest

from leafcore import doctor
from leafcore.devices import Gpu
from leafcore.doctor import Diagnosis, diagnose
from leafcore.workspace import Workspace


def finding(diagnosis: Diagnosis, name: str) -> doctor.Finding:
    return next(one for one in diagnosis.findings if one.name == name)


def test_python_packages_devices_and_disk_are_looked_at(workspace: Workspace) -> None:
    diagnosis = diagnose(workspace)
    names = [one.name for one in diagnosis.findings]
    assert names == ["python", *doctor.PACKAGES, "gpu", "disk", "workspace"]
    assert diagnosis.python == platform.python_version()
    assert diagnosis.devices[-1].startswith("cpu ")
    assert diagnosis.workspace == str(workspace.root) == finding(diagnosis, "workspace").found
    assert json.loads(diagnosis.model_dump_json())["findings"][0]["ok"] is True


def test_looking_makes_nothing(workspace: Workspace) -> None:
    diagnose(workspace)
    assert not workspace.root.exists()


def test_a_missing_package_is_named_with_its_purpose_and_its_mend(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor.PACKAGES, "no_such_package", "nothing at all")
    diagnosis = diagnose(workspace)
    missing = finding(diagnosis, "no_such_package")
    assert not missing.ok and missing.found == "missing"
    assert missing.fix == "pip install -r requirements.txt (needed for nothing at all)"
    assert not diagnosis.ok


@pytest.mark.parametrize(("free", "ok"), [(doctor.LOW_DISK_BYTES, False), (doctor.LOW_DISK_BYTES + 1, True)])
def test_a_disk_that_is_nearly_full_is_found(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, free: int, ok: bool
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    disk = finding(diagnose(workspace), "disk")
    assert disk.ok is ok and disk.found == "5.4 GB free"
    assert ("LEAF_WORKSPACE" in disk.fix) is not ok


def test_a_file_where_the_workspace_should_be_is_found(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    found = finding(diagnose(Workspace(tmp_path / "taken" / "workspace")), "workspace")
    assert not found.ok
    assert f"Make {tmp_path / 'taken'} a writable folder" in found.fix


def test_no_gpu_is_no_fault_but_says_which_preset_fits(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leafcore.devices.gpus", lambda: [])
    found = finding(diagnose(workspace), "gpu")
    assert found.ok and "smoke or draft preset" in found.found


def test_each_gpu_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leafcore.devices.gpus", lambda: [Gpu("NVIDIA H100", "cuda:0", "0", 0, 80 * 2**30)])
    diagnosis = diagnose(workspace)
    assert diagnosis.devices[0] == "cuda:0 NVIDIA H100"
    assert finding(diagnosis, "gpu").found == "NVIDIA H100"
