"""Scores as tables for people: an epoch a row, or a run a row."""

from collections.abc import Sequence

from leafcore.pick.scores import MEASURES, EpochScores, Score, ScoreResult, told

Table = tuple[list[str], list[list[str]]]  # heads and rows


def by_epoch(result: ScoreResult) -> Table:
    """Return a row per epoch, and one of the pictures before a translation; the recommended epoch has a star."""
    keys = _measured(result.epochs)
    names = [f"{one.epoch}{' *' if one.epoch == result.recommended else ''}" for one in result.epochs]
    parts = list(zip(names, (one.scores for one in result.epochs), strict=True))
    parts += [] if result.from_noise else [("untranslated", result.untranslated)]
    return ["epoch", *_titles(keys)], [[name, *_cells(keys, scores)] for name, scores in parts]


def by_run(results: Sequence[ScoreResult]) -> Table:
    """Return a row per run, of its recommended epoch, or its last where none is recommended."""
    shown = [(one.run, one.chosen) for one in results]
    keys = _measured([chosen for _, chosen in shown])
    rows = [[run, str(chosen.epoch), *_cells(keys, chosen.scores)] for run, chosen in shown]
    return ["run", "epoch", *_titles(keys)], rows


def _measured(epochs: Sequence[EpochScores]) -> list[str]:
    return [key for key in MEASURES if any(key in one.scores for one in epochs)]


def _titles(keys: Sequence[str]) -> list[str]:
    return [MEASURES[key].title for key in keys]


def _cells(keys: Sequence[str], scores: dict[str, Score]) -> list[str]:
    return [told(key, scores[key]) if key in scores else "–" for key in keys]
