"""The Studio's way from noise: a seed's pictures, the way between two seeds, every class; then as many as wanted."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import words
from leafcore.errors import LeafError
from leafcore.flags import command_of
from leafcore.images import encode_animation, encode_png, sheet
from leafcore.noise import NoiseFacts, noise_facts
from leafcore.questions import GridQuestion, InterpolationQuestion
from leafcore.sampling import sample_question
from ui import cached, forms, show
from ui.copying import copy_as
from ui.denoising import denoising_settings
from ui.interpretation import trust
from ui.places import path_of
from ui.service import workspace

PREVIEWED = 8
STEPS = 8  # of an interpolation on the page
FRAMES = 24  # of its animation
COLUMNS = 6  # of the class grid
TRUNCATIONS = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 0.0)
LAST_SEED = 2**31 - 1
SEEDS = {"min_value": 0, "max_value": LAST_SEED, "bind": "query-params"}


def noise_box(models: Mapping[str, Checkpoint]) -> None:
    """Draw what to make of noise, what comes of it, and the button that makes a set.

    Args:
        models: By name; if there is none, where to get one is drawn.
    """
    if not models:
        st.info("No model makes pictures from noise yet. Train one, then keep an epoch.", icon=":material/grain:")
        st.page_link(path_of("train"), label="Train DCGAN", icon=":material/model_training:")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = st.selectbox("Model", list(models), key="noise_model", bind="query-params")
        facts = noise_facts(models[name])
        settings = _settings(facts)
        count = st.number_input("How many", 1, 1_000_000, 24, key="noise_n", bind="query-params")
    with right:
        st.markdown(f"noise → **{words(settings['label']) or _what(facts)}**")
        st.caption(f"{count} pictures of {facts.size_px} px, about {count * facts.size_px**2 * 2.2 / 1e6:.1f} MB.")
        with st.container(horizontal=True):
            wants_look = st.button("Preview", icon=":material/visibility:", key="noise_preview")
            wants_all = st.button(
                f"Generate {count}", type="primary", icon=":material/auto_awesome:", key="noise_generate"
            )
            values = {"checkpoint": models[name].ref, "count": count, **settings}
            copy_as("synthesize", values, "noise")
            _elsewhere(name, settings, count)
        if wants_look:
            st.session_state["noise_looks"] = True  # from then on what is changed is seen at once
        if st.session_state.get("noise_looks"):
            try:
                _look(models[name], facts, settings)
            except LeafError as error:
                st.error(str(error), icon=":material/error:")
    if wants_all:
        made = forms.queue("synthesize", values)
        if made is not None:
            st.session_state["studio_run"] = made.id


def _what(facts: NoiseFacts) -> str:
    """Return what a model makes if nothing is asked of it."""
    if len(facts.makes) > 1:
        return f"{len(facts.makes)} classes in turn"
    return words(facts.labels) or "whatever it likes"


def _settings(facts: NoiseFacts) -> dict[str, Any]:
    """Draw what is asked of the model, and return it by the names of `synthesize`."""
    label = ""
    if facts.classes:
        label = st.selectbox(
            "Label",
            ["", *facts.classes],
            format_func=lambda labels: words(labels) or "each in turn",
            key="noise_label",
            bind="query-params",
        )
    seed = st.number_input("Seed", value=0, key="noise_seed", help="Picture k of a seed is always the same.", **SEEDS)
    if facts.diffuses:
        return {"label": label or "", "seed": seed, **denoising_settings(facts)}
    truncation = st.select_slider(
        "Truncation",
        TRUNCATIONS,
        value=0.0,
        format_func=lambda limit: f"{limit:g} sd" if limit else "no limit",
        key="truncation",
        bind="query-params",
        help="Latent values beyond so many standard deviations are not drawn: less is more typical and less varied.",
    )
    return {"label": label or "", "seed": seed, "truncation": truncation}


def _look(checkpoint: Checkpoint, facts: NoiseFacts, settings: dict[str, Any]) -> None:
    """Draw the open one of three looks at the model."""
    titles = ["Samples", "Between two seeds", *(["Every class"] if facts.classes else [])]
    tabs = dict(zip(titles, st.tabs(titles, key="noise_tab", bind="query-params"), strict=True))
    named = {"checkpoint": checkpoint.ref, "weights_sha256": checkpoint.card.weights_sha256, **settings}
    with st.spinner("Making pictures…", show_time=True):
        if tabs["Samples"].open:
            with tabs["Samples"]:
                _samples(checkpoint, settings)
        if tabs["Between two seeds"].open:
            with tabs["Between two seeds"]:
                _between(checkpoint.name, named)
        if facts.classes and tabs["Every class"].open:
            with tabs["Every class"]:
                _classes(facts, named)


def _samples(checkpoint: Checkpoint, settings: dict[str, Any]) -> None:
    """Draw the first pictures of the seed, with what a classifier calls them."""
    found = cached.sample(sample_question(workspace(), checkpoint, n=PREVIEWED, **settings))
    with st.grid(4, min_column_width=80, gap="small"):
        for number, picture in enumerate(found.pictures):
            with st.container(gap=None):
                show.exact(picture, f"picture {number} of seed {settings['seed']}, {words(found.made_as[number])}")
                if found.called:
                    st.caption(f"seen as {words(found.called[number])}")
    st.caption(trust(found.interpretation))


def _between(name: str, named: dict[str, Any]) -> None:
    """Draw the way to another seed, as a strip and as an animation."""
    start = int(named["seed"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        end = st.number_input("To seed", value=min(start + 1, LAST_SEED), key="noise_end", width=160, **SEEDS)
        _way_elsewhere(name, {**named, "seed": start, "end_seed": end})
    frames = cached.noise_pictures(InterpolationQuestion(**named, end_seed=end, steps=FRAMES))
    shown = np.linspace(0, FRAMES - 1, STEPS).round().astype(int)
    strip = encode_png(_enlarged(sheet([frames[shown]])))
    st.image(strip, alt=f"{STEPS} steps from seed {start} to seed {end}", width="stretch")
    moving = encode_animation(_enlarged(frames))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.image(moving, alt=f"from seed {start} to seed {end} and back", width=192)
        for label, content, kind in (("Animation", moving, "webp"), ("Strip", strip, "png")):
            st.download_button(
                label,
                content,
                f"seeds-{start}-{end}.{kind}",
                f"image/{kind}",
                icon=":material/download:",
                key=f"noise_{kind}",
                on_click="ignore",
            )


def _way_elsewhere(name: str, asked: dict[str, Any]) -> None:
    """Draw how the same way is asked for without a browser."""
    named = {"checkpoint": name, "weights_sha256": ""}  # the name, not what it stands for now
    given = {key: value for key, value in {**asked, **named}.items() if value}
    with st.popover("Command", icon=":material/terminal:", key="noise_way_command"):
        st.code(command_of("interpolate", {**given, "to": "way.gif"}), language="bash", wrap_lines=True)
        st.code(f"GET /api/interpolate?{urlencode({**given, 'format': 'gif'})}", language="http", wrap_lines=True)


def _enlarged(pictures: np.ndarray) -> np.ndarray:
    """Return (..., H, W, 3) pictures at twice the size, without smoothing."""
    return pictures.repeat(2, -3).repeat(2, -2)


def _classes(facts: NoiseFacts, named: dict[str, Any]) -> None:
    """Draw the same noise in every class, a row each."""
    grid = cached.noise_pictures(GridQuestion(**{**named, "label": ""}, columns=COLUMNS))
    for labels, row in zip(facts.classes, grid, strict=True):
        name, pictures = st.columns([1, 4], vertical_alignment="center", gap="small")
        name.caption(words(labels))
        pictures.image(
            encode_png(_enlarged(sheet([row]))), alt=f"{COLUMNS} pictures of {words(labels)}", width="stretch"
        )


def _elsewhere(name: str, settings: dict[str, Any], count: int) -> None:
    """Draw how pictures are asked for at once, without a run."""
    given = {key: value for key, value in settings.items() if value}
    with st.popover("At once", icon=":material/bolt:"):
        query = urlencode({"checkpoint": name, "n": min(count, 256), **given})
        st.code(f"GET /api/generate?{query}", language="http", wrap_lines=True)
