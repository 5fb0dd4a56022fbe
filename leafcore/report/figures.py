"""The figures of a report: SVG with its text as text, drawn by matplotlib, which opens without network and prints."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from leafcore.data.labels import words
from leafcore.evaluate.probe_configs import VIEW_TITLES
from leafcore.evaluate.probe_result import Probes
from leafcore.evaluate.result import Comparison, Estimate

# Okabe and Ito's palette: told apart with any colour vision. A marker of its own for each arm, beside the colour.
COLORS = ("#009e73", "#d55e00", "#0072b2", "#cc79a7", "#e69f00", "#56b4e9", "#5c5c5c", "#8a8000")
MARKERS = "oDs^vPX*"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label may hold a dollar sign
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
}
Validation = Mapping[str, Mapping[int, Sequence[float]]]  # by arm and seed, macro-F1 after each epoch
DOSE = "dose."  # what the id of an arm of the dose curve begins with; percent follow


def figures(found: Comparison, probes: Probes | None, validation: Validation) -> dict[str, str]:
    """Return the figures that a comparison has, by name: SVG elements to be put into a page."""
    drawn = {
        "differences": differences_figure(found),
        "seeds": seeds_figure(found),
        "confusion": confusion_figure(found),
    }
    if any(arm.startswith(DOSE) for arm in found.arms):
        drawn["dose"] = dose_figure(found)
    if any(score.calibration for score in found.arms.values()):
        drawn["calibration"] = calibration_figure(found)
    if validation:
        drawn["validation"] = validation_figure(found, validation)
    if probes is not None:
        drawn["probes"] = probes_figure(probes)
    return drawn


def _svg(figure: Figure, name: str) -> str:
    """Return a figure as an element of a page; the same figure gives the same text."""
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _axes(width: float, height: float, columns: int = 1) -> tuple[Figure, Sequence[Axes]]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _ends(estimates: Sequence[Estimate]) -> np.ndarray:
    """Return how far the ends of intervals are from their numbers, (2, N); 0 where there is no interval."""
    below = [one.value - one.low if one.is_known else 0.0 for one in estimates]
    above = [one.high - one.value if one.is_known else 0.0 for one in estimates]
    ends: np.ndarray = np.maximum(0.0, np.array([below, above]))
    return ends


def _rows(axes: Axes, names: Sequence[str], series: Sequence[tuple[str, Sequence[Estimate]]]) -> None:
    """Draw numbers with their intervals, a row per name, the titled series a little above one another."""
    spread = 0.5 / max(1, len(series))
    for index, (title, estimates) in enumerate(series):
        rows = np.arange(len(names)) + (index - (len(series) - 1) / 2) * spread
        values = np.array([one.value for one in estimates])
        known = np.array([one.is_known for one in estimates])
        mark, color = MARKERS[index % len(MARKERS)], COLORS[index % len(COLORS)]
        axes.errorbar(values, rows, xerr=_ends(estimates), fmt=mark, color=color, markersize=5, capsize=3, label=title)
        axes.plot(values[~known], rows[~known], mark, color=color, markersize=5, markerfacecolor="white", zorder=9)
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)


def differences_figure(found: Comparison) -> str:
    """Return, by label and arm, F1 minus that of the baseline, with 95 % intervals."""
    keys = list(next(iter(found.differences.values())))
    series = [(found.arms[arm].title or arm, [each[key] for key in keys]) for arm, each in found.differences.items()]
    figure, (axes,) = _axes(7.2, 1.2 + len(keys) * (0.3 + 0.1 * len(series)))
    _rows(axes, [words(key) for key in keys], series)
    axes.axvline(0, color="#8a8a8a", linestyle="--", linewidth=1)
    axes.set_xlabel("difference in F1 to the baseline")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, frameon=False)
    return _svg(figure, "differences")


def seeds_figure(found: Comparison) -> str:
    """Return macro-F1 of every arm with its interval, and of each seed as a point."""
    figure, (axes,) = _axes(7.2, 1.0 + 0.42 * len(found.arms))
    names = [score.title or arm for arm, score in found.arms.items()]
    _rows(axes, names, [("mean", [score.macro_f1 for score in found.arms.values()])])
    for row, score in enumerate(found.arms.values()):
        axes.plot(score.seeds, [row + 0.24] * len(score.seeds), "|", color="#333333", markersize=7)
    axes.set_xlabel("macro-F1 on test pictures: mean with 95 % interval, each seed as a line below")
    return _svg(figure, "seeds")


def confusion_figure(found: Comparison) -> str:
    """Return the confusion matrices of the baseline and of the chosen arm in shares of rows, and their difference."""
    first = next(iter(found.arms))
    parts = []
    for arm in (first, found.chosen):
        counts = np.array(found.arms[arm].confusion, float)
        parts.append(counts / np.maximum(counts.sum(1, keepdims=True), 1))
    shown = [*parts, parts[1] - parts[0]]
    titles = [found.arms[arm].title or arm for arm in (first, found.chosen)] + ["Difference"]
    names = [words(name) for name in found.label_sets]
    figure, panels = _axes(10.5, 1.4 + 0.42 * len(names), columns=3)
    for index, (axes, values, title) in enumerate(zip(panels, shown, titles, strict=True)):
        difference = index == 2
        axes.imshow(values, cmap="RdBu" if difference else "Greens", vmin=-1 if difference else 0, vmax=1)
        for (row, column), value in np.ndenumerate(values):
            color = "white" if abs(value) > 0.6 else "black"
            text = "" if not value else f"{value:+.2f}" if difference else f"{value:.2f}"
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=7)
        axes.set_title(title, fontsize=9)
        axes.set_xticks(range(len(names) + 1), [*names, "other"], rotation=40, ha="right")
        axes.set_yticks(range(len(names)), names if index == 0 else [""] * len(names))
        axes.grid(False)
    panels[0].set_ylabel("true")
    panels[1].set_xlabel("said, as a share of the row")
    return _svg(figure, "confusion")


def dose_figure(found: Comparison) -> str:
    """Return macro-F1 by how many synthetic pictures were added, with its intervals as a ribbon."""
    baseline = next(iter(found.arms.values()))
    points = {0: baseline} | {
        int(arm.removeprefix(DOSE)): score for arm, score in found.arms.items() if arm.startswith(DOSE)
    }
    doses = sorted(points)
    scores = [points[dose].macro_f1 for dose in doses]
    figure, (axes,) = _axes(7.2, 3.0)
    axes.fill_between(doses, [one.low for one in scores], [one.high for one in scores], color=COLORS[0], alpha=0.18)
    axes.plot(doses, [one.value for one in scores], "o-", color=COLORS[0])
    for dose in doses:
        axes.plot([dose] * len(points[dose].seeds), points[dose].seeds, "_", color="#333333", markersize=7)
    axes.set_xlabel("synthetic pictures, in % of the real train pictures of the same labels")
    axes.set_ylabel("macro-F1")
    return _svg(figure, "dose")


def validation_figure(found: Comparison, validation: Validation) -> str:
    """Return macro-F1 on validation pictures by epoch: a thin line per seed, a thick one for their mean."""
    figure, (axes,) = _axes(7.2, 3.2)
    for index, (arm, seeds) in enumerate(validation.items()):
        color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
        for scores in seeds.values():
            axes.plot(range(1, len(scores) + 1), scores, color=color, linewidth=0.7, alpha=0.5)
        shortest = min(map(len, seeds.values()))
        mean = np.mean([scores[:shortest] for scores in seeds.values()], axis=0)
        title = found.arms[arm].title or arm
        axes.plot(range(1, shortest + 1), mean, color=color, marker=marker, markersize=4, linewidth=1.8, label=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("macro-F1, validation")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, frameon=False)
    return _svg(figure, "validation")


def calibration_figure(found: Comparison) -> str:
    """Return how often what was said with a probability was true."""
    figure, (axes,) = _axes(4.4, 3.8)
    axes.plot([0, 1], [0, 1], color="#8a8a8a", linestyle="--", linewidth=1)
    for index, (arm, score) in enumerate(found.arms.items()):
        if score.calibration:
            said, true = ([getattr(part, name) for part in score.calibration.bins] for name in ("said", "true"))
            color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
            axes.plot(said, true, color=color, marker=marker, markersize=4, linewidth=1.2, label=score.title or arm)
    axes.set_xlabel("said: mean probability")
    axes.set_ylabel("true: share")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return _svg(figure, "calibration")


def probes_figure(probes: Probes) -> str:
    """Return macro-F1 of each part of the pictures; chance is marked."""
    figure, (axes,) = _axes(7.2, 2.2)
    _rows(axes, [VIEW_TITLES[view] for view in probes.views], [("", [one.macro_f1 for one in probes.views.values()])])
    axes.axvline(probes.chance, color="#8a8a8a", linestyle="--", linewidth=1)
    axes.annotate(
        "chance", (probes.chance, -0.45), color="#6a6a6a", fontsize=8, xytext=(3, 0), textcoords="offset points"
    )
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("macro-F1 on validation pictures")
    return _svg(figure, "probes")
