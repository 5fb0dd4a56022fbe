"""Home: where the journey stands, what runs, what comes next."""

import streamlit as st

from leafcore.data.manifest import list_datasets
from leafcore.journey import SAMPLE, SAMPLE_CHAIN, next_step, steps
from leafcore.runs import list_runs
from ui import cached, live
from ui.places import path_of
from ui.service import workspace

st.markdown(
    "See which leaf diseases are under-represented, make convincing synthetic photographs of exactly those, "
    "and learn honestly whether they help a classifier."
)

# The rail: seven steps, ticked from what the workspace holds.
rail = steps(workspace())
upcoming = next_step(workspace())
with st.grid(7, min_column_width=100, gap="xsmall"):
    for number, step in enumerate(rail, start=1):
        with st.container(gap="xxsmall"):
            icon = ":material/check_circle:" if step.done else f":material/counter_{number}:"
            st.page_link(path_of(step.page), label=step.title, icon=icon)
            st.caption(step.does)

# What to do now.
with st.container(border=True):
    translators = cached.translators()
    has_made = any(step.done for step in rail if step.page == "studio")
    if live.sample_run() is not None:
        st.subheader("Sample leaves are being drawn")
        st.caption("Something to try everything with, until your own pictures are here.")
        st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    elif not list_datasets(workspace()):
        st.subheader("Begin with your own pictures")
        st.caption("Import a folder per class, or Plant Pathology 2021's train.csv with its images.")
        st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    elif translators and not has_made and list_datasets(workspace()) == [SAMPLE]:  # own pictures come first
        st.subheader("Try it with sample leaves")
        st.caption(
            "Drawn leaves and a trained generator are ready: make rust on healthy leaves, and take the pictures away "
            "as a ZIP. It takes a minute and needs no training."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Try with sample leaves", type="primary", icon=":material/auto_awesome:", key="try_sample"):
                st.switch_page(path_of("studio"), query_params={"ds": SAMPLE, "chain": SAMPLE_CHAIN})
            st.page_link(path_of("datasets"), label="Import your own pictures", icon=":material/upload:")
    elif upcoming is not None:
        st.subheader(f"Next: {upcoming.title}")
        st.caption(upcoming.does + ".")
        st.page_link(
            path_of(upcoming.page), label=f"Open {upcoming.page.capitalize()}", icon=":material/arrow_forward:"
        )
    else:
        st.subheader("The journey is complete")
        st.caption("Improve any step; every later step can be done again from what it makes.")

# What runs, and what has run.
active = live.active_runs()
for run in active[:4]:
    live.progress_panel(run, key="home")
ended = [run for run in list_runs(workspace()) if run not in active][:6]
if ended:
    st.subheader("Lately")
    for run in ended:
        status = run.status()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(status.state, icon=live.ICONS[status.state], color=live.COLORS[status.state])
            st.markdown(run.record.title)
            st.caption(cached.when(run))
            st.space("stretch")
            st.page_link(path_of("runs"), label="Details", query_params={"run": run.id})
