"""Comparisons: one at work, a new one, and what a chosen one found."""

from collections.abc import Callable, Mapping

import streamlit as st

from leafcore.data.classes import MEANING
from leafcore.data.synthetic_sets import MAKERS
from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.result import MACRO, Comparison, Estimate, read_comparison
from leafcore.runs import Run
from ui import cached, live
from ui.arms_matrix import working_box
from ui.choose import choose
from ui.compared import Shown, arms_box, confusion_box, doses_box, labels_box, learning_box, parts_box
from ui.evidence import calibration_box, integrity_box, overlap_note, significance_box
from ui.generators import generators_box
from ui.looking import look_box
from ui.new_comparison import new_comparison_box
from ui.places import path_of
from ui.reporting import report_buttons
from ui.shortcuts import shortcut_note, shortcuts_box


def _shortcuts(shown: Shown) -> None:
    shortcuts_box(shown.run)
    parts_box(shown)


def _learning(shown: Shown) -> None:
    learning_box(shown)
    generators_box(shown)


TABS: dict[str, Callable[[Shown], None]] = {
    "By label": labels_box,
    "Arms": arms_box,
    "Confusion": confusion_box,
    "Doses": doses_box,
    "Learning": _learning,
    "Calibration": calibration_box,
    "Significance": significance_box,
    "Look": look_box,
    "Shortcuts": _shortcuts,
    "Integrity": integrity_box,
}


def comparison_box() -> None:
    """Draw comparisons: those at work, how to start one, and what the chosen one found."""
    sets = cached.runs_of(*MAKERS)
    if not sets:
        st.info("A comparison needs a synthetic set and a dataset with a test split.", icon=":material/balance:")
        st.page_link(path_of("studio"), label="Make synthetic pictures", icon=":material/auto_awesome:")
        return
    working = live.active_runs("evaluate")
    for run in working:
        working_box(run)
    done = {run.id: run for run in cached.runs_of("evaluate")}
    with st.expander("New comparison", icon=":material/add:", expanded=not done and not working):
        if new_comparison_box(sets) is not None:
            st.rerun()
    if done:
        titles = {
            run.id: f"{run.record.settings['dataset'].split('@')[0]} · {cached.when(run)}" for run in done.values()
        }
        _found(done, titles)


def _found(done: Mapping[str, Run], titles: Mapping[str, str]) -> None:
    with st.container(horizontal=True):
        run = done[choose("Comparison", titles, "cmp")]
        found = read_comparison(run.folder)
        shown = Shown(run, found, _choose_arm(found))
    _headline(shown)
    for tab, draw in zip(st.tabs(list(TABS), key="eval_tab", bind="query-params"), TABS.values(), strict=True):
        if tab.open:  # the others cost nothing
            with tab:
                draw(shown)


def _choose_arm(found: Comparison) -> str:
    """Return the arm that is shown against the baseline: at first the one that validation prefers."""
    others = sorted(found.others, key=lambda arm: arm != found.chosen)
    if st.session_state.get("arm") not in others:  # of another comparison
        st.session_state.pop("arm", None)
    titles = {arm: found.arms[arm].title for arm in others}
    return choose("Arm", titles, "arm") if len(others) > 1 else others[0]


def _headline(shown: Shown) -> None:
    """Draw the verdict, the scores of both arms and their difference."""
    found, arm = shown.found, shown.arm
    difference = found.differences[arm][MACRO]
    box = st.warning if arm in found.withheld else st.success if found.improves(arm) else st.info
    box(found.verdicts[arm], icon=":material/gavel:")
    if arm in found.withheld:
        st.badge("Not valid for claims", icon=":material/block:", color="red")
    with st.grid(4, min_column_width=150):
        for one in (BASELINE, arm):
            _metric(found.arms[one].title, found.arms[one].macro_f1, "{:.3f}")
        _metric("Difference", difference, "{:+.3f}")
        score = found.arms[arm]
        beside = f"beside {score.train_images - score.synthetic_images:,} real ones"
        st.metric(
            "Synthetic pictures", f"{score.synthetic_images:,}", beside, delta_color="off", delta_arrow="off",
            border=True,
        )  # fmt: skip
    st.caption(
        f"Macro-F1 · {found.dataset} · {MEANING[found.label_policy]} · "
        f"test split: n = {found.test_images:,} pictures in {found.test_groups:,} groups · "
        f"{len(found.arms[BASELINE].seeds)} seeds · 95% intervals from 2,000 resamples of groups, paired across arms · "
        f"this test split has been opened {'once' if found.test_opened == 1 else f'{found.test_opened} times'}."
    )
    overlap_note(shown)
    shortcut_note(found.dataset)
    report_buttons(shown.run)


def _metric(title: str, score: Estimate, form: str) -> None:
    ends = f"{form.format(score.low)} to {form.format(score.high)}" if score.is_known else "too few test groups"
    st.metric(title, form.format(score.value), ends, delta_color="off", delta_arrow="off", border=True)
