"""Two epochs of a run side by side: a grid of all probes, or one probe under a wipe; keys and slider act at once."""

from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from leafcore.data.labels import words
from leafcore.pick.marks import Mark, Marks
from leafcore.runs import Run
from ui import cached
from ui.confirmed import JS, Written
from ui.stars import stars_html

_HTML = """
<div class="viewer">
  <div class="bar">
    <button type="button" name="back" aria-label="Earlier epoch" title="Left">‹</button>
    <input type="range" name="a" min="0" step="1" aria-label="Epoch">
    <button type="button" name="forward" aria-label="Later epoch" title="Right">›</button>
    <output></output>
    <button type="button" name="play">Play</button>
    <label>against <select name="b" aria-label="Epoch to compare with"></select></label>
  </div>
  <div class="bar">
    <button type="button" name="flicker" title="Space">Flicker</button>
    <span class="group" role="group" aria-label="Zoom">
      <button type="button" data-factor="1">1×</button><button type="button" data-factor="2">2×</button
      ><button type="button" data-factor="4">4×</button>
    </span>
    <label class="against">difference to
      <select name="against" aria-label="Difference to">
        <option value="b"></option><option value="input">the input</option>
      </select>
    </label>
    <label class="narrow">third column
      <select name="third" aria-label="Third column">
        <option value="b"></option><option value="difference">difference</option><option value="mask">mask</option>
      </select>
    </label>
    <button type="button" name="best" title="B">Mark best</button>
    STARS
    <button type="button" name="undo" title="Z">Undo</button>
  </div>
  <div class="body"></div>
  <div class="keys">
    Left, Right: epoch · Space: flicker<span class="edge"> · Shift + Left, Right: edge</span> · B: best · 1 to 5: rate
    · Z: undo · double click: zoom
  </div>
</div>
"""

_HERE = Path(__file__).parent
_VIEWER = st.components.v2.component(
    "leaf_viewer",
    html=_HTML.replace("STARS", stars_html()),
    css=(_HERE / "viewer.css").read_text(encoding="utf-8"),
    js=JS + (_HERE / "viewer.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Place:
    """Where a visitor is.

    Attributes:
        a: The epoch that the slider drives.
        b: The epoch it is held against.
        probe: Which of the shown probes the wipe is about, from 0.
    """

    a: int
    b: int
    probe: int = 0


def place_in_address(drawn: list[int], probes: int, recommended: int | None) -> Place:
    """Return the place that the address names; what it does not name is chosen.

    Args:
        drawn: The epochs that have samples, in order.
        probes: How many probes are shown.
        recommended: The epoch that the scores speak for, if there is one.
    """
    a = _number("a", drawn)
    if a is None:
        a = recommended if recommended in drawn else drawn[-1]
    b = _number("b", drawn)
    if b is None:
        b = drawn[-1] if a != drawn[-1] else drawn[max(0, len(drawn) - 2)]
    return Place(a, b, _number("probe", range(probes)) or 0)


def probes_of(facts: Mapping[str, Any], direction: str) -> list[dict[str, Any]]:
    """Return where a sheet has each probe, and what to call it.

    Args:
        facts: See `cached.preview`.
        direction: Of a translation, whose probes are rows. Those of other models are single pictures.
    """
    rows = list(enumerate(facts["rows"]))
    if "direction" in facts["rows"][0]:
        return [
            {"index": index, "alt": Path(row["image"]).stem} for index, row in rows if row["direction"] == direction
        ]
    return [
        {"index": index, "column": number, "alt": " ".join(filter(None, (row_words(row), column)))}
        for index, row in rows
        for number, column in enumerate(facts["columns"])
    ]


def row_words(row: Mapping[str, str]) -> str:
    """Return what a row of samples is called: its prompt, or its label set."""
    return row.get("prompt") or words(row["labels"])


def _number(name: str, allowed: Container[int]) -> int | None:
    text = st.query_params.get(name, "")
    return int(text) if text.isdecimal() and int(text) in allowed else None


def write_address(place: Place | None) -> None:
    """Put a place into the address at once, or take it out."""
    if place:
        st.query_params.update({name: str(number) for name, number in asdict(place).items()})
    else:
        for name in ("a", "b", "probe"):
            st.query_params.pop(name, None)


def mark_of(said: Mapping[str, Any]) -> Mark | None:
    """Return the note that a browser tells of; None takes the last one back."""
    return None if said.get("undo") else Mark(epoch=said["epoch"], stars=said.get("stars"))


def viewer(
    run: Run,
    drawn: list[int],
    facts: Mapping[str, Any],
    direction: str,
    view: Literal["grid", "wipe"],
    place: Place,
    marks: Marks,
    *,
    can_undo: bool,
    on_place: Callable[[Place], None],
    on_mark: Callable[[Mark | None], None],
) -> None:
    """Draw the viewer.

    Args:
        run: The training run.
        drawn: The epochs that have samples, in order.
        facts: What their sheets show, see `cached.preview`.
        direction: Whose rows are shown, "ab" or "ba"; of a noise model all are.
        view: All probes, or one under a wipe.
        place: Where it stands, unless the visitor has moved on meanwhile.
        marks: What was noted.
        can_undo: Whether a note can be taken back.
        on_place: Called when the visitor has come to rest somewhere else.
        on_mark: Called with a note; None takes the last one back.
    """
    key = f"viewer-{run.id}-{direction}"
    written: Written = st.session_state.setdefault(f"{key}-written", Written())

    def write(said: Mapping[str, Any]) -> None:
        if said.get("place"):
            on_place(Place(**{name: int(said["place"][name]) for name in ("a", "b", "probe")}))
        else:
            on_mark(mark_of(said))

    def heard() -> None:
        written.hear(st.session_state[key].said, write)

    _VIEWER(
        key=key,
        data={
            "epochs": drawn,
            "sheets": [cached.preview_address(run, epoch) for epoch in drawn],
            "rows": probes_of(facts, direction),
            "columns": {name: number for number, name in enumerate(facts["columns"])},
            "size": facts["size_px"],
            "place": asdict(place),
            "view": view,
            "marks": marks.model_dump(mode="json"),
            "canUndo": can_undo,
            "written": written.number,
        },
        on_said_change=heard,
    )
