"""What people call synthetic sets that stand side by side."""

from collections import Counter
from collections.abc import Iterable

from leafcore.runs import open_run
from leafcore.workspace import Workspace


def set_titles(workspace: Workspace, run_ids: Iterable[str]) -> dict[str, str]:
    """Return the title of each set; the last digits of the run tell apart those that are called the same.

    Raises:
        NotFoundError: There is no such run.
    """
    titles = {run_id: open_run(workspace, run_id).record.title for run_id in run_ids}
    counts = Counter(titles.values())
    return {run_id: title if counts[title] == 1 else f"{title} {run_id[-4:]}" for run_id, title in titles.items()}
