"""What a comparison found, a tab each: labels, arms, confusion, doses, learning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.evaluate.cells import cell_name
from leafcore.evaluate.configs import BASELINE, LEAST_SEEDS
from leafcore.evaluate.result import LEAST_FOR_STAR, MACRO, ArmScore, Comparison, Estimate
from leafcore.runs import Run
from ui import cached, comparison_charts
from ui.choose import choose_way

Key = TypeVar("Key")
CELLS = ("true +", "false +", "false −", "true −")  # of a label against the rest
SCORES = {  # of a label, and what each says
    "F1": ("f1", "harmonic mean of precision and recall."),
    "Precision": ("precision", "how many of the pictures that were named so show it."),
    "Recall": ("recall", "how many of the pictures that show it were named so."),
    "AUROC": (
        "auroc",
        "area under the receiver operating characteristic: how often a picture that shows it is ranked above one that "
        "does not. Needs no threshold.",
    ),
    "Average precision": ("average_precision", "area under the precision-recall curve. Needs no threshold."),
}
PINNED = st.column_config.Column(pinned=True)  # stays where the others are scrolled
CELL_PX = 45  # of a confusion matrix, below which its numbers cannot be read


@dataclass(frozen=True)
class Shown:
    """A comparison, and which of its arms is shown against the baseline."""

    run: Run
    found: Comparison
    arm: str

    @property
    def both(self) -> dict[str, ArmScore]:
        """The baseline and the arm, by title."""
        return {self.found.arms[arm].title: self.found.arms[arm] for arm in (BASELINE, self.arm)}


def told(estimate: Estimate, form: str = "{:.3f}") -> str:
    """Return a number with its interval, for a table."""
    if np.isnan(estimate.value):
        return "–"
    ends = f" ({form.format(estimate.low)} to {form.format(estimate.high)})" if estimate.is_known else ""
    return form.format(estimate.value) + ends


def labels_box(shown: Shown) -> None:
    """Draw the difference of every label, worst first, and the scores of both arms."""
    found, differences = shown.found, shown.found.differences[shown.arm]
    labels = sorted((label for label in differences if label != MACRO), key=lambda label: differences[label].value)
    starred = [words(label) for label in labels if found.has_star(shown.arm, label)]
    rows = {words(label): differences[label] for label in (*labels, MACRO)}
    axis = f"difference in F1: {found.arms[shown.arm].title} minus {found.arms[BASELINE].title}"
    chart = comparison_charts.forest(rows, axis, starred)
    st.plotly_chart(chart, key=f"forest-{shown.arm}", alt="Difference in F1 by label, with intervals")
    if starred:
        st.caption(
            "★ the interval excludes 0, McNemar's test after Holm agrees in every one of at least "
            f"{LEAST_SEEDS} seeds, and n is at least {LEAST_FOR_STAR}."
        )
    name = choose_way("Score", list(SCORES), "metric", default="F1", label_visibility="collapsed")
    score, meaning = SCORES[name]
    table = score_table(shown, score)
    st.dataframe(table, hide_index=True, column_config={"label": PINNED}, alt=f"{name} of both arms by label")
    st.caption(f"{name}: {meaning} n: test pictures that show it. Macro: mean over labels; micro: over pictures.")


def score_table(shown: Shown, score: str) -> pd.DataFrame:
    """Return a score of both arms, a row per label, and over all labels.

    Args:
        shown: The comparison, and which arm.
        score: Which of `Scores`.
    """
    found = shown.found
    rows = {
        title: {**{words(label): one for label, one in arm.labels.items()}, "macro": arm.macro, "micro": arm.micro}
        for title, arm in shown.both.items()
    }
    n = {words(label): one.support for label, one in found.arms[BASELINE].labels.items()}
    known = [name for name in next(iter(rows.values())) if all(each[name] is not None for each in rows.values())]
    return pd.DataFrame(
        {
            "label": name,
            "n": n.get(name, found.test_images),
            **{title: told(getattr(each[name], score)) for title, each in rows.items()},
        }
        for name in known
    )


def arms_box(shown: Shown) -> None:
    """Draw all arms against the baseline."""
    found = shown.found
    rows = {found.arms[arm].title: found.differences[arm][MACRO] for arm in found.others}
    chart = comparison_charts.forest(rows, f"difference in macro-F1 from {found.arms[BASELINE].title}")
    st.plotly_chart(chart, key="forest-arms", alt="Difference in macro-F1 by arm, with intervals")
    table = pd.DataFrame(
        {
            "arm": score.title + (" (chosen by validation)" if arm == found.chosen else ""),
            "macro-F1, test": told(score.macro_f1),
            "validation": float(np.mean(score.val_seeds)) if score.val_seeds else np.nan,
            "all labels right": told(score.subset_accuracy),
            "train": score.train_images,
            "synthetic": score.synthetic_images,
            "steps": score.steps[0] if score.steps else None,
        }
        for arm, score in found.arms.items()
    )
    st.dataframe(
        table.style.format({"validation": "{:.3f}"}),
        hide_index=True,
        column_config={"arm": PINNED},
        alt="The scores of every arm",
    )
    st.caption("Among arms with synthetic pictures, validation chooses; the test split only confirms.")
    for arm in found.others:
        st.markdown(f"**{found.arms[arm].title}** · {found.verdicts[arm]}")


def confusion_box(shown: Shown) -> None:
    """Draw the confusion of both arms and what changes between them."""
    norms = [comparison_charts.ROWS, comparison_charts.COLUMNS, comparison_charts.COUNTS]
    norm = choose_way("Numbers", norms, "norm", default=norms[0], label_visibility="collapsed")
    names = shown.found.label_sets
    first, second = (np.array(score.confusion) for score in shown.both.values())
    with st.grid(3, min_column_width=max(240, 60 + CELL_PX * (len(names) + 1))):
        for title, counts in zip(shown.both, (first, second), strict=True):
            with st.container():
                st.caption(f"{title}, summed over seeds")
                chart = comparison_charts.confusion(counts, names, norm)
                st.plotly_chart(chart, key=f"confusion-{title}", alt=f"Confusion matrix of {title}")
        with st.container():
            st.caption("Difference: second minus first")
            chart = comparison_charts.confusion_difference(first, second, names, norm)
            st.plotly_chart(chart, key="confusion-difference", alt="Difference of the two confusion matrices")
    if any(score.thresholds for score in shown.both.values()):
        _against_rest(shown)


def _against_rest(shown: Shown) -> None:
    """Draw each label against all others, where a picture may show several."""
    table = pd.DataFrame(
        {
            "label": words(label),
            "arm": title,
            **dict(zip(CELLS, one.against_rest or (), strict=False)),
            "thresholds": ", ".join(f"{threshold:.2f}" for threshold in score.thresholds.get(label, ())),
        }
        for label in next(iter(shown.both.values())).labels
        for title, score in shown.both.items()
        for one in (score.labels[label],)
    )
    st.markdown("**Each label against the rest**")
    st.dataframe(table, hide_index=True, alt="Each label against the rest")
    st.caption("Difference: second minus first")
    signed = {cell: st.column_config.NumberColumn(format="%+d") for cell in CELLS}
    difference = against_rest_difference(*shown.both.values())
    st.dataframe(
        difference, hide_index=True, column_config=signed, alt="Each label against the rest, second minus first"
    )
    st.caption("Summed over seeds. A label is named from its threshold on, chosen on validation for each seed.")


def against_rest_difference(first: ArmScore, second: ArmScore) -> pd.DataFrame:
    """Return what changes in the matrix of each label against the rest: second minus first, a row per label."""
    both = ((label, one.against_rest, second.labels[label].against_rest) for label, one in first.labels.items())
    return pd.DataFrame(
        {"label": words(label), **{cell: b - a for cell, a, b in zip(CELLS, before, after, strict=True)}}
        for label, before, after in both
        if before and after
    )


def parts_box(shown: Shown) -> None:
    """Draw how often both arms were right by the day of the test pictures, and by the camera; nothing of one alone."""
    known = shown.found.arms[BASELINE].parts
    for by, parts in known.items():
        st.markdown(f"**By {by}**")
        rows = {
            title: [told(score.parts[by][part].right, "{:.0%}") for part in parts]
            for title, score in shown.both.items()
        }
        table = pd.DataFrame({by: list(parts), "n": [one.n for one in parts.values()], **rows})
        st.dataframe(table, hide_index=True, key=f"{by}_table", alt=f"How often all labels were right by {by}")
    if known:
        st.caption(
            "All labels right, test pictures, by what their files say (EXIF). Light and weather change with the day; "
            "sharpness and colours with the camera."
        )


def doses_box(shown: Shown) -> None:
    """Draw macro-F1 over the dose of synthetic pictures, and what the rules say how many to add."""
    found = shown.found
    doses = {int(arm.partition(".")[2]): score for arm, score in found.arms.items() if arm.startswith("dose.")}
    rules = {arm.partition(".")[2]: score for arm, score in found.arms.items() if arm.startswith("add.")}
    if doses:
        arms = {0: found.arms[BASELINE], **doses}
        st.markdown(f"Validation prefers **{_preferred(arms)} %**; the test split only confirms.")
        st.plotly_chart(comparison_charts.doses(arms), key="doses", alt="Macro-F1 by the dose of synthetic pictures")
    if rules:
        st.markdown(f"Of the rules, validation prefers **{_preferred(rules)}**.")
        table = pd.DataFrame(
            {
                "rule": rule,
                "synthetic pictures": score.synthetic_images,
                "macro-F1, test": told(score.macro_f1),
                "validation": f"{np.mean(score.val_seeds):.3f}",
            }
            for rule, score in rules.items()
        )
        st.dataframe(table, hide_index=True, alt="Macro-F1 by the rule that says how many to add")
    if not doses and not rules:
        st.caption("This comparison has neither doses nor rules: choose some for the next one.")


def _preferred(arms: Mapping[Key, ArmScore]) -> Key:
    return max(arms, key=lambda arm: float(np.mean(arms[arm].val_seeds)))


def learning_box(shown: Shown) -> None:
    """Draw validation after every round, and the test score of every classifier."""
    found, curves = shown.found, cached.curves(shown.run)
    first = int(shown.run.record.settings["seed"])
    scores = {
        score.title: {
            str(first + number): curves[name].tolist()
            for number in range(len(score.seeds))
            if (name := f"{cell_name(arm, first + number)} val_macro_f1") in curves
        }
        for arm, score in found.arms.items()
    }
    if any(scores.values()):
        st.plotly_chart(comparison_charts.rounds(scores), key="rounds", alt="Macro-F1 on validation by round")
    st.markdown("**Macro-F1 of every classifier on the test split**")
    table = pd.DataFrame(
        {"arm": score.title, **{f"seed {first + at}": value for at, value in enumerate(score.seeds)}}
        for score in found.arms.values()
    )
    st.dataframe(table.style.format(precision=3), hide_index=True, alt="Macro-F1 of every seed")
