"""Epochs: one slider over all probes; keep the epoch that convinces."""

import streamlit as st

from leafcore.checkpoints import epochs as saved_epochs
from leafcore.checkpoints import list_checkpoints, promote
from leafcore.data.labels import label_set
from leafcore.errors import LeafError
from leafcore.runs import ACTIVE
from ui import cached, live, show
from ui.choose import choose
from ui.places import path_of
from ui.service import workspace

HEADS = {"input": "Input", "mask": "Mask", "fake": "Fake", "reconstruction": "Reconstruction", "identity": "Identity"}

runs = {run.id: run for run in cached.trained_runs("leafgan", "cyclegan")}
if not runs:
    st.info("No translation has been trained yet; its epochs will appear here.", icon=":material/timeline:")
    st.page_link(path_of("train"), label="Train LeafGAN", icon=":material/model_training:")
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    titles = {run.id: f"{run.record.title} · {cached.when(run)}" for run in runs.values()}
    chosen = choose("Run", titles, "erun", width=420)
    direction = st.segmented_control(
        "Direction", ["A → B", "B → A"], default="A → B", required=True, key="direction", bind="query-params"
    )
run = runs[chosen]
if run.status().state in ACTIVE:
    live.progress_panel(run, key="epochs")
drawn = cached.preview_epochs(run)
settings = run.record.settings
if not drawn:
    st.info("The first epoch of this run has not been drawn yet.", icon=":material/hourglass_empty:")
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    if len(drawn) > 1:
        epoch = st.select_slider("Epoch", drawn, value=drawn[-1], key="epoch", bind="query-params")
    else:
        epoch = drawn[-1]
        st.caption("Only one epoch has been saved so far.")

facts, sheet = cached.preview(run, epoch)
wanted = "ab" if direction == "A → B" else "ba"
rows = [index for index, row in enumerate(facts["rows"]) if row["direction"] == wanted]
with st.container(border=True):
    columns = st.columns(len(facts["columns"]), gap="small", wrap=False)
    for number, (column, name) in enumerate(zip(columns, facts["columns"], strict=True)):
        with column:
            st.caption(HEADS.get(name, name))
            for row in rows:
                alt = f"{name} of {facts['rows'][row]['image']} at epoch {epoch}"
                show.exact(show.cut(sheet, row, number, facts["size_px"]), alt)
st.caption("Probes are validation pictures; they are the same at every epoch.")

with st.container(border=True):
    st.subheader("Keep this epoch")
    pair = f"{label_set(settings['a'])}-to-{label_set(settings['b'])}".replace(" ", "-")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", pair, key=f"promote_name_{run.id}", width=320)
        pressed = st.button(
            f"Use epoch {epoch}",
            type="primary",
            icon=":material/workspace_premium:",
            key="promote",
            disabled=epoch not in saved_epochs(run.folder),
            help="Copies the weights under this name; the Studio then offers them.",
        )
    own = {checkpoint.name: checkpoint.card for checkpoint in list_checkpoints(workspace()) if not checkpoint.shipped}
    replaces = name in own and st.checkbox(
        f"Replace {name}, which is epoch {own[name].epoch} of another run"
        if own[name].run != run.id
        else f"Replace {name}, which is epoch {own[name].epoch} of this run",
        key="promote_replace",
    )
    if pressed:
        try:
            checkpoint = promote(workspace(), run.id, name, epoch=epoch, replace=replaces)
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
        else:
            st.success(
                f"{checkpoint.name} is epoch {epoch} of this run; weights {checkpoint.card.weights_sha256[:12]}.",
                icon=":material/check_circle:",
            )
            st.page_link(path_of("studio"), label="Use it in the Studio", icon=":material/auto_awesome:")
