"""Addresses of pages that carry more than a name."""

from collections.abc import Mapping
from typing import Any

from leafcore.runs import Run
from leafcore.train.configs import RECIPES


def form_link(run: Run, changes: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the query of the Train page that opens its form with a run's settings.

    Args:
        run: A training.
        changes: Settings that shall differ, such as those that a failure asks for; fields of the form, no choices.
    """
    scope = f"{run.kind}-{run.id}"  # as the form calls the draft that starts from a run
    changed = {f"{scope}-{name}": str(value) for name, value in (changes or {}).items()}
    return {"recipe": RECIPES[run.kind].title, "from": run.id, **changed}
