"""Where a version of a dataset comes from, and what was decided on the way."""

from pathlib import Path

import pandas as pd
import streamlit as st

from leafcore.data.classes import MEANING
from leafcore.data.edits import diff
from leafcore.data.manifest import Dataset, load
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
        changes = diff(load(workspace(), f"{dataset.name}@{card.parent}"), dataset)
        st.markdown(
            f"Edited from `{card.parent}`: {len(changes.removed)} removed, {len(changes.relabelled)} relabelled, "
            f"{len(changes.added)} added, {len(changes.moved)} moved to another split."
        )
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
        st.markdown(f"{len(card.skipped)} files were skipped at the import.")
        st.dataframe([{"file": file.image, "why": file.reason} for file in card.skipped])
