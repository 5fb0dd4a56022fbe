"""Replaying a comparison: what a report carries for it, and whether the numbers come out the same.

```
replay/
  replay.sh          the one command
  config.json        the comparison's settings; the precision that it resolved to is pinned
  expected.json      its numbers, the material that they hang on, and how far a replay may be off
  requirements.txt   the libraries, each with its version: those that the comparison recorded, the others as here
```
"""

import logging
import math
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.environment import environment
from leafcore.errors import ConfigError, DatasetError
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.result import Comparison, Estimate, read_planned
from leafcore.files import read_json
from leafcore.report.facts import Facts
from leafcore.version import code_version
from leafcore.workspace import Workspace

log = logging.getLogger(__name__)

SAME, NEAR = 0.001, 0.05  # by how much a replay on the CPU may be off, if it was trained there; on a GPU
TITLES = {"precision": "precision", "recall": "recall", "f1": "F1", "auroc": "AUROC", "average_precision": "AP"}
SCRIPT = """#!/bin/sh
# Trains the classifiers of comparison {run} again, on the CPU, and compares its scores and their intervals.
# Run it in the folder of Leaf Workbench {version}; requirements.txt has the libraries. The workspace, which
# --workspace or LEAF_WORKSPACE names, must hold {dataset} and the synthetic sets {synthetic}.
# Exit code 0: all numbers are within {tolerance:g}.
set -eu
exec python -m leafcore replay "$(cd "$(dirname "$0")" && pwd)" "$@"
"""


