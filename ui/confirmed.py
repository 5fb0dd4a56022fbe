"""What a browser says more than once, so that none of it is lost, and is written down once; see confirmed.js.

A key that follows fast starts a script while the callback of the one before is still writing, and may end that one
wherever it touches the session's state; and what a browser says while a script runs may replace what it said just
before. So it numbers what it says, and says it again until it is confirmed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

JS = (Path(__file__).parent / "confirmed.js").read_text(encoding="utf-8")  # before a component's own


@dataclass
class Written:
    """How far what a browser says is written down; kept beside the session's state, and callbacks take turns.

    Attributes:
        number: Of the last that was.
    """

    number: int = 0
    turn: Lock = field(default_factory=Lock)

    def hear(self, sent: Any, write: Callable[[Mapping[str, Any]], None]) -> None:
        """Write down what is new, in order.

        Args:
            sent: What the browser sent: mappings with `number`.
            write: Called with each, once.
        """
        with self.turn:
            for said in new_in(sent, self.number):
                write(said)
                self.number = int(said["number"])


def new_in(sent: Any, written: int) -> list[Mapping[str, Any]]:
    """Return what is not written down yet, by its numbers.

    Args:
        sent: What the browser sent: mappings with `number`; anything else counts as nothing.
        written: The number of the last that was written down.
    """
    new = [said for said in sent or () if isinstance(said, Mapping) and int(said["number"]) > written]
    return sorted(new, key=lambda said: int(said["number"]))
