"""What was measured, as tables for people: a class a table, a measure a row, a set a column."""

from leafcore.data.labels import words
from leafcore.quality.result import MEASURES, Cell, QualityResult, told

ARROWS = {"lower": "↓", "higher": "↑", "alike": "≈"}

Table = tuple[list[str], list[list[str]]]  # heads and rows


def class_title(labels: str) -> str:
    """Return what people call a class."""
    return words(labels) if labels else "All"


def by_set(result: QualityResult, labels: str, features: str) -> Table:
    """Return a row per measure, and a column for the real pictures and for each set."""
    cells = result.row(labels, features)
    keys = [key for key in MEASURES if any(key in cell.scores for cell in cells)]
    heads = ["", *(f"{result.titles[cell.set]} (n = {cell.fakes})" for cell in cells)]
    rows = [
        [f"{MEASURES[key].title} {ARROWS[MEASURES[key].better]}", *(_cell(key, one) for one in cells)] for key in keys
    ]
    return heads, rows


def reasons(result: QualityResult, labels: str, features: str) -> dict[str, str]:
    """Return why measures of a class are missing, by the measure's and the set's title."""
    return {
        f"{MEASURES[key].title}, {result.titles[cell.set]}": cell.withheld[key]
        for cell in result.row(labels, features)
        for key in MEASURES
        if key in cell.withheld
    }


def _cell(key: str, cell: Cell) -> str:
    return told(key, cell.scores[key]) if key in cell.scores else "–"


def facts(result: QualityResult) -> str:
    """Return what the numbers of a result are of, in a line."""
    where = {"val": "validation", "train-and-val": "train and validation"}[result.reals]
    judge, right = f", judge {result.judge}" if result.judge else "", result.judge_right
    if right:
        judge += f", which names {told('agreement', right)} of {right.n} real validation pictures rightly"
    return f"real {where} pictures of {result.dataset}, all at {result.size_px} px{judge}"
