"""The threshold, live: a slider under the areas that it makes, and the pictures that deserve a look first."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from leafcore.data.labels import words
from leafcore.data.mask_sets import Refinement
from leafcore.images import encode_jpeg
from leafcore.masks.configs import DELTA
from leafcore.masks.corrections import Correction
from leafcore.masks.tuning import Plateau, in_order, otsu, percentile, plateau, step_of
from leafcore.progress import duration
from ui import cached, mask_charts
from ui.correcting import CHOSEN, Draft, correct_panel, open_panel
from ui.fitting import best_delta, fit_scores
from ui.heat import Heat, Looks
from ui.mask_controls import Choice, draw_controls
from ui.mask_saving import begin_as_saved, save_row
from ui.mask_tiles import draw, mask_of

SHOWN, SIDE = 12, 256
CLASSES = ("full leaf", "partial leaf", "non-leaf")
HALF = 0.5  # the percentile that is offered
ON_THE_CHART = (
    "Lines: the share of the picture that is leaf, on average; the thick one of all pictures shown, each thin one of a "
    "label set. Dotted: the thresholds of the buttons above. Orange: the threshold now. Shaded: the stable range "
    "(plateau), where masks hardly change with the threshold: a little more or less heat makes the same mask."
)


def tuner_box(looks: Looks) -> None:
    """Draw the tuner; while pictures are still looked at it is drawn anew every second with those that have come."""
    begin_as_saved(looks.dataset)
    busy = not looks.known().is_complete and looks.ahead().failure is None
    st.fragment(_tuner, run_every="1s" if busy else None)(looks, busy)


def _tuner(looks: Looks, was_busy: bool) -> None:
    known = looks.known()
    if not known.is_complete:
        _progress(looks, known, was_busy)
    elif was_busy:
        st.rerun()
    draft = Draft.of(looks.dataset, looks.lflseg)
    corrections = draft.load()
    choice = draw_controls([row["labels"] for row in looks.rows])
    heat = known.of(choice.labels)
    if not heat.rows:
        st.info("No picture like that was looked at yet.", icon=":material/filter_alt_off:")
        return
    delta = _threshold(looks, heat, choice, corrections)
    ordered = _sorted(looks, heat, choice, delta)
    chosen = st.session_state.get(CHOSEN)
    rows = {row["image"]: index for index, row in enumerate(heat.rows)}
    if chosen in rows:
        index = rows[chosen]
        names = [heat.rows[place]["image"] for place in ordered]
        correct_panel(draft, looks.dataset.root, heat.rows[index], heat.maps[index], delta, choice.refinement, names)
    else:
        _grid(looks, heat, ordered, choice, delta, corrections)
    save_row(looks, known, delta, choice.refinement, corrections)


def _progress(looks: Looks, known: Heat, was_busy: bool) -> None:
    ahead = looks.ahead()
    if ahead.failure is not None:
        if was_busy:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.error(str(ahead.failure), icon=":material/error:")
            if st.button("Try again", key="look_again", icon=":material/refresh:"):
                looks.retry()
                st.rerun()
        return
    left = "" if ahead.left_s is None else f", about {duration(ahead.left_s)} left"
    st.progress(len(known.rows) / known.total, text=f"Looking for leaves: {len(known.rows)} of {known.total}{left}")


# --- the threshold ----------------------------------------------------------------------------------------------------


def _threshold(looks: Looks, heat: Heat, choice: Choice, corrections: Mapping[str, Correction]) -> float:
    """Draw the slider under the areas at every delta, the presets above, the areas at this one beside."""
    marks = {"paper": DELTA, "Otsu": otsu(heat.curves), f"P{HALF * 100:g}": percentile(heat.curves, HALF)}
    scores = fit_scores(looks, heat, corrections)
    left, right = st.columns([5, 2], gap="medium")
    with left:
        references = sum(bool(row["mask"]) or row["image"] in corrections for row in heat.rows)
        what = _presets(marks, best_delta(scores) if scores else None, references)
        chart = st.container()
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
        flat = plateau(heat.curves)
        if flat is not None:
            st.caption(stability(flat, delta, is_refined=not choice.refinement.is_plain), help=ON_THE_CHART)
    by_class = {} if choice.labels else heat.by_class()
    with chart:
        if what == "Fit" and scores:
            figure = mask_charts.fit_by_delta(scores, best_delta(scores), delta)
            alt = f"Fit to {references} masks of reference at every delta; best at {best_delta(scores):g}"
        else:
            figure = mask_charts.area_by_delta(by_class, heat.curves.mean(0), flat, marks, delta)
            alt = f"Mean area of {len(heat.rows)} masks at every delta"
        st.plotly_chart(figure, key="by_delta", alt=alt, config={"displayModeBar": False})
    with right:
        shares = heat.curves[:, step_of(delta)]
        st.plotly_chart(
            mask_charts.areas(shares),
            key="areas",
            alt=f"Areas of {len(shares)} masks at delta {delta:g}",
            config={"displayModeBar": False},
        )
        fit = f" Fit to {references} exact or corrected masks." if scores else ""
        st.caption(f"n = {len(heat.rows)} validation pictures; {shares.mean():.0%} leaf on average.{fit}")
    return delta


def stability(flat: Plateau, delta: float, *, is_refined: bool) -> str:
    """Return whether a threshold lies where masks are stable, and what to do if it does not."""
    if flat.low <= delta <= flat.high:
        return f"Stable from {flat.low:.2f} to {flat.high:.2f}: there, masks hardly change with the threshold."
    middle = (flat.low + flat.high) / 2
    else_refine = "" if is_refined else ", or Refine"
    stable = f"the stable range {flat.low:.2f} to {flat.high:.2f}"
    return f"{delta:.2f} is outside {stable}: try the middle, {middle:.2f}{else_refine}."


def _presets(marks: Mapping[str, float], best: float | None, references: int) -> str:
    """Draw a button per preset and, where there are masks of reference, what the chart shows; return that."""
    helps = {
        "paper": f"What the LeafGAN paper uses for its pictures: {DELTA:g}.",
        "Otsu": "Otsu's method: divides the heat of these pictures best in two, into leaf and the rest.",
        f"P{HALF * 100:g}": f"A percentile: masks cover {HALF:.0%} of a picture on average.",
        "best fit": f"Fits {references} exact or corrected masks best.",
    }
    named = {**marks, **({"best fit": best} if best is not None else {})}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, value in named.items():
            st.button(
                f"{name} {value:.2f}",
                key=f"preset_{name.replace(' ', '_')}",
                help=helps[name],
                on_click=lambda value=value: st.session_state.update(thr=value),
            )
        if best is None:
            return "Area"
        return str(
            st.segmented_control(
                "Chart",
                ["Area", "Fit"],
                default="Area",
                required=True,
                key="mask_chart",
                label_visibility="collapsed",
            )
        )


# --- what is drawn ----------------------------------------------------------------------------------------------------


def _sorted(looks: Looks, heat: Heat, choice: Choice, delta: float) -> Sequence[int]:
    """Return the order of the pictures; it stays as it is while the slider moves, so that eyes can stay on a picture.

    The button that sorts again appears once the threshold is another one.
    """
    what = (looks.dataset.ref, looks.lflseg.ref, choice.order, choice.labels)
    if st.session_state.get("mask_sorted_what") != what:
        st.session_state["mask_sorted_what"] = what
        _sort_at(delta)
    sorted_at = st.session_state["mask_sorted_at"]
    if sorted_at != delta:
        st.button(
            f"Sorted at {sorted_at:.2f}; sort again",
            key="sort_again",
            type="tertiary",
            icon=":material/sort:",
            on_click=_sort_at,
            args=(delta,),
        )
    order: list[int] = in_order(choice.order, heat.curves, heat.probabilities, sorted_at).tolist()
    return order


def _sort_at(delta: float) -> None:
    st.session_state["mask_sorted_at"] = delta
    st.session_state.pop("mask_page", None)


def _grid(
    looks: Looks,
    heat: Heat,
    ordered: Sequence[int],
    choice: Choice,
    delta: float,
    corrections: Mapping[str, Correction],
) -> None:
    pages = -(-len(ordered) // SHOWN)
    page = st.session_state.get("mask_page", 1)
    if page > pages:
        del st.session_state["mask_page"]
        page = 1
    shown = ordered[(page - 1) * SHOWN : page * SHOWN]
    with st.grid(3 if choice.beside else 6, min_column_width=240 if choice.beside else 120, gap="small"):
        for index in shown:
            with st.container(gap="xxsmall"):
                _tile(looks, heat, index, choice, delta, corrections.get(heat.rows[index]["image"]))
    viewed: set[tuple[str, str]] = st.session_state.setdefault("mask_viewed", set())
    viewed.update((looks.lflseg.ref, heat.rows[index]["image"]) for index in shown)
    if pages > 1:
        st.pagination(pages, key="mask_page")


def _tile(looks: Looks, heat: Heat, index: int, choice: Choice, delta: float, correction: Correction | None) -> None:
    row, cam = heat.rows[index], heat.maps[index]
    image = row["image"]
    photo = cached.square(str(looks.dataset.root / image), SIDE)
    source = f"{image}@{looks.lflseg.card.weights_sha256}"
    mask = mask_of(photo, cam, delta, choice.refinement, correction, source)
    drawn = draw(photo, cam, mask, choice.view)
    if choice.beside:
        plain = draw(photo, cam, mask_of(photo, cam, delta, Refinement(), None, source), choice.view)
        drawn = np.concatenate([plain, np.full((SIDE, 4, 3), 128, np.uint8), drawn], axis=1)
    alt = f"{image}, {words(row['labels'])}: {choice.view} at delta {delta:g}"
    st.image(encode_jpeg(drawn, 90), alt=alt, width="stretch")
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        st.caption("  \n".join([f"{mask.mean():.0%} leaf", *_flags(heat.probabilities[index], correction)]))
        st.button(
            "",
            icon=":material/draw:",
            key=f"fix-{image}",
            type="tertiary",
            help="Correct this mask by hand",
            on_click=open_panel,
            args=(image,),
        )


def _flags(seen: np.ndarray, correction: Correction | None) -> list[str]:
    if correction is not None:
        return [":green-badge[corrected]"]
    return [] if seen.argmax() == 0 else [f":orange-badge[{CLASSES[seen.argmax()]}?]"]
