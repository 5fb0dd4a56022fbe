"""What a report tells of: a comparison, and everything that its numbers hang on."""

from dataclasses import dataclass

from leafcore.data.manifest import Dataset, load
from leafcore.environment import environment
from leafcore.errors import NotFoundError
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.looking import Looking
from leafcore.evaluate.probe_result import Probes, newest_probes, read_probes
from leafcore.evaluate.result import Comparison
from leafcore.lineage import Node, lineage_of
from leafcore.runs import Run, open_run
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Facts:
    """Everything that a report is made of.

    Attributes:
        run: The comparison's run.
        config: Its settings.
        looking: What it found, picture by picture.
        dataset: Whose pictures.
        probes: What the newest shortcut probes of this dataset version found; None if there are none.
        above: The datasets and runs that it was made of.
        environment: The libraries and the GPU here, now.
    """

    run: Run
    config: EvaluateConfig
    looking: Looking
    dataset: Dataset
    probes: Probes | None
    above: list[Node]
    environment: dict[str, str]

    @property
    def found(self) -> Comparison:
        """What the comparison found."""
        return self.looking.comparison

    @property
    def device(self) -> str:
        """Where its classifiers were trained: "cpu", "cuda:0"."""
        return self.run.status().lane

    @property
    def seeds(self) -> list[int]:
        """Of the classifiers of each arm."""
        return [self.config.seed + index for index in range(self.config.seeds)]


def gather(workspace: Workspace, run_id: str) -> Facts:
    """Look everything up.

    Raises:
        NotFoundError: The run has made no comparison, or is of an older version that kept too little.
    """
    run = open_run(workspace, run_id)
    if not (run.folder / "comparison.json").exists():
        raise NotFoundError(
            f"run: {run_id} is a {run.kind} run in state {run.status().state}, expected a finished evaluate run."
        )
    config = EvaluateConfig.build(run.record.settings)
    probed = newest_probes(workspace, config.dataset)
    return Facts(
        run=run,
        config=config,
        looking=Looking(run.folder),
        dataset=load(workspace, config.dataset),
        probes=read_probes(probed.folder) if probed else None,
        above=lineage_of(workspace, run).above,
        environment=environment(run.status().lane),
    )
