"""What a report tells of: a comparison, and everything that its numbers hang on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from leafcore.data.manifest import Dataset, load
from leafcore.errors import NotFoundError
from leafcore.evaluate.cells import cell_name
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.looking import Looking
from leafcore.evaluate.probe_result import Probes, newest_probes, read_probes
from leafcore.evaluate.result import Comparison
from leafcore.files import read_json
from leafcore.lineage import Node, lineage_of
from leafcore.report.realism import Realism, gather_realism
from leafcore.runs import Run, open_run
from leafcore.workspace import Workspace

ENVIRONMENT = "environment.json"  # in the folder of a comparison: what computes it, written when it starts
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Facts:
    """Everything that a report is made of.

    Attributes:
        run: The comparison's run.
        config: Its settings.
        looking: What it found, picture by picture.
        dataset: Whose pictures.
        probes: What the newest shortcut probes of this dataset version found; None if there are none.
        realism: What is known of its synthetic sets besides.
        above: The datasets and runs that it was made of.
        recorded: What computed it, as the run itself wrote it down when it started: `libraries`, `gpu`, `driver`,
            `device`, `precision`, `deterministic`; empty of runs that are older than that.
    """

    run: Run
    config: EvaluateConfig
    looking: Looking
    dataset: Dataset
    probes: Probes | None
    realism: Realism
    above: list[Node]
    recorded: Mapping[str, str]

    @property
    def found(self) -> Comparison:
        """What the comparison found."""
        return self.looking.comparison

    @property
    def device(self) -> str:
        """Where its classifiers were trained: "cpu", "cuda:0"; both if it was resumed elsewhere."""
        return self.recorded.get("device") or self.run.status().lane

    def surrounding(self, name: str) -> str:
        """Return what the run wrote down of what computed it; `NOT_RECORDED` if it did not."""
        return self.recorded.get(name) or NOT_RECORDED

    @property
    def precision(self) -> str:
        """What its classifiers were trained in: "fp32", "bf16", both if it was resumed elsewhere; or `NOT_RECORDED`."""
        asked = self.config.precision
        return self.recorded.get("precision") or (NOT_RECORDED if asked == "auto" else asked)

    @cached_property
    def validation(self) -> dict[str, dict[int, list[float]]]:
        """Macro-F1 on validation pictures after each epoch, by arm and seed; of those whose curves are still there."""
        reports = self.run.metrics()
        curves = {
            arm: {
                seed: [one[name] for one in reports if one.get(name) is not None]
                for seed in self.seeds
                for name in (f"{cell_name(arm, seed)} val_macro_f1",)
            }
            for arm in self.found.arms
        }
        kept = {arm: {seed: scores for seed, scores in of.items() if scores} for arm, of in curves.items()}
        return {arm: of for arm, of in kept.items() if of}

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
        realism=gather_realism(workspace, config),
        above=lineage_of(workspace, run).above,
        recorded=_recorded(run),
    )


def _recorded(run: Run) -> dict[str, str]:
    try:
        found: dict[str, str] = read_json(run.folder / ENVIRONMENT)
        return found
    except FileNotFoundError:
        return {}
