"""Pairs that show the same photograph: side by side, one by one or all at once."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from leafcore.data.fixes import exclude_conflicts, keep_both, keep_one, one_side, undecided, unite_labels
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset, Decision
from leafcore.embedding import MIN_COSINE
from leafcore.health import LOWEST_LIKENESS, HealthReport, Twin
from ui import cached, embedded, show
from ui.decisions import carry_out, decision_button

PER_PAGE = 4
SIZE_PX = 192
SMALLEST_PX = 88  # so that two and their difference stand side by side on a phone
STEP = 0.005  # of the sliders
TITLES = {
    "conflicts": "Conflicting labels",
    "identical": "Identical",
    "near": "Near-duplicates",
    "features": "Alike by features",
}
KEPT = "The one in train stays before those held out, then the larger one, then the first by name."


def pairs_box(dataset: Dataset, report: HealthReport) -> None:
    """Draw the pairs of a health report, and of an `embed` run if there is one, with what may be done about them."""
    hashed = {(twin.first, twin.second) for twin in report.near_duplicates}
    features = [twin for twin in embedded.alike(dataset) if (twin.first, twin.second) not in hashed]
    found: dict[str, Sequence[Twin]] = {
        "conflicts": report.conflicts,
        "identical": report.identical,
        "near": (*report.near_duplicates, *report.candidates),
        "features": features,
    }
    present = [kind for kind, twins in found.items() if twins]
    if not present:
        st.success("No picture is there twice.", icon=":material/check_circle:")
        return
    kind = st.segmented_control(
        "Pairs", present, default=present[0], required=True, format_func=lambda kind: TITLES[kind], key="twins"
    )
    doubtful: Sequence[Twin] = ()
    twins = found[kind] if kind in present else ()
    if kind == "near":
        lowest, most = min(LOWEST_LIKENESS, report.min_likeness), report.min_likeness
        twins, doubtful = report.at(_threshold("likeness of the thumbnails", lowest, most))
    elif kind == "features":
        lowest = np.floor(min(twin.cosine or 0.0 for twin in features) / STEP) * STEP
        threshold = _threshold("cosine of the features", float(lowest), MIN_COSINE)
        twins = [twin for twin in features if (twin.cosine or 0.0) >= threshold]
        doubtful = features[len(twins) :]
    _bulk(dataset, str(kind), twins)
    _draw(dataset, twins, doubtful)


def _threshold(of: str, lowest: float, value: float) -> float:
    """Draw the slider that says from where on two pictures are one photograph."""
    return st.slider(
        f"Same photograph from this {of}",
        lowest,
        1.0,
        min(max(value, lowest), 1.0),
        STEP,
        format="%.3f",
        key=f"min_{of.partition(' ')[0]}",
        bind="query-params",
    )


def _bulk(dataset: Dataset, kind: str, twins: Sequence[Twin]) -> None:
    """Draw what can be done about all pairs of a kind at once."""
    pairs = undecided(dataset, [(twin.first, twin.second) for twin in twins])
    with st.container(horizontal=True, vertical_alignment="center"):
        if kind == "conflicts":
            both, none = unite_labels(dataset, pairs), exclude_conflicts(pairs)
            help = f"Keeps one file of each, under all its labels; healthy gives way. {KEPT}"
            decision_button(dataset, "Give both labels", both, "bulk_unite", help=help, icon=":material/join_inner:")
            label = f"Exclude all {len(none)} pictures"
            decision_button(dataset, label, none, "bulk_conflicts", icon=":material/delete:")
        else:
            copies = keep_one(dataset, pairs)
            help = f"{KEPT} Pairs whose labels disagree are left to you."
            label = f"Keep one of each, exclude {len(copies)}"
            decision_button(dataset, label, copies, f"bulk_keep_{kind}", help=help, icon=":material/filter_1:")
        across = set(pairs) & {(twin.first, twin.second) for twin in twins if twin.straddles}
        if across and st.button(
            f"Join {len(across)} across splits in one group",
            key=f"bulk_join_{kind}",
            help="To train if a picture of the group is there, else to validation.",
            icon=":material/group_work:",
        ):
            carry_out(dataset, one_side(dataset, sorted(across)))


def _draw(dataset: Dataset, twins: Sequence[Twin], doubtful: Sequence[Twin]) -> None:
    """Draw pairs, four a page; with a threshold those next to it first, the nearest that it leaves apart above them."""
    if doubtful:
        st.caption(f"**{len(twins)}** pairs joined, {len(doubtful)} left apart. Just below the threshold:")
        _draw_twin(dataset, doubtful[0])
        if twins:
            st.caption("Just above it, and on:")
        twins = twins[::-1]
    pages = -(-len(twins) // PER_PAGE)
    page = min(st.session_state.get("twin_page", 1), max(1, pages))
    for twin in twins[(page - 1) * PER_PAGE : page * PER_PAGE]:
        _draw_twin(dataset, twin)
    if pages > 1:
        st.session_state["twin_page"] = page
        st.pagination(pages, key="twin_page")


def _draw_twin(dataset: Dataset, twin: Twin) -> None:
    """Draw a pair and what differs between its pictures."""
    files = (twin.first, twin.second)
    pictures = [cached.square(str(dataset.root / file), SIZE_PX) for file in files]
    difference = np.abs(pictures[0].astype(np.int16) - pictures[1]).astype(np.uint8)
    with st.container(border=True):
        with st.grid(3, min_column_width=SMALLEST_PX, gap="small"):
            for file, picture, labels, split in zip(files, pictures, twin.labels, twin.splits, strict=True):
                with st.container():
                    show.exact(picture, f"{file}: {words(labels)}")
                    st.caption(f"**{words(labels)}** · {split} · {file}")
            with st.container():
                show.exact(difference, "Where the two differ, black where they do not")
                cosine = "" if twin.cosine is None else f" · cosine {twin.cosine:.3f}"
                st.caption(f"difference · {twin.distance} of 64 bits · likeness {twin.likeness:.3f}{cosine}")
        if undecided(dataset, [files]):
            _choices(dataset, twin)
        else:
            st.caption(":material/check: both are kept")


def _choices(dataset: Dataset, twin: Twin) -> None:
    """Draw what can be done about a pair."""
    pair = f"{twin.first}-{twin.second}"
    with st.container(horizontal=True):
        decision_button(dataset, "Keep both", [keep_both(twin.first, twin.second)], f"keep-{pair}")
        sides = (("left", twin.first, twin.second), ("right", twin.second, twin.first))
        for side, file, other in sides:
            exclude = Decision(image=file, action="exclude", why=f"like {other}")
            decision_button(dataset, f"Exclude {side}", [exclude], f"exclude-{side}-{pair}")
        if twin.disagrees:
            both = unite_labels(dataset, [(twin.first, twin.second)])
            decision_button(dataset, "One with both labels", both, f"unite-{pair}", help=KEPT)
