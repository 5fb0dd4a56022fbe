"""Masks: tune the threshold on real pictures, correct what is wrong, then save a mask set that training uses."""

import streamlit as st

from leafcore.checkpoints import open_checkpoint
from leafcore.errors import LeafError
from ui import cached, live
from ui.adopting import adopt_lflseg_box
from ui.choose import choose_dataset
from ui.heat import Looks
from ui.mask_sets import sets_box
from ui.naming import predict_box
from ui.places import path_of
from ui.seeing import see_box
from ui.service import workspace
from ui.strangers import stranger_note
from ui.teaching import teach_box, weakness_note
from ui.tuner import tuner_box

names = cached.dataset_names()
if not names:
    if not live.sample_is_drawn():
        st.info("Masks need pictures first.", icon=":material/photo_library:")
        st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    st.stop()

working = live.active_runs("lflseg", "masks")
for run in working:
    live.progress_panel(run, key="masks")

if not cached.lflseg_models():
    st.subheader("Teach a network what a leaf is")
    teach_box(bool(working))
    adopt_lflseg_box()
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    name = choose_dataset(names, width=220)
    models = cached.lflseg_models(name)
    if st.session_state.get("clf_of", name) != name:
        st.session_state.pop("clf", None)  # nobody chose it for this dataset
    st.session_state["clf_of"] = name
    model = st.selectbox(
        "LFLSeg model",
        list(models),
        format_func=models.get,
        key="clf",
        persist_state="session",
        width=300,
        help="LFLSeg tells whole leaves from parts and from other things; where it looks is where the leaf is.",
    )
dataset = cached.dataset(name)
try:
    lflseg = open_checkpoint(workspace(), model)
except LeafError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
weakness_note(lflseg)
stranger_note(dataset, [lflseg], f"To compare, train LFLSeg on {name} first: see the last tab.")

tune, sets, see, labels, teach = st.tabs(
    ["Tune", "Mask sets", "Does it see leaves?", "Name pictures", "Train LFLSeg"], key="mask_tab", bind="query-params"
)
if tune.open:
    with tune:
        # A threshold is chosen on validation pictures: those of the test split must not have a say in anything.
        looks = Looks(dataset, lflseg)
        if not looks.rows:
            st.info("This dataset has no validation picture to tune on; split it again.", icon=":material/call_split:")
            st.stop()
        try:
            with st.spinner("Looking for leaves…", show_time=True):
                looks.begin()
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
            st.stop()
        tuner_box(looks)
if sets.open:
    with sets:
        sets_box(dataset)
if see.open:
    with see:
        see_box(lflseg)
if labels.open:
    with labels:
        predict_box()
if teach.open:
    with teach:
        teach_box(bool(working))
        adopt_lflseg_box()
