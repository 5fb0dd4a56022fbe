"""How far what a comparison found can be trusted, a tab each: calibration, tests, integrity."""

from math import isinf, isnan

import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.evaluate.result import Comparison, McNemar
from ui import comparison_charts
from ui.compared import Shown, told


def calibration_box(shown: Shown) -> None:
    """Draw whether the probabilities of both arms can be taken at their word."""
    judged = {title: score for title, score in shown.both.items() if score.calibration is not None}
    if not judged:
        st.caption("This comparison is older than calibration.")
        return
    st.plotly_chart(comparison_charts.calibration(judged), key="calibration", alt="Calibration of both arms")
    for title, score in judged.items():
        if score.calibration is not None:
            st.caption(
                f"{title}: expected calibration error {told(score.calibration.error)}, "
                f"n = {score.calibration.n:,} probabilities a seed, ten bins."
            )


def significance_box(shown: Shown) -> None:
    """Draw McNemar's tests of every seed, and Cochran's Q over all arms."""
    tests = shown.found.significance.get(shown.arm)
    if tests is None:
        st.caption("This comparison is older than these tests.")
        return
    first = int(shown.run.record.settings["seed"])
    n = shown.found.test_images
    st.markdown(f"**Pictures that were named exactly right** · n = {n:,} · Holm over the arms")
    st.dataframe(_tests({f"seed {first + at}": test for at, test in enumerate(tests.pictures)}), hide_index=True)
    st.markdown(f"**Each label** · n = {n:,} · Holm over the labels")
    by_label = {
        f"{words(label)}, seed {first + at}": test for label, row in tests.labels.items() for at, test in enumerate(row)
    }
    st.dataframe(_tests(by_label), hide_index=True)
    _all_arms(shown.found, first)
    st.caption(
        "McNemar's test: exact below 25 discordant pictures, else with continuity correction. It covers which pictures "
        "are in the test split, not how a training turns out: that is what seeds are for. Holm's method corrects p for "
        "how many tests there are."
    )


def _all_arms(found: Comparison, first: int) -> None:
    """Draw Cochran's Q of every seed, and which pairs of arms it comes from."""
    if found.pairwise:
        st.markdown(f"**All pairs of arms** · n = {found.test_images:,} · Holm over the pairs")
        rows = {
            f"{' | '.join(found.arms[arm].title for arm in pair.arms)}, seed {first + at}": test
            for pair in found.pairwise
            for at, test in enumerate(pair.pictures)
        }
        st.dataframe(_tests(rows, ("only the first", "only the second")), hide_index=True)
    for at, overall in enumerate(found.cochran):
        st.caption(f"All arms, seed {first + at}: Cochran's Q = {overall.q:.2f}, p = {overall.p:.3g}")


def _tests(
    rows: dict[str, McNemar], one_alone: tuple[str, str] = ("only the baseline", "only the arm")
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "of": name,
            "p after Holm": f"{test.p_holm:.3g}",
            "p": f"{test.p:.3g}",
            one_alone[0]: test.first,
            one_alone[1]: test.second,
            "odds ratio": _ratio(test.odds_ratio),
            "both right": test.both,
            "neither": test.neither,
        }
        for name, test in rows.items()
    )


def _ratio(odds: float) -> str:
    return "∞" if isinf(odds) else "–" if isnan(odds) else f"{odds:.2f}"


def integrity_box(shown: Shown) -> None:
    """Draw what the models behind the synthetic pictures have seen, and what judged."""
    found = shown.found
    st.markdown("**What the models behind the synthetic pictures have seen**")
    heads = ["by", "test pictures", "validation pictures", "outside this train split"]
    table = pd.DataFrame(found.leaks.table(), columns=heads)
    st.dataframe(table, hide_index=True, alt="How many pictures each kind of model has seen")
    if found.leaks.unknown:
        st.warning(
            f"Nobody wrote down what was seen by {', '.join(found.leaks.unknown)}; no verdict is given.",
            icon=":material/help:",
        )
    if found.synthetic_left_out:
        st.caption(f"Left out: {found.synthetic_left_out:,} synthetic pictures whose sources judge.")
    st.caption(
        "A test picture, or one outside this train split, withholds the verdict; probes train nothing and may be "
        "validation pictures. "
        f"The test split has {found.leaks.test_size} pictures."
    )
    _overlap(found)
    st.caption(
        f"Test split, SHA-256: `{found.test_hash or 'not kept'}` · bootstrap seed {found.bootstrap_seed} · "
        f"classifiers {shown.run.record.settings['backbone']}, {', '.join(sorted(_steps(found)))} steps each"
    )


def overlap_note(shown: Shown) -> None:
    """Draw how the arm does without test pictures that have a near-duplicate in train or validation, if any have."""
    overlap = shown.found.overlap
    if overlap is not None and overlap.images:
        st.warning(overlap.sentences[shown.arm], icon=":material/content_copy:")


def _overlap(found: Comparison) -> None:
    """Draw every arm with and without the test pictures that overlap with train or validation."""
    overlap = found.overlap
    if overlap is None:
        return
    st.markdown("**Near-duplicates across the split**")
    if overlap.arms:
        table = pd.DataFrame(
            {
                "arm": found.arms[arm].title,
                "macro-F1, all test pictures": told(score.every),
                "without them": told(score.left),
                "drop": told(score.drop, "{:+.3f}"),
                "difference without them": told(score.difference, "{:+.3f}"),
            }
            for arm, score in overlap.arms.items()
        )
        st.dataframe(table, hide_index=True, key="overlap_table", alt="Every arm with and without near-duplicates")
    left = f" n = {overlap.left:,} pictures in {overlap.left_groups:,} groups without them." if overlap.images else ""
    looked = f" and by run {overlap.health}" if overlap.health else ""
    st.caption(f"{overlap.finding.capitalize()}.{left} Looked for at the import{looked}.")


def _steps(found: Comparison) -> set[str]:
    return {f"{steps:,}" for score in found.arms.values() for steps in score.steps}
