"""The Studio's way of translating: train pictures through a chain, looked at first, then made as a set."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from leafcore.chain_steps import LABEL_RULES, LabelRule, Step
from leafcore.chains import chain_labels, chain_size, masks_for, picture_size, sizing_method
from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset, Split
from leafcore.errors import LeafError
from leafcore.plan import BYTES_PER_PIXEL
from leafcore.prompts import prompt_facts
from leafcore.questions import PreviewQuestion
from leafcore.synthesize.sources import choose_sources
from ui import cached, forms, show
from ui.adopting import adopt_generator_box
from ui.base_note import base_terms
from ui.chain_presets import save_preset_box
from ui.chain_steps import chain_box
from ui.choose import choose_dataset
from ui.copying import copy_as
from ui.places import path_of
from ui.service import workspace
from ui.strangers import stranger_note
from ui.wishes import step_settings

PREVIEWED = 4
SELDOM = (
    "size_px",
    "sizing",
    "verify",
    "min_change",
    "max_background",
    "min_contrast",
    "copy_percentile",
    "sources_from",
    "override",
)


def translate_box(names: Sequence[str], translators: Mapping[str, Checkpoint]) -> None:
    """Draw what to translate and through what, a preview of it, and the button that makes the set.

    Args:
        names: The datasets.
        translators: By name; if there is none, where to get one is drawn.
    """
    if not translators:
        st.info(
            "No generator has been promoted yet. Train one, then keep its best epoch.", icon=":material/auto_awesome:"
        )
        st.page_link(path_of("train"), label="Train LeafGAN", icon=":material/model_training:")
        st.page_link(path_of("epochs"), label="Pick an epoch", icon=":material/timeline:")
        adopt_generator_box()
        return
    note = st.container()  # as wide as the page
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = choose_dataset(names)
        dataset = cached.dataset(name)
        steps = chain_box(translators, dataset.select(split="train")["labels"].value_counts().to_dict())
        drawing = [prompt_facts(step.checkpoint) for step in steps if step.draws]
        wishes = step_settings(drawing) if drawing else {}
        named = st.container()
        place = st.container()  # sources are drawn above the split that they hang on
        settings = _settings()
        with named:
            save_preset_box(steps, settings)
        with place:
            sources = _sources(dataset, steps[0].source if steps else "", settings["sources_from"])
    with right:
        if not steps or not sources:
            st.info("Choose at least one translation, and a split with pictures.", icon=":material/info:")
            return
        settings |= sources | wishes
        with note:
            remedy = f"To compare, train LFLSeg and then a generator on {name}."
            stranger_note(dataset, [step.checkpoint for step in steps], remedy)
        try:
            size_px = picture_size(steps, settings["size_px"], settings["sizing"])
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
            return
        for base in {prompt_facts(step.checkpoint).base for step in steps if step.checkpoint.is_prompt_model}:
            base_terms(base)
        values = {"chain": tuple(step.ref for step in steps), **settings}
        wants_all = _preview(dataset, steps, values, size_px)
    if wants_all:
        made = forms.queue("synthesize", values)
        if made is not None:
            st.session_state["studio_run"] = made.id


def _settings() -> dict[str, Any]:
    """Draw what seldom changes; return it by the names of `synthesize`."""
    with st.expander("Label, size, checks and split", icon=":material/rule:"):
        values = forms.live_fields("synthesize", "label_rule", "keep_steps")
        is_custom = values["label_rule"] == "custom"
        values |= forms.live_fields("synthesize", "custom_label") if is_custom else {"custom_label": ""}
        return values | forms.live_fields("synthesize", *SELDOM)


def _sources(dataset: Dataset, usual: str, split: Split) -> dict[str, Any]:
    """Draw which pictures are translated, how many, and the seed of the choice; by the names of `synthesize`.

    Args:
        dataset: Whose they are.
        usual: What the first step was trained on.
        split: Where they are from; nothing is returned if it has no pictures.
    """
    there = dataset.select(split=split)["labels"].value_counts()
    if there.empty:
        return {}
    label_sets = list(there.index)
    source = st.selectbox(
        "Source pictures",
        label_sets,
        index=label_sets.index(usual) if usual in label_sets else 0,
        format_func=words,
        key="src",
        bind="query-params",
        help="Of the train split, unless an override is given: a picture that judges must not be a source.",
    )
    available = int(there[source])
    count = st.number_input("How many", 1, available, min(24, available), key="n", bind="query-params")
    seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help="Chooses the sources.")
    st.caption(f"{available} {split} pictures of {words(source)}; each is used at most once.")
    return {"dataset": dataset.ref, "source": source, "count": count, "seed": seed}


def _preview(dataset: Dataset, steps: Sequence[Step], values: Mapping[str, Any], size_px: int) -> bool:
    """Draw what would be made and a few sources through the chain; return whether to make all."""
    source, count = values["source"], values["count"]
    rule: LabelRule = values["label_rule"]
    labels = chain_labels(source, steps, rule, values["custom_label"])
    st.markdown(f"{words(source)} → **{words(labels) or 'no label yet'}**")
    st.caption(
        f"{count} pictures of {size_px} px, about {count * size_px**2 * BYTES_PER_PIXEL / 1e6:.1f} MB. "
        f"Label: {LABEL_RULES[rule]}."
    )
    if size_px != chain_size(steps):
        st.caption(f"Made as: {sizing_method(steps, size_px, values['sizing'])}.")
    with st.container(horizontal=True):
        wants_preview = st.button(f"Preview {PREVIEWED}", icon=":material/visibility:", key="preview")
        wants_all = st.button(f"Generate {count}", type="primary", icon=":material/auto_awesome:", key="generate")
        copy_as("synthesize", values, "translate")
    question = PreviewQuestion(
        chain=tuple(step.ref for step in steps),
        weights_sha256=tuple(step.card.weights_sha256 for step in steps),
        **{name: values[name] for name in PreviewQuestion.model_fields.keys() & values.keys() - {"chain"}},
        masks=masks_for(workspace(), dataset, steps),
        images=tuple(
            choose_sources(dataset, source, count, values["seed"], values["sources_from"])["image"].head(PREVIEWED)
        ),
    )
    if not (wants_preview or cached.is_answered(question)):
        st.caption("source")
        with st.grid(PREVIEWED, min_column_width=80, gap="small"):
            for image in question.images:
                show.exact(cached.square(str(dataset.root / image), size_px), f"source {image}")
        return wants_all
    try:
        with st.spinner("Translating…", show_time=True):
            pictures = cached.preview_chain(question)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return wants_all
    for stage, title in zip(pictures, ["source", *(step.name for step in steps)], strict=True):
        st.caption(title)
        with st.grid(PREVIEWED, min_column_width=80, gap="small"):
            for number, image in enumerate(stage):
                show.exact(image, f"{title}, picture {number + 1}")
    return wants_all
