"""Where a run comes from and what came of it: dataset version, mask set, run, checkpoint, synthetic set, evaluation."""

from dataclasses import dataclass, field
from typing import Literal

from leafcore.checkpoints import Checkpoint, list_checkpoints
from leafcore.runs import Run, list_runs
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Node:
    """One thing in the lineage.

    Attributes:
        what: What it is.
        name: Its id: `name@version`, a run's id, a checkpoint's name.
        title: What a person calls it.
        epoch: The epoch a checkpoint was made of.
    """

    what: Literal["dataset", "run", "checkpoint"]
    name: str
    title: str
    epoch: int = 0


@dataclass(frozen=True)
class Lineage:
    """What a run was made of, and what was made of it; each the nearest first.

    Attributes:
        above: Datasets and runs that it uses, and those that these use.
        below: Checkpoints and runs that use it, and those that use these.
        direct: Of those below, the ones that use the run itself.
    """

    above: list[Node] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)
    direct: list[Node] = field(default_factory=list)


def lineage_of(workspace: Workspace, run: Run) -> Lineage:
    """Return what a run was made of and what was made of it, from the runs' records and the checkpoints' cards."""
    runs = {each.id: each for each in list_runs(workspace)}
    checkpoints = [each for each in list_checkpoints(workspace) if not each.shipped]
    direct = dependants(run, runs, checkpoints)
    return Lineage(_above(run, runs), _below(run, runs, checkpoints), direct)


def dependants(run: Run, runs: dict[str, Run], checkpoints: list[Checkpoint]) -> list[Node]:
    """Return what was made directly of a run: promoted epochs, then runs, the oldest first."""
    made = [
        Node("checkpoint", each.card.name, f"{each.card.name}, epoch {each.card.epoch}", each.card.epoch)
        for each in checkpoints
        if each.card.run == run.id
    ]
    using = (runs[name] for name in sorted(runs) if run.id in {*runs[name].record.uses, runs[name].record.extends})
    return made + [Node("run", each.id, each.record.title) for each in using]


def _above(run: Run, runs: dict[str, Run]) -> list[Node]:
    found: dict[str, Node] = {}
    datasets: dict[str, Node] = {}
    waiting = [run]
    while waiting:
        record = waiting.pop(0).record
        for used in (record.extends, *record.uses):
            if used in runs and used not in found:
                found[used] = Node("run", used, runs[used].record.title)
                waiting.append(runs[used])
        ref = record.settings.get("dataset")
        if isinstance(ref, str) and ref:
            datasets[ref] = Node("dataset", ref, ref)
    return [*found.values(), *datasets.values()]


def _below(run: Run, runs: dict[str, Run], checkpoints: list[Checkpoint]) -> list[Node]:
    found: dict[str, Node] = {}
    waiting = [run]
    while waiting:
        for node in dependants(waiting.pop(0), runs, checkpoints):
            if node.name not in found:
                found[node.name] = node
                waiting += [runs[node.name]] if node.what == "run" else []
    return list(found.values())
