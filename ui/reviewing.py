"""The component that reviews pictures: a grid with keys, and the chosen picture large over what it was made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st

from leafcore.data.review import Choice, Opinion
from ui.stars import stars_html

_HTML = """
<div class="review">
  <div class="both">
    <div class="chosen">
      <div class="wipe">
        <img class="after"><img class="before"><span class="line"></span>
        <span class="tag left"></span><span class="tag right"></span>
      </div>
      <input type="range" name="edge" min="0" max="100" step="1" aria-label="Edge between before and after">
      <div class="bar">
        <button type="button" name="keep" title="K">Keep</button>
        <button type="button" name="reject" title="X">Reject</button>
        STARS
        <button type="button" name="undo" title="Z">Undo</button>
        <span class="count" aria-live="polite"></span>
        <label>over <select name="layer" aria-label="Held against"></select></label>
      </div>
      <div class="what"></div>
      <div class="keys">
        Arrows: choose · Shift: several · K: keep · X: reject · 1 to 5: stars · Z: undo · Space: before
      </div>
    </div>
    <div class="grid" role="listbox" aria-multiselectable="true" aria-label="Pictures"></div>
  </div>
</div>
"""

_HERE = Path(__file__).parent
_GRID = st.components.v2.component(
    "leaf_review",
    html=_HTML.replace("STARS", stars_html()),
    css=(_HERE / "review.css").read_text(encoding="utf-8"),
    js=(_HERE / "review.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Layer:
    """A picture that the chosen one is laid over.

    Attributes:
        name: What it is.
        address: Where a browser finds it.
    """

    name: str
    address: str


@dataclass(frozen=True)
class Tile:
    """A picture under review.

    Attributes:
        file: Its name in the set.
        alt: What it shows, for those who cannot see it.
        told: What is written below it when it is large.
        thumbnail: Where a browser finds it, small.
        large: Where a browser finds it.
        layers: What it can be held against.
        opinion: What stands about it.
        beside: Another set's picture of the same source, small; empty for none.
    """

    file: str
    alt: str
    told: str
    thumbnail: str
    large: str
    layers: tuple[Layer, ...]
    opinion: Opinion
    beside: str = ""

    def data(self) -> dict[str, Any]:
        """Return what the browser is told of it."""
        plain = {name: getattr(self, name) for name in ("file", "alt", "told", "thumbnail", "large", "beside")}
        layers = [{"name": layer.name, "address": layer.address} for layer in self.layers]
        return {**plain, "layers": layers, "verdict": self.opinion.verdict, "stars": self.opinion.stars}


@dataclass
class _Written:
    """How far a visitor's choices are written down.

    A key that follows fast starts a script while the callback of the one before is still writing, and may end that one
    wherever it touches the session's state; so the number is kept outside of it, and they take turns.
    """

    number: int = 0
    turn: Lock = field(default_factory=Lock)


def choices_in(sent: Any, written: int, by: str) -> list[tuple[int, Choice | None]]:
    """Return the choices of a browser that are not written down yet, by their numbers; None takes the last one back.

    A browser sends what was not confirmed again, so that a choice that came late or twice counts once.

    Args:
        sent: What it sent: mappings with `number`, `files`, and `verdict`, `stars` or `undo`.
        written: The number of the last choice that was written down.
        by: Whose browser it is.
    """
    new = [said for said in sent or () if isinstance(said, Mapping) and int(said["number"]) > written]
    return [
        (int(said["number"]), None)
        if said.get("undo")
        else (
            int(said["number"]),
            Choice(files=tuple(said["files"]), verdict=said.get("verdict"), stars=said.get("stars"), by=by),
        )
        for said in sorted(new, key=lambda said: int(said["number"]))
    ]


def review_grid(
    tiles: list[Tile],
    *,
    key: str,
    name: str,
    beside_name: str,
    chosen: str,
    by: str,
    can_undo: bool,
    on_choice: Callable[[Choice | None], None],
    on_chosen: Callable[[str], None],
) -> None:
    """Draw pictures under review.

    Args:
        tiles: Them; at least one.
        key: Of the component.
        name: What the set's pictures are called when they are held against others.
        beside_name: What the pictures beside are called.
        chosen: The file that is large, unless the visitor has moved on meanwhile.
        by: Who the visitor is.
        can_undo: Whether a choice can be taken back.
        on_choice: Called with each choice, once; None takes the visitor's last one back.
        on_chosen: Called when the visitor has come to rest at another picture.
    """
    written: _Written = st.session_state.setdefault(f"{key}-written", _Written())

    def heard() -> None:
        sent = st.session_state[key].said
        with written.turn:
            for number, choice in choices_in(sent, written.number, by):
                on_choice(choice)
                written.number = number

    def moved() -> None:
        if st.session_state[key].chosen:
            on_chosen(str(st.session_state[key].chosen))

    _GRID(
        key=key,
        data={
            "pictures": [tile.data() for tile in tiles],
            "name": name,
            "besideName": beside_name,
            "chosen": chosen,
            "canUndo": can_undo,
            "written": written.number,
        },
        on_said_change=heard,
        on_chosen_change=moved,
    )
