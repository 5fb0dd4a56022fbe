"""The Studio's way from a prompt: what DreamBooth taught, in words, from nothing or over photographs."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from leafcore.chains import masks_of
from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import words
from leafcore.errors import LeafError
from leafcore.prompts import PromptFacts, prompt_facts, taught_together
from leafcore.questions import DrawQuestion
from leafcore.synthesize.configs import WHOLE
from leafcore.synthesize.sources import choose_sources
from ui import cached, forms, show
from ui.base_note import base_terms
from ui.copying import copy_as
from ui.places import path_of
from ui.service import workspace
from ui.wishes import wish_settings, wish_slider

PREVIEWED = 2


def prompt_box(models: Mapping[str, Checkpoint]) -> None:
    """Draw what to draw and how, a preview, and the button that makes a set.

    Args:
        models: By name; if there is none, where to get one is drawn.
    """
    if not models:
        st.info("No model draws from a prompt yet. Train one, then keep an epoch.", icon=":material/brush:")
        st.page_link(path_of("train"), label="Train DreamBooth", icon=":material/model_training:")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = st.selectbox("Model", list(models), key="prompt_model", bind="query-params")
        first = prompt_facts(models[name])
        others = [other for other in models if other != name] if first.method == "lora" else []
        also = st.multiselect("Together with", others, key="prompt_also", bind="query-params") if others else []
        chosen = [models[name], *(models[other] for other in also)]
        try:
            facts = taught_together([prompt_facts(model) for model in chosen])
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
            return
        settings = wish_settings(facts) | _sources(facts)
    with right:
        base_terms(facts.base)
        pressed = _make(chosen, facts, settings)
    if pressed:
        made = forms.queue("synthesize", {**_named(chosen), **settings})
        if made is not None:
            st.session_state["studio_run"] = made.id


def _named(chosen: list[Checkpoint]) -> dict[str, Any]:
    return {"checkpoint": chosen[0].ref, "also": tuple(model.ref for model in chosen[1:])}


def _sources(facts: PromptFacts) -> dict[str, Any]:
    """Draw what is drawn over, how many and which seed; return them by the names of `synthesize`."""
    found: dict[str, Any] = {}
    available = 1_000_000
    if facts.dataset.partition("@")[0] in cached.dataset_names():
        dataset = cached.dataset(facts.dataset)
        counts = dataset.select(split="train")["labels"].value_counts()
        source = st.selectbox(
            "Draw over", ["", *counts.index], format_func=lambda labels: words(labels) or "nothing",
            key="prompt_over", bind="query-params",
        )  # fmt: skip
        if source:
            leaf_only = st.toggle("Change the leaf only", value=True, key="prompt_leaf", bind="query-params")
            masks = masks_of(workspace(), dataset) if leaf_only else WHOLE
            available = int(counts[source])
            found = {"dataset": dataset.ref, "source": source, "masks": masks, "strength": wish_slider("strength")}
    found["count"] = st.number_input("How many", 1, available, min(8, available), key="prompt_n", bind="query-params")
    found["seed"] = st.number_input("Seed", 0, 2**31 - 1, 0, key="prompt_seed", bind="query-params")
    return found


def _make(chosen: list[Checkpoint], facts: PromptFacts, settings: dict[str, Any]) -> bool:
    """Draw what would be made, the buttons and the preview; return whether to make all."""
    count = settings["count"]
    st.markdown(f"{settings['prompt'] or facts.prompt} → **{words(facts.labels) or 'no label'}**")
    st.caption(f"{count} pictures of {facts.size_px} px; each is verified, and those that fail are kept apart.")
    with st.container(horizontal=True):
        wants_look = st.button(f"Preview {PREVIEWED}", icon=":material/visibility:", key="prompt_preview")
        wants_all = st.button(
            f"Generate {count}", type="primary", icon=":material/auto_awesome:", key="prompt_generate"
        )
        copy_as("synthesize", {**_named(chosen), **settings}, "prompt")
    try:
        question = _question(chosen, settings)
        if wants_look or cached.is_answered(question):
            _look(question)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
    return wants_all


def _question(chosen: list[Checkpoint], settings: dict[str, Any]) -> DrawQuestion:
    """Return the question for the first pictures."""
    asked = {key: value for key, value in settings.items() if key in DrawQuestion.model_fields}
    n = min(PREVIEWED, settings["count"])
    if settings.get("source"):
        dataset = cached.dataset(settings["dataset"])
        chosen_sources = choose_sources(dataset, settings["source"], settings["count"], settings["seed"])
        asked["images"] = tuple(chosen_sources["image"].head(n))
    hashes = tuple(model.card.weights_sha256 for model in chosen)
    return DrawQuestion.build(
        {**asked, "checkpoints": tuple(one.ref for one in chosen), "weights_sha256": hashes, "n": n}
    )


def _look(question: DrawQuestion) -> None:
    """Draw the pictures, over sources below these."""
    with st.spinner("Drawing…", show_time=True):
        pictures = cached.drawn(question)
    titles = ["source", "drawn over"] if question.images else ["drawn"]
    for number, title in enumerate(titles):
        st.caption(title)
        with st.grid(question.n, min_column_width=80, gap="small"):
            for index, picture in enumerate(pictures[number * question.n : (number + 1) * question.n]):
                show.exact(picture, f"{title}, picture {index + 1}")
