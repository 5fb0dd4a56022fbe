"""The health of a dataset: what was found, shown, and what a person decides about it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from leafcore.data.edits import decide, lineage, undo
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset, Decision
from leafcore.data.traits import MEANING
from leafcore.errors import LeafError
from leafcore.health import HealthReport, Twin
from ui import cached, forms, live, show
from ui.service import workspace

PER_PAGE = 4
SIZE_PX = 192


def health_box(dataset: Dataset) -> None:
    """Draw the newest health report of a version, and the way to the next."""
    working = [run for run in live.active_runs() if run.kind == "health"]
    versions = lineage(workspace(), dataset)  # what was found before a decision still holds for what is left
    done = [run for run in cached.runs_of("health") if run.record.settings["dataset"] in versions]
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Check again" if done else "Check health",
            type="secondary" if done else "primary",
            icon=":material/health_and_safety:",
            key="check_health",
            disabled=bool(working),
        ) and forms.queue("health", {"dataset": dataset.ref}):
            st.rerun()
        if dataset.card.parent and st.button(
            "Undo the last decision",
            icon=":material/undo:",
            key="undo_edit",
            help=f"Makes version {dataset.card.parent} the current one again.",
        ):
            undo(workspace(), dataset)
            st.rerun()
        st.caption("Looks for the same photograph under two names, for labels that disagree, and for odd files.")
    for run in working:
        live.progress_panel(run, key="health")
    if done:
        _draw(dataset, HealthReport.model_validate(done[0].result()))


def _draw(dataset: Dataset, report: HealthReport) -> None:
    there = set(dataset.records["image"])

    def left(twins: Sequence[Twin]) -> list[Twin]:
        return [twin for twin in twins if twin.first in there and twin.second in there]

    conflicts, identical, near = left(report.conflicts), left(report.identical), left(report.near_duplicates)
    straddling = sum(twin.straddles for twin in (*conflicts, *identical, *near))
    odd = sum(len(files) for files in report.traits.values())
    with st.container(horizontal=True):
        st.metric("Conflicts", len(conflicts), border=True, help="The same file under different labels.")
        st.metric("Identical", len(identical), border=True, help="The same file twice.")
        st.metric("Near-duplicates", len(near), border=True, help="The same photograph, saved again.")
        st.metric("Across splits", straddling, border=True, help="Pairs on different sides of a split.")
        st.metric("Odd files", odd, border=True)
        st.metric("Unreadable", len(report.skipped), border=True)
    decided = {decision.image for decision in dataset.card.decisions}
    groups = {
        f"Conflicting labels ({len(conflicts)})": conflicts,
        f"Identical ({len(identical)})": identical,
        f"Near-duplicates ({len(near)})": near,
    }
    present = {title: twins for title, twins in groups.items() if twins}
    if present:
        title = st.segmented_control("Pairs", list(present), default=next(iter(present)), required=True, key="twins")
        _draw_twins(dataset, present.get(str(title), ()), decided)
    else:
        st.success("No picture is there twice.", icon=":material/check_circle:")
    for trait, files in report.traits.items():
        with st.expander(f"{len(files)} {trait}: {MEANING.get(trait, '')}", icon=":material/report:"):
            st.dataframe([{"file": file} for file in files])
    if report.skipped:
        with st.expander(f"{len(report.skipped)} unreadable", icon=":material/broken_image:"):
            st.dataframe([{"file": file.image, "why": file.reason} for file in report.skipped])


def _draw_twins(dataset: Dataset, twins: Sequence[Twin], decided: set[str]) -> None:
    pages = -(-len(twins) // PER_PAGE)
    page = min(st.session_state.get("twin_page", 1), pages)
    for twin in twins[(page - 1) * PER_PAGE : page * PER_PAGE]:
        _draw_twin(dataset, twin, decided)
    if pages > 1:
        st.session_state["twin_page"] = page
        st.pagination(pages, key="twin_page")


def _draw_twin(dataset: Dataset, twin: Twin, decided: set[str]) -> None:
    """Draw a pair, what differs between its pictures, and what may be done about it."""
    files = (twin.first, twin.second)
    pictures = [cached.square(str(dataset.root / file), SIZE_PX) for file in files]
    difference = np.abs(pictures[0].astype(np.int16) - pictures[1]).astype(np.uint8)
    with st.container(border=True):
        columns = st.columns(3, gap="small")
        for column, file, picture, labels, split in zip(
            columns, files, pictures, twin.labels, twin.splits, strict=False
        ):
            with column:
                show.exact(picture, f"{file}: {words(labels)}")
                st.caption(f"**{words(labels)}** · {split} · {file}")
        with columns[2]:
            show.exact(difference, "Where the two differ, black where they do not")
            st.caption(f"difference · {twin.distance} of 64 bits · likeness {twin.likeness:.3f}")
        if decided & set(files):
            st.caption(":material/check: decided")
            return
        with st.container(horizontal=True):
            _choice(dataset, "Keep both", [Decision(image=twin.first, action="keep", why=f"like {twin.second}")])
            for side, (file, other) in zip(("left", "right"), (files, files[::-1]), strict=True):
                _choice(dataset, f"Exclude {side}", [Decision(image=file, action="exclude", why=f"like {other}")])
            if twin.disagrees:
                both = f"{twin.labels[0]} {twin.labels[1]}"
                _choice(
                    dataset,
                    "Both labels on the left, exclude right",
                    [
                        Decision(image=twin.first, action="relabel", labels=both, why=f"identical to {twin.second}"),
                        Decision(image=twin.second, action="exclude", why=f"identical to {twin.first}"),
                    ],
                )


def _choice(dataset: Dataset, label: str, decisions: list[Decision]) -> None:
    if st.button(label, key=f"{label}-{decisions[0].image}-{decisions[-1].image}"):
        try:
            decide(workspace(), dataset, decisions)
            st.rerun()
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
