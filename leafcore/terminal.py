"""Talking in a terminal: a progress bar while something runs, an answer as readable lines."""

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from tqdm import tqdm

from leafcore.progress import Progress


class TerminalProgress(Progress):
    """A progress bar with rate and time left on stderr; warnings above it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._bar: tqdm[NoReturn] | None = None
        self._phase = ""

    def __enter__(self) -> "TerminalProgress":
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def phase(self, name: str) -> None:
        """Name what the bar counts."""
        self._phase = name
        if self._bar is not None:
            self._bar.set_description(name)

    def report(self, done: int, total: int, **scalars: float) -> None:
        """Move the bar."""
        if self._bar is None or self._bar.total != total:
            self._close()
            self._bar = tqdm(total=total, initial=done, desc=self._phase, file=sys.stderr, dynamic_ncols=True)
        self._bar.update(done - self._bar.n)
        if scalars:
            shown = {name: f"{value:.3g}" for name, value in list(scalars.items())[:4]}
            self._bar.set_postfix(shown, refresh=False)

    def sample(self, image: np.ndarray) -> None:
        """Show nothing: a terminal has no pictures."""

    def warn(self, text: str) -> None:
        """Print the warning above the bar."""
        tqdm.write(f"warning: {text}", file=sys.stderr)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under their heads, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows))
    return "\n".join(line.rstrip() for line in lines)


def plain(value: Any, indent: int = 0) -> str:
    """Return an answer as readable lines."""
    margin = "  " * indent
    if isinstance(value, dict):
        return "\n".join(
            f"{margin}{key}:\n{plain(item, indent + 1)}" if _is_nested(item) else f"{margin}{key}: {_short(item)}"
            for key, item in value.items()
        )
    if isinstance(value, list):
        flat = [
            {key: part for key, part in item.items() if not _is_nested(part)}
            for item in value
            if isinstance(item, dict)
        ]
        return "\n".join(margin + "  ".join(str(part) for part in item.values()) for item in flat)
    return textwrap.indent(_short(value), margin)


def _is_nested(value: Any) -> bool:
    return bool(value) and (
        isinstance(value, dict)
        or (isinstance(value, str) and "\n" in value)
        or (isinstance(value, list) and any(isinstance(item, dict) for item in value))
    )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(item) for item in value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
