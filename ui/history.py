"""Where a version of a dataset comes from, and what was decided on the way."""

from pathlib import Path

import pandas as pd
import streamlit as st

from leafcore.data.classes import MEANING
from leafcore.data.edits import diff
from leafcore.data.manifest import Dataset, load, make_current, read_card, versions
from ui import cached
from ui.service import workspace


def decision_log(dataset: Dataset) -> pd.DataFrame:
    """Return what was decided, a row per picture, with the time in UTC; empty where an old card does not say when."""
    table = pd.DataFrame([decision.model_dump() for decision in dataset.card.decisions])
    when = pd.to_datetime(table["when"].where(table["when"] > 0), unit="s", utc=True)
    return table.assign(when=when.dt.strftime("%Y-%m-%d %H:%M:%S").fillna(""))


def history_box(dataset: Dataset) -> None:
    """Draw a version's card, its difference from its parent, its decisions, and the files that were skipped."""
    card = dataset.card
    st.markdown(f"Version `{dataset.version}` of **{dataset.name}**: {card.format} from `{Path(card.source).name}`")
    split = ", ".join(f"{name} {value}" for name, value in card.settings.items() if value != "")
    policy = card.label_policy
    st.caption(f"Licence: {card.license}. Split: {split}. Labels: {policy}, {MEANING[policy]}.")
    if card.parent:
        parent = load(workspace(), f"{dataset.name}@{card.parent}")
        st.markdown(f"Edited from `{card.parent}`: {_changes(parent, dataset)}.")
    _other_versions(dataset)
    if card.decisions:
        table = decision_log(dataset)
        st.dataframe(table)
        st.download_button(
            "Decisions as CSV",
            table.to_csv(index=False),
            f"{dataset.name}-{dataset.version}-decisions.csv",
            icon=":material/download:",
            key="decisions_csv",
        )
    if card.skipped:
        files = "1 file was" if len(card.skipped) == 1 else f"{len(card.skipped):,} files were"
        st.markdown(f"{files} skipped at the import.")
        st.dataframe([{"file": file.image, "why": file.reason} for file in card.skipped])


def _changes(before: Dataset, after: Dataset) -> str:
    """Return in words how a version differs from another."""
    changes = diff(before, after)
    return (
        f"{len(changes.removed)} removed, {len(changes.relabelled)} relabelled, {len(changes.added)} added, "
        f"{len(changes.moved)} moved to another split"
    )


def _other_versions(dataset: Dataset) -> None:
    """Draw the versions there are, how one differs from this, and a way to make it the current one."""
    known = versions(workspace(), dataset.name)[::-1]
    if len(known) < 2:
        return
    titles = {
        version: f"{version} · {cached.moment(read_card(workspace(), dataset.name, version).created)}"
        for version in known
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Versions",
            known,
            known.index(dataset.version),
            format_func=lambda version: titles[version] + (" · current" if version == dataset.version else ""),
            key=f"version_of_{dataset.ref}",
            width=360,
        )
        if st.button(
            "Make this one current",
            icon=":material/history:",
            key="make_current",
            disabled=chosen == dataset.version,
            help="What a bare name means from now on. Runs keep the version that they were made with.",
        ):
            make_current(workspace(), dataset.name, chosen)
            st.rerun()
    if chosen != dataset.version:
        st.caption(f"Beside the current one: {_changes(dataset, cached.dataset(f'{dataset.name}@{chosen}'))}.")