class Expected(BaseModel):
    """What a replay is held against.

    Attributes:
        run: The comparison.
        code_version: Of the code that made it.
        tolerance: How far each number may be off.
        numbers: By name, each number.
        test_hash: Of the test split.
        material: By synthetic set, the SHA-256 over its pictures.
        libraries: What computed it, with versions; empty if that was not recorded.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    code_version: str
    tolerance: float
    numbers: dict[str, float]
    test_hash: str
    material: dict[str, str]
    libraries: str = ""


class Replayed(BaseModel):
    """What a replay found.

    Attributes:
        run: The comparison that was made anew.
        numbers: How many numbers were compared.
        largest: The largest difference, and whose it is.
        where: See above.
        tolerance: How far a number may be off.
        same: Whether all are within it.
        warning: What is not as it was, so that numbers may differ; empty if nothing.
        exit_code: 0 if they are the same.
    """

    run: str
    numbers: int
    largest: float
    where: str
    tolerance: float
    same: bool
    warning: str = ""
    exit_code: int


def numbers(found: Comparison) -> dict[str, float]:
    """Return the numbers of a comparison that a replay must find again, by name: its scores and their intervals."""
    return {name: value for name, value in _all_numbers(found) if not math.isnan(value)}


def _all_numbers(found: Comparison) -> Iterator[tuple[str, float]]:
    for arm, score in found.arms.items():
        yield from _ends(f"{arm}: macro-F1", score.macro_f1)
        yield from ((f"{arm}: macro-F1 of classifier {at}", one) for at, one in enumerate(score.seeds, start=1))
        yield from ((f"{arm}: validation of classifier {at}", one) for at, one in enumerate(score.val_seeds, start=1))
        yield from _ends(f"{arm}: subset accuracy", score.subset_accuracy)
        if score.calibration is not None:
            yield from _ends(f"{arm}: calibration error", score.calibration.error)
        parts = [*score.labels.items(), ("all labels, macro", score.macro), ("all labels, micro", score.micro)]
        for of, scores in parts:
            for name, title in TITLES.items() if scores is not None else ():
                yield from _ends(f"{arm}: {title} of {of}", getattr(scores, name))
    for arm, each in found.differences.items():
        for label, estimate in each.items():
            yield from _ends(f"{arm}: difference of {label}", estimate)


def _ends(name: str, estimate: Estimate) -> Iterator[tuple[str, float]]:
    yield from ((name, estimate.value), (f"{name}, low", estimate.low), (f"{name}, high", estimate.high))


def replay_files(facts: Facts, workspace: Workspace) -> dict[str, str]:
    """Return the files of a replay by name."""
    expected = Expected(
        run=facts.run.id,
        code_version=facts.run.record.code_version,
        tolerance=SAME if facts.device in ("", "cpu") else NEAR,
        numbers=numbers(facts.found),
        test_hash=facts.found.test_hash,
        material=_material(facts, workspace),
        libraries=facts.recorded.get("libraries", ""),
    )
    script = SCRIPT.format(
        run=facts.run.id,
        version=facts.run.record.code_version,
        dataset=facts.found.dataset,
        synthetic=", ".join(facts.config.synthetic),
        tolerance=expected.tolerance,
    )
    return {
        "replay.sh": script,
        "config.json": _pinned(facts).model_dump_json(indent=2) + "\n",
        "expected.json": expected.model_dump_json(indent=2) + "\n",
        "requirements.txt": _lock(expected.libraries),
    }


def _material(facts: Facts, workspace: Workspace) -> dict[str, str]:
    """Return the fingerprints of the synthetic sets as compared; of an older comparison, as the sets are now."""
    planned = read_planned(facts.run.folder)
    if planned is not None and planned.material:
        return planned.material
    return {run_id: open_synthetic_set(workspace, run_id).fingerprint for run_id in facts.config.synthetic}


def _pinned(facts: Facts) -> EvaluateConfig:
    """Return the settings with the precision that was computed in, which "auto" may not be on another machine."""
    resolved = facts.precision in {"fp32", "bf16"}
    return facts.config.model_copy(update={"precision": facts.precision} if resolved else {})


def _lock(recorded: str) -> str:
    """Return the libraries here, each with its version; of those that a comparison recorded, that version.

    Args:
        recorded: Such as "python 3.11.9, torch 2.9.0"; what a resume elsewhere added follows "; then".
    """
    versions = {(one.metadata["Name"] or "").lower(): one.version for one in distributions()}
    then = dict(one.split(" ", 1) for one in recorded.partition("; then ")[0].split(", ") if " " in one)
    python = then.pop("python", "")
    versions |= then
    told = f"python {python}, {', '.join(sorted(then))}: as the comparison recorded" if then else "none is recorded"
    head = f"# {told}; the others: as where the report was written\n"
    return head + "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()) if name)


def replay(folder: Path, workspace: Workspace, carry_out: Callable[[EvaluateConfig], dict[str, Any]]) -> Replayed:
    """Make a comparison anew on the CPU, and hold its numbers against a report's.

    Args:
        folder: The `replay` folder of an unpacked report.
        workspace: Holds the same dataset version and the same synthetic sets.
        carry_out: Makes a comparison, and returns what its run's command answers.

    Raises:
        ConfigError: The folder is no replay, or damaged.
        NotFoundError: The dataset version or a synthetic set is not here.
        DatasetError: A synthetic set holds other pictures than it did.
    """
    try:
        expected = Expected.model_validate(read_json(folder / "expected.json"))
        config = EvaluateConfig.build({**read_json(folder / "config.json"), "device": "cpu"})
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(
            f"folder: {folder} is no replay ({type(error).__name__}); unpack a report's ZIP and name its replay folder."
        ) from None
    load(workspace, config.dataset)
    if warning := _changed(expected):
        log.warning(warning)
    for run_id, was in expected.material.items():
        if open_synthetic_set(workspace, run_id).fingerprint != was:
            raise DatasetError(f"synthetic: {run_id} holds other pictures here than in comparison {expected.run}.")
    answer = carry_out(config)
    found = compare(expected, Comparison.model_validate(answer), str(answer["run"]))
    return found.model_copy(update={"warning": warning})


def _changed(expected: Expected) -> str:
    """Return what computes otherwise here than it did then; empty if nothing that was recorded does."""
    now = {"code": code_version(), "libraries": environment("cpu")["libraries"]}
    then = {"code": expected.code_version, "libraries": expected.libraries or now["libraries"]}
    parts = [f"{name} {then[name]} then, {now[name]} now" for name in now if now[name] != then[name]]
    return f"Numbers may differ from those of {expected.run}: {'; '.join(parts)}." if parts else ""


def compare(expected: Expected, found: Comparison, run: str) -> Replayed:
    """Hold a comparison's numbers against those of a report.

    Raises:
        DatasetError: It was judged on another test split, or by other arms.
    """
    if expected.test_hash and found.test_hash != expected.test_hash:
        raise DatasetError(
            f"test split: got {found.test_hash[:12]}, expected {expected.test_hash[:12]} as in {expected.run}."
        )
    again = numbers(found)
    if again.keys() != expected.numbers.keys():
        other = sorted(again.keys() ^ expected.numbers.keys())
        raise DatasetError(f"numbers: only one of the two comparisons has {other[0]}, so they cannot be compared.")
    off = {name: abs(again[name] - value) for name, value in expected.numbers.items()}
    where = max(off, key=off.__getitem__)
    same = off[where] <= expected.tolerance
    return Replayed(
        run=run,
        numbers=len(off),
        largest=off[where],
        where=where,
        tolerance=expected.tolerance,
        same=same,
        exit_code=0 if same else 1,
    )
