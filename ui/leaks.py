"""The leak banner: what lies on two sides of a split, and what models have seen of the pictures held out."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from leafcore.alike import found_by
from leafcore.audit import Audit, Exposure, Model, audit, models_of
from leafcore.data.fixes import one_side, to_train, undecided
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset, Split
from leafcore.runs import Run
from ui import cached, service, show
from ui.decisions import carry_out

MODELS = 3  # that are named; the others are counted
PAGE = 24
WORDS: dict[Split, str] = {"test": "test", "val": "validation"}


def leak_banner(dataset: Dataset) -> None:
    """Draw what leaks from one split into another, the pictures, and what mends it; nothing if nothing leaks."""
    report = cached.newest_health(dataset)
    found = _audit(dataset, report)
    if found.is_clean:
        return
    pairs = found_by(report)
    with st.container(border=True):
        st.error(f"**This split leaks.** {_headline(found)}", icon=":material/water_drop:")
        if found.straddles.clusters:
            _straddles(dataset, found, pairs)
        for number, exposure in enumerate(found.exposures[:MODELS]):
            _exposure(dataset, found, exposure, number)
        if len(found.exposures) > MODELS:
            st.caption(f"And {len(found.exposures) - MODELS} more models.")
        looked_at = st.expander("Look at them", icon=":material/photo_library:", key="leak_look", on_change="rerun")
        if looked_at.open:
            with looked_at:
                _gallery(dataset, found)


# --- what leaks -------------------------------------------------------------------------------------------------------


def _audit(dataset: Dataset, report: Run | None) -> Audit:
    decided = dataset.card.decisions[-1].when if dataset.card.decisions else 0.0
    models = models_of(service.workspace())
    key = tuple((model.title, str(model.folder), model.changed_ns) for model in models)
    return _cached_audit(dataset, dataset.ref, decided, key, report.id if report else "", report)


@st.cache_data(max_entries=16, show_spinner="Looking for leaks")
def _cached_audit(
    _dataset: Dataset,
    ref: str,
    decided: float,
    models: tuple[tuple[str, str, int], ...],
    report_id: str,
    _report: Run | None,
) -> Audit:
    """Return the audit of a version; what could change it is in the key."""
    del ref, decided, report_id
    return audit(_dataset, [Model(title, Path(folder), ns) for title, folder, ns in models], found_by(_report))


def _headline(found: Audit) -> str:
    parts = []
    if found.straddles.clusters:
        images, clusters = len(found.straddles.images), len(found.straddles.clusters)
        parts.append(f"{images} pictures of {clusters} photographs or groups lie on two sides.")
    if found.exposures:
        number = len(found.exposures)
        parts.append(f"{number} {'model has' if number == 1 else 'models have'} seen pictures that are held out.")
    return " ".join(parts)


# --- what mends it ----------------------------------------------------------------------------------------------------


def _straddles(dataset: Dataset, found: Audit, pairs: Sequence[tuple[str, str]]) -> None:
    straddles = found.straddles
    counts = {
        "groups": straddles.groups,
        "files under several names": straddles.files,
        "near-duplicate pairs": straddles.pairs,
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        named = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        st.markdown(f"**On two sides**: {named}", width="stretch")
        if st.button(
            "Move to one side",
            type="primary",
            icon=":material/healing:",
            key="leak_one_side",
            help="Writes a new version: to train if a picture of the group is there, else to validation.",
        ):
            there = set(straddles.images)
            joined = [pair for pair in (*dataset.card.alike, *pairs) if there.issuperset(pair)]
            carry_out(dataset, one_side(dataset, undecided(dataset, joined)))


def _exposure(dataset: Dataset, found: Audit, exposure: Exposure, number: int) -> None:
    """Draw what a model has seen, and the button that moves it to train, where a model may have seen it."""
    seen = [
        f"{len(images)} of {found.sizes[split]} {WORDS[split]}" for split, images in exposure.images.items() if images
    ]
    roles = sorted({role for counts in exposure.counts.values() for role in counts})
    emptied = [
        WORDS[split] for split, images in exposure.images.items() if images and len(images) == found.sizes[split]
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        said = f"**{exposure.model}** has seen {' and '.join(seen)} pictures"
        st.markdown(said, help=f"As {', '.join(roles)}.", width="stretch")
        if st.button(
            "Move them to train",
            icon=":material/move_group:",
            key=f"leak_train_{number}",
            disabled=bool(emptied),
            help=f"No {emptied[0]} picture would be left: make a new split, or train the model again."
            if emptied
            else f"Writes a new version. {_loses(dataset, exposure)}",
        ):
            images = [image for split in exposure.images.values() for image in split]
            carry_out(dataset, to_train(dataset, images, f"seen by {exposure.model}"))


def _loses(dataset: Dataset, exposure: Exposure) -> str:
    """Say what the test split would still be good for."""
    tests = dataset.records[dataset.records["split"] == "test"]
    left = tests[~tests["image"].isin(exposure.images["test"])]
    gone = sorted(set(tests["labels"]) - set(left["labels"]))
    named = f"; none of {', '.join(words(labels) for labels in gone)}" if gone else ""
    return f"{len(left)} test pictures stay{named}."


# --- the pictures -----------------------------------------------------------------------------------------------------


def _gallery(dataset: Dataset, found: Audit) -> None:
    sources: dict[str, tuple[str, ...]] = {}
    if found.straddles.clusters:
        sources["On two sides"] = found.straddles.images
    for exposure in found.exposures:
        sources[exposure.model] = tuple(image for images in exposure.images.values() for image in images)
    names = list(sources)
    name = st.selectbox("Which", names, key="leak_which", width=400) if len(names) > 1 else names[0]
    images = sources[str(name)]
    pages = -(-len(images) // PAGE)
    page = st.pagination(pages, key="leak_page") if pages > 1 else 1
    shown = list(images[(page - 1) * PAGE : page * PAGE])
    records = dataset.records[dataset.records["image"].isin(shown)].set_index("image").loc[shown]
    show.thumbnails(
        [cached.thumbnail(dataset.root / image, records.at[image, "sha256"]) for image in shown],
        alts=[f"{Path(image).name}: {words(records.at[image, 'labels'])}" for image in shown],
        captions=[f"{words(records.at[image, 'labels'])} · {records.at[image, 'split']}" for image in shown],
    )
