"""Where a run comes from, and what came of it, as links."""

import streamlit as st

from leafcore.lineage import Node, lineage_of
from leafcore.runs import Run
from ui.places import path_of
from ui.service import workspace

ICONS = {
    "dataset": ":material/photo_library:",
    "run": ":material/list_alt:",
    "checkpoint": ":material/workspace_premium:",
}


def lineage(run: Run) -> None:
    """Draw what a run was made of, the run, and what was made of it."""
    line = lineage_of(workspace(), run)
    for title, nodes in (("Made of", list(reversed(line.above))), ("Used in", line.below)):
        st.caption(title if nodes else f"{title}: nothing")
        for node in nodes:
            _link(node)


def _link(node: Node) -> None:
    page, query = {
        "dataset": ("datasets", {"ds": node.name.partition("@")[0]}),
        "run": ("runs", {"run": node.name}),
        "checkpoint": ("studio", {}),
    }[node.what]
    st.page_link(path_of(page), label=node.title, icon=ICONS[node.what], query_params=query)
