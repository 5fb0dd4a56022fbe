"""The scarcity study: a dataset, a preset, Start; then what was found."""

from math import isnan

import pandas as pd
import streamlit as st

from leafcore.errors import LeafError
from leafcore.evaluate.configs import ARM_TITLES
from leafcore.evaluate.result import Estimate
from leafcore.runs import Run, open_run
from leafcore.scarcity.configs import ScarcityConfig
from leafcore.scarcity.result import STRIP, TITLES, ScarcityResult, load_steps
from ui import cached, count_charts, forms, live
from ui.choose import choose_run
from ui.interpretation import interpretation_box
from ui.places import path_of
from ui.presets import choose_preset
from ui.pseudo_labels import votes_box
from ui.service import workspace

SCORES = {"inception_score": "Inception score", "fid": "FID", "kid": "KID"}


def scarcity_box() -> None:
    """Draw how to start a study, those at work, and what the chosen one found."""
    failed = cached.runs_of("scarcity", state="failed")[:1]
    done = cached.runs_of("scarcity")
    working = live.active_runs("scarcity")
    with st.expander("New study", icon=":material/add:", expanded=not done and not working):
        _start()
    for run in working:
        live.progress_panel(run, key="scarcity")
        _links(load_steps(run.folder))
    if failed and not working and st.session_state.get("scarcity_run") == failed[0].id:
        live.progress_panel(failed[0], key="scarcity-failed")
        steps = load_steps(failed[0].folder)
        if "pseudo-label" in steps and "evaluate" not in steps:  # no picture passed: which threshold would some?
            votes_box(open_run(workspace(), steps["pseudo-label"]))
    if done:
        _found(choose_run("Study", done, "study"))


def _start() -> None:
    st.caption(
        "Keeps few pictures of each class, trains a GAN and a teacher on them, labels what the GAN makes, and "
        "compares classifiers with and without it."
    )
    preset = choose_preset(ScarcityConfig, "scarcity_preset")
    queued = forms.settings_form("scarcity", preset, submit_label="Start")
    if queued is not None:
        st.session_state["scarcity_run"] = queued.id
        st.rerun()


def _found(run: Run) -> None:
    found = ScarcityResult.model_validate(run.result())
    box = st.warning if found.withheld else st.success if found.improves else st.info
    box(found.verdict, icon=":material/gavel:")
    accepted = sum(found.accepted.values())
    with st.grid(3, min_column_width=180):
        st.metric(
            "Generated pictures that joined", f"{accepted:,} of {found.generated:,}", border=True, height="stretch"
        )
        for arm, score in found.macro_f1.items():
            st.metric(
                f"{ARM_TITLES[arm]}: macro-F1",
                f"{score.value:.3f}",
                _ends(score),
                delta_color="off",
                delta_arrow="off",
                border=True,
            )
    st.caption(f"{found.dataset} · test split: n = {found.test_images} pictures")
    titles = [
        ":material/label: Labels",
        ":material/grain: Generated",
        ":material/bar_chart: Real",
        ":material/list: Runs",
    ]
    labels, generated, real, runs = st.tabs(titles)
    with labels:
        _labels(found)
    with generated:
        _generated(run, found)
    with real:
        counts = pd.DataFrame(found.pictures).T
        st.plotly_chart(count_charts.bars(counts), key=f"left-{run.id}", alt="Pictures of each class that were left")
    with runs:
        _links(found.runs)


def _ends(score: Estimate) -> str:
    return "too few test groups" if isnan(score.low) else f"{score.low:.3f} to {score.high:.3f}"


def _labels(found: ScarcityResult) -> None:
    if "pseudo-label" not in found.runs:
        st.caption("The GAN was asked for each class, so that its pictures have labels.")
        return
    try:
        votes_box(open_run(workspace(), found.runs["pseudo-label"]))
    except LeafError as error:
        st.caption(f":material/info: {error}")


def _generated(run: Run, found: ScarcityResult) -> None:
    for name, title in SCORES.items():
        st.markdown(f"**{title}** {found.scores[name]}")
    counts = found.score_counts
    st.caption(
        f"Measured in what {found.score_backbone} makes of {counts['generated']:,} generated and {counts['real']:,} "
        "real pictures (train and val); other networks give other numbers."
    )
    if (run.folder / STRIP).exists():
        st.image(str(run.folder / STRIP), alt="From one seed to the next", width="stretch")
    if found.interpretation is not None:
        interpretation_box(found.interpretation, key=run.id)


def _links(runs: dict[str, str]) -> None:
    """Draw a link to each run of a study."""
    with st.container(horizontal=True):
        for name, run_id in runs.items():
            st.page_link(path_of("runs"), label=TITLES[name], icon=":material/list_alt:", query_params={"run": run_id})
