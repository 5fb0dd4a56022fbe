"""Runs: watch what runs, stop it, resume it, see losses and samples."""

import streamlit as st

from leafcore.runs import ACTIVE, Run, list_runs, open_run
from ui import cached, charts, live, steering
from ui.choose import choose
from ui.lineage import lineage
from ui.places import path_of
from ui.queue_box import queue_box
from ui.service import workspace

GROUPS = {
    "Adversarial and discriminator": ("adversarial_ab", "adversarial_ba", "disc_a", "disc_b"),
    "Cycle, identity, background": (
        "cycle_a",
        "cycle_b",
        "identity_a",
        "identity_b",
        "background_a",
        "background_b",
    ),
}

runs = list_runs(workspace())
if not runs:
    st.info("No runs yet. What you queue on the other pages appears here.", icon=":material/list_alt:")
    st.page_link(path_of("train"), label="Train something", icon=":material/model_training:")
    st.stop()

queue_box()
steering.trash_note()
titles = {run.id: f"{run.record.title} · {run.status().state} · {cached.when(run)}" for run in runs}
run = open_run(workspace(), choose("Run", titles, "run"))
live.progress_panel(run, key="runs")
steering.more(run)
busy = run.status().state in ACTIVE

curves_tab, samples_tab, config_tab, log_tab, all_tab = st.tabs(
    [
        ":material/show_chart: Curves",
        ":material/image: Samples",
        ":material/tune: Config",
        ":material/notes: Log",
        ":material/list: All runs",
    ]
)

with curves_tab:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        log_axis = st.toggle("Logarithmic", key="logq", bind="query-params")
        smooth = st.slider("Smoothing", 1, 100, 1, key="smooth", bind="query-params", width=240)

    def curves(run_id: str) -> None:
        """Draw every scalar of a run, losses of one kind in one chart."""
        table = cached.metrics(open_run(workspace(), run_id))
        scalars = [name for name in table.columns if name not in {"time", "epoch"}]
        if not scalars:
            st.caption("Nothing has been recorded yet.")
            return
        grouped = [name for names in GROUPS.values() for name in names]
        groups = {**GROUPS, "Scores and other losses": tuple(name for name in scalars if name not in grouped)}
        for title, names in groups.items():
            present = [name for name in names if name in scalars]
            if present:
                figure = charts.curves(table, present, log=log_axis, smooth=smooth)
                st.caption(title)
                st.plotly_chart(figure, key=f"curves-{title}", alt=f"{title} of {run_id} over steps")

    st.fragment(curves, run_every=live.REFRESH if busy else None)(run.id)

with samples_tab:

    def samples(run_id: str) -> None:
        """Draw the newest sample."""
        current: Run = open_run(workspace(), run_id)
        drawn = cached.preview_epochs(current)
        newest = current.folder / "sample.jpg"
        if drawn:
            facts, _ = cached.preview(current, drawn[-1])
            st.caption(f"Epoch {drawn[-1]}. Columns: {', '.join(facts['columns'])}. Top half A → B, bottom half B → A.")
        if newest.exists():
            st.image(cached.picture(newest), alt=f"Newest sample of {run_id}", width=640)
        else:
            st.caption("No sample has been drawn yet.")

    st.fragment(samples, run_every=live.REFRESH if busy else None)(run.id)
    if cached.preview_epochs(run):
        st.page_link(
            path_of("epochs"), label="Compare epochs", icon=":material/timeline:", query_params={"erun": run.id}
        )

with config_tab:
    lineage(run)
    st.caption("The settings this run was queued with; they never change.")
    st.json(run.record.settings, expanded=True)
    st.caption(f"`{run.folder}` · code {run.record.code_version} · settings {run.record.config_hash}")

with log_tab:
    st.code(run.log() or "Nothing was printed.", language=None, height=360)

with all_tab:
    table = [
        {
            "title": each.record.title,
            "state": each.status().state,
            "done": each.status().fraction,
            "queued": cached.when(each),
            "id": each.id,
        }
        for each in runs
    ]
    st.dataframe(table, column_config={"done": st.column_config.ProgressColumn("done", format="percent")})
