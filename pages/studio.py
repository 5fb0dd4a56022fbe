"""Studio: translate train pictures through a chain, look at them, take them away as a ZIP."""

import json

import streamlit as st

from leafcore.chains import chain_labels, chain_size, masks_for, source_of
from leafcore.data.labels import words
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import LeafError
from leafcore.questions import PreviewQuestion
from leafcore.runs import Run, open_run
from ui import cached, forms, live, show
from ui.adopting import adopt_generator_box, write_weights_box
from ui.choose import choose
from ui.places import path_of
from ui.service import workspace

PREVIEWED = 4

names = cached.dataset_names()
translators = cached.translators()
if not names:
    if not live.sample_is_drawn():
        st.info("The Studio translates pictures of a dataset.", icon=":material/photo_library:")
        st.page_link(path_of("datasets"), label="Import a dataset", icon=":material/upload:")
    st.stop()
if not translators:
    st.info("No generator has been promoted yet. Train one, then keep its best epoch.", icon=":material/auto_awesome:")
    st.page_link(path_of("train"), label="Train LeafGAN", icon=":material/model_training:")
    st.page_link(path_of("epochs"), label="Pick an epoch", icon=":material/timeline:")
    adopt_generator_box()
    st.stop()

# What to make.
left, right = st.columns([2, 3], gap="large")
with left:
    chain = st.multiselect(
        "Chain of translations, in order",
        list(translators),
        default=[next(iter(translators))],
        key="chain",
        bind="query-params",
        help="Each step translates what the step before it made.",
    )
    steps = [translators[part] for part in chain]
    name = st.selectbox("Dataset", names, key="ds", bind="query-params")
    dataset = cached.dataset(name)
    trained_on = dataset.select(split="train")["labels"].value_counts()
    label_sets = list(trained_on.index)
    usual = source_of(steps[0]) if steps else ""
    source = st.selectbox(
        "Source pictures",
        label_sets,
        index=label_sets.index(usual) if usual in label_sets else 0,
        format_func=words,
        key="src",
        bind="query-params",
        help="Only pictures of the train split are used: a picture that judges must not be a source.",
    )
    available = int(trained_on[source])
    count = st.number_input("How many", 1, available, min(24, available), key="n", bind="query-params")
    seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help="Chooses the sources.")
    st.caption(f"{available} train pictures of {words(source)}; each is used at most once.")

with right:
    if not steps:
        st.info("Choose at least one translation.", icon=":material/info:")
        st.stop()
    try:
        size_px = chain_size(steps)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    result = chain_labels(source, steps)
    st.markdown(f"{words(source)} → **{words(result)}**")
    st.caption(
        f"{count} pictures of {size_px} px, about {count * size_px**2 * 2.2 / 1e6:.1f} MB. "
        "The label is the union of the source's and every step's, healthy dropped."
    )
    with st.container(horizontal=True):
        wants_preview = st.button(f"Preview {PREVIEWED}", icon=":material/visibility:", key="preview")
        wants_all = st.button(f"Generate {count}", type="primary", icon=":material/auto_awesome:", key="generate")
    question = PreviewQuestion(
        chain=tuple(step.ref for step in steps),
        weights_sha256=tuple(step.card.weights_sha256 for step in steps),
        dataset=dataset.ref,
        masks=masks_for(workspace(), dataset, steps),
        images=tuple(dataset.select(split="train", labels=source)["image"].head(PREVIEWED)),
    )
    previewed = wants_preview or cached.is_answered(question)
    if not previewed:
        st.caption("source")
        with st.grid(PREVIEWED, min_column_width=80, gap="small"):
            for image in question.images:
                show.exact(cached.square(str(dataset.root / image), size_px), f"source {image}")
    if previewed:
        try:
            with st.spinner("Translating…", show_time=True):
                pictures = cached.preview_chain(question)
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
        else:
            for stage, title in zip(pictures, ["source", *chain], strict=True):
                st.caption(title)
                with st.grid(PREVIEWED, min_column_width=80, gap="small"):
                    for number, image in enumerate(stage):
                        show.exact(image, f"{title}, picture {number + 1}")

if wants_all:
    values = {
        "chain": tuple(step.ref for step in steps),
        "dataset": dataset.ref,
        "source": source,
        "count": count,
        "seed": seed,
    }
    made = forms.queue("synthesize", values)
    if made is not None:
        st.session_state["studio_run"] = made.id


def offer(run: Run) -> None:
    """Draw a synthetic set and the way to take it away."""
    pictures = open_synthetic_set(workspace(), run.id)
    manifest = pictures.manifest
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(manifest)} pictures**, {words(manifest['labels'].iloc[0])}")
        st.caption(f"`{run.id}`")
        st.space("stretch")
        exports = [done for done in cached.runs_of("export") if done.record.settings["run"] == run.id]
        if exports:
            size = exports[0].result()["bytes"] / 1e6
            st.link_button(
                f"Download ZIP ({size:.1f} MB)",
                f"/api/runs/{exports[0].id}/zip",
                type="primary",
                icon=":material/download:",
            )
        elif st.button("Make ZIP", type="primary", icon=":material/folder_zip:", key=f"zip-{run.id}"):
            forms.queue("export", {"run": run.id})
            st.rerun()
    pages = -(-len(manifest) // show.PAGE)
    page = st.pagination(pages, key=f"made-{run.id}") if pages > 1 else 1
    rows = manifest.iloc[(page - 1) * show.PAGE : page * show.PAGE].to_dict("records")
    show.thumbnails(
        [str(pictures.folder / "images" / row["file"]) for row in rows],
        alts=[f"{row['file']}, {words(row['labels'])}, from {row['source']}" for row in rows],
    )
    with st.expander("Where these pictures come from", icon=":material/receipt_long:"):
        st.json({**rows[0], "chain": json.loads(str(rows[0]["chain"]))}, expanded=False)
        st.caption("The same recipe is inside every PNG, and a row of manifest.csv in the ZIP.")


working = [run for run in live.active_runs() if run.kind in {"synthesize", "export"}]
for run in working:
    live.progress_panel(run, key="studio")
latest = st.session_state.get("studio_run")
sets = cached.runs_of("synthesize")
for run in cached.runs_of("synthesize", "export", state="failed")[:1]:
    if latest == run.id:
        live.progress_panel(run, key="studio-failed")
if sets:
    st.subheader("Synthetic sets")
    titles = {run.id: f"{run.record.title} · {cached.when(run)}" for run in sets}
    if latest in titles:  # what was just made is what one wants to see
        st.session_state["set"] = st.session_state.pop("studio_run")
    chosen = choose("Set", titles, "set")
    with st.container(border=True):
        offer(open_run(workspace(), chosen))

adopt_generator_box()
write_weights_box(translators)
