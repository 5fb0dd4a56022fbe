"""Evaluate: do synthetic pictures help a classifier? The answer comes with intervals, or not at all."""

from math import isnan

import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.data.synthetic_sets import MAKERS
from leafcore.evaluate.configs import ARM_TITLES, ARMS
from leafcore.evaluate.result import Comparison, read_comparison
from ui import cached, charts, forms, live
from ui.choose import choose
from ui.places import path_of
from ui.quality import quality_box
from ui.realfake import realfake_box
from ui.scarcity import scarcity_box

COMPARISON, QUALITY, REALFAKE, STUDY = "Comparison", "Image quality", "Real or fake", "Scarcity study"

way = st.segmented_control(
    "What", [COMPARISON, QUALITY, REALFAKE, STUDY], default=COMPARISON, required=True, key="what", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
if way == STUDY:
    scarcity_box()
    st.stop()
if way == QUALITY:
    quality_box()
    st.stop()
if way == REALFAKE:
    realfake_box()
    st.stop()

sets = cached.runs_of(*MAKERS)
if not sets:
    st.info("A comparison needs a synthetic set and a dataset with a test split.", icon=":material/balance:")
    st.page_link(path_of("studio"), label="Make synthetic pictures", icon=":material/auto_awesome:")
    st.stop()

working = [run for run in live.active_runs() if run.kind == "evaluate"]
for run in working:
    live.progress_panel(run, key="evaluate")

done = {run.id: run for run in cached.runs_of("evaluate")}
with st.expander("New comparison", icon=":material/add:", expanded=not done and not working):
    st.caption(
        "Two kinds of classifier are trained for the same number of steps, on real pictures and on real plus "
        "synthetic ones, and judged on the same test pictures."
    )
    titles = {run.id: f"{run.record.title} · {cached.when(run)}" for run in sets}
    synthetic = st.multiselect(
        "Synthetic sets", list(titles), default=list(titles)[:1], format_func=titles.get, key="sets"
    )
    presets = ["smoke", "draft", "paper"]
    preset = st.segmented_control("Preset", presets, default="draft", required=True, key="eval_preset")
    queued = forms.settings_form(
        "evaluate", str(preset), fixed={"synthetic": tuple(synthetic)}, submit_label="Run comparison"
    )
    if queued is not None:
        st.rerun()
if not done:
    st.stop()

comparisons = {run.id: f"{run.record.settings['dataset'].split('@')[0]} · {cached.when(run)}" for run in done.values()}
chosen = choose("Comparison", comparisons, "cmp")
found: Comparison = read_comparison(done[chosen].folder)
difference = found.difference["macro"]

box = st.warning if not found.leaks.is_clean else st.success if difference.low > 0 else st.info
box(found.verdict, icon=":material/gavel:")
shown = [(f"{ARM_TITLES[arm]}: macro-F1", found.arms[arm].macro_f1, "{:.3f}") for arm in ARMS]
with st.grid(4, min_column_width=150):
    for title, score, form in [*shown, ("Difference", difference, "{:+.3f}")]:
        interval = (
            "too few test groups" if isnan(score.low) else f"{form.format(score.low)} to {form.format(score.high)}"
        )
        st.metric(title, form.format(score.value), interval, delta_color="off", delta_arrow="off", border=True)
    added = f"beside {found.arms['real'].train_images} real ones"
    st.metric("Synthetic pictures", found.synthetic_images, added, delta_color="off", delta_arrow="off", border=True)
st.caption(
    f"{found.dataset} · labels: {found.label_policy} · "
    f"test split: n = {found.test_images} pictures in {found.test_groups} groups · "
    f"{len(found.arms['real'].seeds)} seeds · 95% intervals from 2,000 resamples of groups, paired across arms · "
    f"this test split has been opened {found.test_opened} times."
)

by_label, matrices, seeds, integrity = st.tabs(
    [
        ":material/forest: By label",
        ":material/grid_on: Confusion",
        ":material/scatter_plot: Seeds",
        ":material/verified: Integrity",
    ]
)
with by_label:
    rows = {name: (part.value, part.low, part.high) for name, part in found.difference.items()}
    st.plotly_chart(charts.forest(rows), key="forest", alt="Difference in F1 by label, with intervals")
    st.dataframe(
        pd.DataFrame(
            {
                "label": words(label),
                "test pictures": found.arms["real"].labels[label].support,
                **{
                    f"{short}: {name}": value
                    for arm, short in (("real", "real"), ("real_plus_synthetic", "+ synthetic"))
                    for name, value in (
                        ("P", found.arms[arm].labels[label].precision),
                        ("R", found.arms[arm].labels[label].recall),
                        ("F1", found.arms[arm].labels[label].f1.value),
                    )
                },
            }
            for label in found.arms["real"].labels
        ).style.format(precision=3),
        hide_index=True,
    )
with matrices:
    for column, arm in zip(st.columns(2), ARMS, strict=True):
        column.caption(f"{ARM_TITLES[arm]}, summed over seeds")
        column.plotly_chart(charts.confusion(found, arm), key=f"confusion-{arm}", alt=f"Confusion matrix of {arm}")
with seeds:
    st.caption("Macro-F1 of every classifier: never only the mean.")
    st.dataframe(pd.DataFrame({ARM_TITLES[arm]: found.arms[arm].seeds for arm in ARMS}).style.format(precision=3))
with integrity:
    st.markdown("**What the models behind the synthetic pictures have seen**")
    st.dataframe(
        pd.DataFrame(
            {
                "test pictures": found.leaks.test,
                "validation pictures": found.leaks.val,
                "outside this train split": found.leaks.outside,
            }
        )
    )
    if found.leaks.unknown:
        st.warning(
            f"Nobody wrote down what was seen by {', '.join(found.leaks.unknown)}; no verdict is given.",
            icon=":material/help:",
        )
    st.caption(
        "Anything but 0 in the first or last column withholds the verdict. "
        f"The test split has {found.leaks.test_size} pictures."
    )
