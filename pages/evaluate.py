"""Evaluate: do synthetic pictures help a classifier? The answer comes with intervals, or not at all."""

from collections.abc import Callable

from ui.choose import choose_way
from ui.comparison import comparison_box
from ui.quality import quality_box
from ui.realfake import realfake_box
from ui.scarcity import scarcity_box

WAYS: dict[str, Callable[[], None]] = {
    "Comparison": comparison_box,
    "Image quality": quality_box,
    "Real or fake": realfake_box,
    "Scarcity study": scarcity_box,
}

WAYS[choose_way("What", list(WAYS), "what", default="Comparison", label_visibility="collapsed")]()
