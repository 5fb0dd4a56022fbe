"""Which pictures of a dataset version are known to show the same photograph in two files."""

from leafcore.data.edits import lineage
from leafcore.data.fixes import undecided
from leafcore.data.manifest import Dataset
from leafcore.runs import Run, list_runs
from leafcore.workspace import Workspace


def newest_health(workspace: Workspace, dataset: Dataset) -> Run | None:
    """Return the newest look at a version or one it was edited from: what was found still holds for what is left."""
    versions = lineage(workspace, dataset)
    runs = (run for run in list_runs(workspace, "health") if run.record.settings["dataset"] in versions)
    return next((run for run in runs if run.status().state == "done"), None)


def found_by(report: Run | None) -> list[tuple[str, str]]:
    """Return the near-duplicates that a look at a dataset found; nothing where nobody looked."""
    if report is None:
        return []
    return [(twin["first"], twin["second"]) for twin in report.result()["near_duplicates"]]


def known_pairs(dataset: Dataset, report: Run | None) -> list[tuple[str, str]]:
    """Return the pairs found at the import and by a look at a dataset, but those of which both may stay.

    Args:
        dataset: The version.
        report: As `newest_health` returns it.
    """
    return undecided(dataset, list(dict.fromkeys((*dataset.card.alike, *found_by(report)))))
