"""The component that reviews pictures: a grid with keys, and the chosen picture large over what it was made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from leafcore.data.review import Choice, Opinion
from ui.confirmed import JS, Written
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
    js=JS + (_HERE / "review.js").read_text(encoding="utf-8"),
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


def choice_of(said: Mapping[str, Any], by: str) -> Choice | None:
    """Return the choice that a browser tells of; None takes the last one back.

    Args:
        said: With `files`, and `verdict`, `stars` or `undo`.
        by: Whose browser it is.
    """
    if said.get("undo"):
        return None
    return Choice(files=tuple(said["files"]), verdict=said.get("verdict"), stars=said.get("stars"), by=by)


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
    written: Written = st.session_state.setdefault(f"{key}-written", Written())

    def heard() -> None:
        written.hear(st.session_state[key].said, lambda said: on_choice(choice_of(said, by)))

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
