"""The two directions of a translation, called by its label sets: what A and B stand for is said once, by name."""

from typing import cast

from leafcore.data.labels import words
from leafcore.pick.scores import Direction
from leafcore.runs import Run
from leafcore.train.configs import is_translation
from ui.choose import choose_way


def ways(run: Run) -> dict[Direction, str]:
    """Return what each direction of a translation is called: "healthy → rust" and "rust → healthy"."""
    a, b = (words(run.record.settings[side]) for side in ("a", "b"))
    return {"ab": f"{a} → {b}", "ba": f"{b} → {a}"}


def choose_direction(run: Run, key: str) -> Direction:
    """Draw the choice between a translation's two generators; a run of another kind has the one.

    Args:
        run: A training run.
        key: Of the widget, and of the address.
    """
    if not is_translation(run.kind):
        return "ab"
    titles = ways(run)
    chosen = choose_way("Direction", list(titles), key, default="ab", format_func=lambda way: titles[way])
    return cast(Direction, chosen)
