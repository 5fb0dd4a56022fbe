"""Masks: tune the threshold on real pictures, then save a mask set that training uses."""

import numpy as np
import streamlit as st

from leafcore.checkpoints import open_checkpoint
from leafcore.data.labels import words
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import LeafError
from leafcore.images import overlay_mask
from leafcore.masks.configs import DELTA
from leafcore.masks.maps import heat_overlay, threshold
from leafcore.questions import LookQuestion
from ui import cached, forms, live, show
from ui.adopting import adopt_box
from ui.places import path_of
from ui.service import workspace

SHOWN, SIZE_PX = 12, 256
CLASSES = ("full leaf", "partial leaf", "non-leaf")

names = cached.dataset_names()
if not names:
    if not live.sample_is_drawn():
        st.info("Masks need pictures first.", icon=":material/photo_library:")
        st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    st.stop()

models = cached.lflseg_models()
working = [run for run in live.active_runs() if run.kind in {"lflseg", "masks"}]
for run in working:
    live.progress_panel(run, key="masks")

if not models:
    st.subheader("Teach a network what a leaf is")
    st.caption(
        "LFLSeg learns to tell whole leaves from parts and from other things. Where it looks when it says "
        "“whole leaf” is the mask. With the draft preset this takes some minutes on a CPU."
    )
    presets = ["smoke", "draft", "paper"]
    preset = st.segmented_control("Preset", presets, default="draft", required=True, key="lfl_preset")
    if not working and forms.settings_form("lflseg", str(preset), submit_label="Train LFLSeg") is not None:
        st.rerun()
    adopt_box()
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    name = st.selectbox("Dataset", names, key="ds", bind="query-params", width=190)
    model = st.selectbox(
        "LFLSeg model", list(models), format_func=models.get, key="clf", persist_state="session", width=220
    )
    dataset = cached.dataset(name)
    label = st.selectbox(
        "Show",
        ["all", *dataset.label_sets],
        format_func=words,
        key="cls",
        bind="query-params",
        width=170,
    )
    view = st.segmented_control("View", ["Mask", "Heat map", "Photo"], default="Mask", required=True, key="mask_view")

# A threshold is chosen on validation pictures: those of the test split must not have a say in anything.
records = dataset.select(split="val", labels=None if label == "all" else label)
if records.empty:
    st.info("No validation picture is like that; choose another label set.", icon=":material/filter_alt_off:")
    st.stop()
order = np.random.default_rng(0).permutation(len(records))  # twelve of all kinds, not twelve neighbours
pages = -(-len(records) // SHOWN)
page = min(st.session_state.get("mask_page", 1), pages)
rows = dataset.rows(records.iloc[np.sort(order[(page - 1) * SHOWN : page * SHOWN])])

try:
    lflseg = open_checkpoint(workspace(), model)
    question = LookQuestion(
        model=lflseg.ref,
        weights_sha256=lflseg.card.weights_sha256,
        dataset=dataset.ref,
        images=tuple(row["image"] for row in rows),
    )
    with st.spinner("Looking for leaves…", show_time=True):
        maps, probabilities = cached.look(question)
except LeafError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()


@st.fragment
def tuner() -> None:
    """Draw the slider and the twelve pictures; a move redraws only these."""
    delta = st.slider(
        "Threshold delta",
        0.0,
        1.0,
        DELTA,
        0.01,
        key="thr",
        bind="query-params",
        help="A pixel is leaf where the heat map reaches this. Lower takes more; the paper uses 0.35.",
    )
    pictures, captions = [], []
    for row, cam, seen in zip(rows, maps, probabilities, strict=True):
        photo = cached.square(str(dataset.root / row["image"]), SIZE_PX)
        mask = threshold(cam, delta, SIZE_PX, SIZE_PX)
        drawn = {"Mask": overlay_mask(photo, mask), "Heat map": heat_overlay(photo, cam), "Photo": photo}
        pictures.append(drawn[str(view)])
        flag = "" if seen.argmax() == 0 else f" · :orange[{CLASSES[seen.argmax()]}?]"
        captions.append(f"{mask.mean():.0%} leaf{flag}")
    alts = [f"{row['image']}, {row['labels']}: {view} at delta {delta:g}" for row in rows]
    show.tiles(pictures, alts, captions, columns=6)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Save mask set",
            type="primary",
            icon=":material/save:",
            key="save_masks",
            help="Makes a mask for every picture of the dataset with this threshold.",
        ):
            saved = forms.queue("masks", {"dataset": dataset.ref, "model": lflseg.ref, "delta": delta})
            if saved is not None:
                st.rerun()
        st.caption(
            f"{len(dataset.records)} masks at delta {delta:g}, with {models[model]}. Shown are validation pictures."
        )


tuner()
if pages > 1:
    st.session_state["mask_page"] = page
    st.pagination(pages, key="mask_page")

adopt_box()

saved_sets = cached.runs_of("masks")
if saved_sets:
    st.subheader("Mask sets")
    for run in saved_sets:
        card = open_mask_set(workspace(), run.id).card
        overlap = "".join(
            f" · {split}: IoU {part.mask_iou:.2f} with the exact masks (n = {part.images})"
            for split, part in card.overlaps.items()
            if split != "test"
        )
        with st.expander(f"{card.dataset} · delta {card.delta:g} · {cached.when(run)}", icon=":material/content_cut:"):
            st.caption(f"`{run.id}` · {card.images} masks · {card.mean_area:.0%} leaf on average{overlap}")
            if (run.folder / "sample.jpg").exists():
                st.image(str(run.folder / "sample.jpg"), alt=f"Twelve masks of {run.id}")
