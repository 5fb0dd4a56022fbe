"""What a comparison computes on, written down when it starts: the report is often made later, and elsewhere.

```
runs/<id>/
  environment.json   libraries, gpu, driver, device, precision, deterministic, cudnn_benchmark: a text each
```
"""

from pathlib import Path

import torch

from leafcore.environment import environment
from leafcore.files import read_json, write_json
from leafcore.train.configs import Precision
from leafcore.train.device import faster_precision, resolve_device, uses_bf16

FILE = "environment.json"


def note_environment(folder: Path, device: str, precision: Precision) -> dict[str, str]:
    """Write down on what, how precisely, and how reproducibly a run's classifiers are trained from now on.

    Where a run is resumed on something else, both are told, for its first cells were trained on the former.

    Args:
        folder: The run's.
        device: As in its settings, "auto" too.
        precision: The same.

    Returns:
        What is written.
    """
    told = surroundings(device, precision)
    earlier = read_environment(folder)
    if earlier is not None:
        told = {name: _joined(earlier.get(name, now), now) for name, now in told.items()}
    write_json(folder / FILE, told)
    return told


def surroundings(device: str, precision: Precision) -> dict[str, str]:
    """Return what computes here, see the module; "auto" is resolved."""
    resolved = resolve_device(device)
    return {
        **environment(str(resolved)),
        "device": str(resolved),
        "precision": "bf16" if uses_bf16(resolved, faster_precision(resolved, precision)) else "fp32",
        "deterministic": _switched(torch.are_deterministic_algorithms_enabled()),
        "cudnn_benchmark": _switched(torch.backends.cudnn.benchmark),
    }


def read_environment(folder: Path) -> dict[str, str] | None:
    """Return what `note_environment` wrote; None of runs that are older."""
    try:
        found: dict[str, str] = read_json(folder / FILE)
        return found
    except FileNotFoundError:
        return None


def _joined(earlier: str, now: str) -> str:
    return earlier if now in earlier.split("; then ") else f"{earlier}; then {now}"


def _switched(on: bool) -> str:
    return "on" if on else "off"
