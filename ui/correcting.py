"""One mask corrected by hand: its own threshold, inverted, leaf and background drawn. Every step is on disk at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.data.mask_sets import Refinement
from leafcore.images import encode_jpeg
from leafcore.masks import corrections
from leafcore.masks.corrections import Correction
from ui import cached
from ui.mask_tiles import draw, mask_of
from ui.service import workspace
from ui.strokes import draw_strokes

SIDE = 480  # px of the picture that is drawn on
WIDTHS = {"fine": 0.015, "medium": 0.04, "broad": 0.09}  # of strokes, as shares of the picture's shorter side
CHOSEN = "mask_fix"  # the picture that is corrected, in the session; paths are no part of an address


@dataclass(frozen=True)
class Draft:
    """The corrections of a dataset's pictures under one model.

    Attributes:
        dataset: Its name.
        weights_sha256: The model's hash.
    """

    dataset: str
    weights_sha256: str

    @classmethod
    def of(cls, dataset: Dataset, lflseg: Checkpoint) -> "Draft":
        """Return the draft of a dataset under a model."""
        return cls(dataset.name, lflseg.card.weights_sha256)

    def load(self) -> dict[str, Correction]:
        """Return the corrections as they stand now."""
        return corrections.load_draft(workspace(), self.dataset, self.weights_sha256)

    def correct(self, correction: Correction) -> None:
        """Write a correction."""
        corrections.correct(workspace(), self.dataset, self.weights_sha256, correction)

    def undo(self, image: str) -> None:
        """Take the last step about a picture back."""
        corrections.undo(workspace(), self.dataset, self.weights_sha256, image)

    def can_undo(self, image: str) -> bool:
        """Whether there is a step to take back."""
        return corrections.can_undo(workspace(), self.dataset, self.weights_sha256, image)


def open_panel(image: str) -> None:
    """Choose the picture to correct; only in a callback."""
    st.session_state[CHOSEN] = image


def correct_panel(
    draft: Draft,
    root: Path,
    row: dict[str, Any],
    cam: np.ndarray,
    delta: float,
    refinement: Refinement,
    neighbors: Sequence[str],
) -> None:
    """Draw one large picture that can be drawn on, and what else can be done about its mask.

    Args:
        draft: Where corrections go.
        root: The dataset's folder.
        row: The picture's record.
        cam: (h, w) its heat map.
        delta: The threshold of the mask set.
        refinement: What is done after it.
        neighbors: All pictures in the order they are shown, to go on with the next.
    """
    image = row["image"]
    now = draft.load().get(image)
    picture = cached.fitted(str(root / image), SIDE)
    mask = mask_of(picture, cam, delta, refinement, now, f"{image}@{draft.weights_sha256}")
    # Its own threshold is written down with every step, so that moving the common one changes no corrected mask.
    said = now or Correction(image=image, delta=delta)

    def change(**changes: Any) -> None:
        draft.correct(said.model_copy(update={"delta": said.delta if said.delta is not None else delta, **changes}))

    with st.container(border=True), st.container(horizontal=True, gap="large"):
        with st.container(width=SIDE):
            draw_strokes(
                encode_jpeg(draw(picture, cam, mask, "Mask"), 90),
                f"{image}, {words(row['labels'])}: {mask.mean():.0%} leaf; draw on it to correct the mask",
                said.strokes,
                st.session_state.get("fix_kind", "include"),
                WIDTHS[st.session_state.get("fix_width", "medium")],
                key=f"strokes-{image}",
                on_stroke=lambda stroke: change(strokes=(*said.strokes, stroke)),
            )
        with st.container(width=230):
            flag = " :green-badge[corrected]" if now else ""
            st.markdown(f"**{words(row['labels'])}** · {mask.mean():.0%} leaf{flag}")
            _brush()
            _threshold(image, said.delta if said.delta is not None else delta, change)
            _steps(draft, image, said, change)
            _leave(image, neighbors)


def _brush() -> None:
    kind = st.session_state.setdefault("fix_kind", "include")
    names = {"include": ("Leaf", "G", ":material/add_circle:"), "exclude": ("Background", "B", ":material/remove:")}
    with st.container(horizontal=True, gap="small"):
        for value, (label, shortcut, icon) in names.items():
            st.button(
                label,
                key=f"fix_{value}",
                shortcut=shortcut,
                icon=icon,
                type="primary" if kind == value else "secondary",
                on_click=lambda value=value: st.session_state.update(fix_kind=value),
                help="What the next line covers.",
            )
    st.segmented_control("Brush", list(WIDTHS), default="medium", required=True, key="fix_width")


def _threshold(image: str, delta: float, change: Any) -> None:
    key = f"fix-delta-{image}"
    if st.session_state.get(f"{key}-of") != delta:  # undo, or another tab, may have changed it
        st.session_state.update({key: delta, f"{key}-of": delta})
    st.slider(
        "Threshold of this picture",
        0.0,
        1.0,
        step=0.01,
        key=key,
        on_change=lambda: change(delta=st.session_state[key]),
    )


def _steps(draft: Draft, image: str, said: Correction, change: Any) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Invert",
            key="fix_invert",
            shortcut="F",
            icon=":material/invert_colors:",
            on_click=lambda: change(invert=not said.invert),
        )
        can_undo = draft.can_undo(image)
        st.button(
            "Undo",
            key="fix_undo",
            shortcut="Z",
            icon=":material/undo:",
            disabled=not can_undo,
            on_click=lambda: draft.undo(image),
        )
        st.button(
            "Clear",
            key="fix_clear",
            shortcut="X",
            icon=":material/backspace:",
            disabled=image not in draft.load(),
            on_click=lambda: draft.correct(Correction(image=image)),
            help="Takes every correction of this picture away; it can be undone.",
        )


def _leave(image: str, neighbors: Sequence[str]) -> None:
    place = neighbors.index(image) if image in neighbors else -1
    following = neighbors[place + 1] if place + 1 < len(neighbors) else None
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Next",
            key="fix_next",
            shortcut="Right",
            icon=":material/arrow_forward:",
            disabled=following is None,
            on_click=lambda: st.session_state.update({CHOSEN: following}),
        )
        st.button(
            "Done",
            key="fix_done",
            icon=":material/check:",
            type="primary",
            on_click=lambda: st.session_state.pop(CHOSEN, None),
        )
