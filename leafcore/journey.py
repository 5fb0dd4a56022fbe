"""The journey as it stands in a workspace: which steps are done, which comes next, and the leaves to begin with."""

from dataclasses import dataclass

from leafcore.checkpoints import list_checkpoints
from leafcore.data.manifest import list_datasets
from leafcore.jobs import build_config, submit
from leafcore.runs import ACTIVE, Run, list_runs
from leafcore.train.configs import RECIPES
from leafcore.workspace import Workspace

SAMPLE = "sample-leaves"
SAMPLE_CHAIN = "sample-healthy-to-rust"  # what a first visit makes: the one that convinces most


@dataclass(frozen=True)
class Step:
    """A step of the journey.

    Attributes:
        page: The page it is done on; also its name.
        title: What it is called.
        does: What it is for, in a few words.
        done: Whether the workspace shows that it was done.
        count: How many things it has made.
    """

    page: str
    title: str
    does: str
    done: bool
    count: int


def steps(workspace: Workspace) -> list[Step]:
    """Return the steps in order."""
    done = [run.kind for run in list_runs(workspace) if run.status().state == "done"]
    trained = sum(kind in RECIPES for kind in done)
    own = [checkpoint for checkpoint in list_checkpoints(workspace) if not checkpoint.shipped]
    counts = (
        ("datasets", "Datasets", "See which classes are rare", len(list_datasets(workspace))),
        ("masks", "Masks", "Find the leaf in each picture", done.count("masks")),
        ("train", "Train", "Teach a network to translate", trained),
        ("epochs", "Epochs", "Pick the epoch that convinces", len(own)),
        ("studio", "Studio", "Make the missing pictures", done.count("synthesize")),
        ("studio", "Export", "Take them away as a ZIP", done.count("export")),
        ("evaluate", "Evaluate", "See whether they help", done.count("evaluate")),
    )
    return [Step(page, title, does, count > 0, count) for page, title, does, count in counts]


def next_step(workspace: Workspace) -> Step | None:
    """Return the first step that is not done, None when all are."""
    return next((step for step in steps(workspace) if not step.done), None)


def prepare_sample(workspace: Workspace) -> Run | None:
    """Queue the drawing of the sample dataset if the workspace has no dataset at all; return that run."""
    if list_datasets(workspace):
        return None
    drawing = [run for run in list_runs(workspace, "render") if run.status().state in ACTIVE]
    return drawing[0] if drawing else submit(workspace, "render", build_config("render", {"name": SAMPLE}, "draft"))
