"""Where what a finished run made is shown: the page, and what its address carries."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from leafcore.access import signed
from leafcore.evaluate.probe_result import newest_probes
from leafcore.runs import Run
from leafcore.train.configs import is_generative
from ui import cached
from ui.places import path_of
from ui.service import workspace

CHOSEN = {  # by kind: the page that shows such a run, the key of its choice there, what else the address says
    "evaluate": ("evaluate", "cmp", {"what": "Comparison"}),
    "quality": ("evaluate", "quality", {"what": "Image quality"}),
    "realfake": ("evaluate", "realfake", {"what": "Real or fake"}),
    "scarcity": ("evaluate", "study", {"what": "Scarcity study"}),
    "synthesize": ("studio", "set", {}),
    "pseudo-label": ("studio", "set", {}),
    "predict": ("masks", "named", {"mask_tab": "Name pictures"}),
}
OF_A_DATASET = {  # the same, where what is shown is that of a dataset
    "import": ("datasets", {}),
    "render": ("datasets", {}),
    "split": ("datasets", {"tab": "Split"}),
    "scarce": ("datasets", {"tab": "Balance"}),
    "health": ("datasets", {"tab": "Health"}),
    "embed": ("datasets", {"tab": "Map"}),
    "lflseg": ("masks", {"mask_tab": "Tune"}),
    "masks": ("masks", {"mask_tab": "Mask sets"}),
    "classifier": ("masks", {"mask_tab": "Name pictures"}),
}
OF_A_RUN = {"score": ("epochs", "erun"), "report": ("evaluate", "cmp"), "export": ("studio", "set")}
DOWNLOADS = {"report": ("Download report", "report"), "export": ("Download ZIP", "zip")}  # by kind: label, file


@dataclass(frozen=True)
class Place:
    """Where something is shown: a page, and what its address carries."""

    page: str
    query: Mapping[str, str]


def place_of(run: Run) -> Place | None:
    """Return where what a finished run made is shown; None if no page shows it."""
    settings = run.record.settings
    if run.kind in CHOSEN:
        page, key, query = CHOSEN[run.kind]
        return Place(page, {**query, key: run.id})
    if run.kind in OF_A_RUN:
        page, key = OF_A_RUN[run.kind]
        return Place(page, {key: settings["run"]})
    if run.kind in OF_A_DATASET:
        page, query = OF_A_DATASET[run.kind]
        name = str(run.result().get("dataset") or settings["dataset"]).partition("@")[0]
        return Place(page, {**query, "ds": name})
    if is_generative(run.kind):
        return Place("epochs", {"erun": run.id})
    return _of_probes(run) if run.kind == "probes" else None


def _of_probes(run: Run) -> Place | None:
    """Return where probes are shown: beside the newest comparison of the same pictures, if they are the newest."""
    dataset = run.record.settings["dataset"]
    beside = next((one for one in cached.runs_of("evaluate") if one.record.settings["dataset"] == dataset), None)
    if beside is None or newest_probes(workspace(), dataset) != run:
        return None
    return Place("evaluate", {"what": "Comparison", "cmp": beside.id, "eval_tab": "Shortcuts"})


def result_buttons(run: Run) -> None:
    """Draw the way from a finished run to what it made, and the file if it is one; nothing while it is not done."""
    if run.status().state != "done":
        return
    place = place_of(run)
    if place is not None and st.button(
        "Open result", type="primary", icon=":material/arrow_forward:", key=f"result-{run.id}"
    ):
        st.switch_page(path_of(place.page), query_params=dict(place.query))
    if run.kind in DOWNLOADS:
        label, file = DOWNLOADS[run.kind]
        st.link_button(label, signed(f"/api/runs/{run.id}/{file}"), icon=":material/download:")
    if run.kind == "evaluate":
        query = {"what": "Comparison", "cmp": run.id, "eval_tab": "Learning"}
        st.page_link(path_of("evaluate"), label="Learning curves", icon=":material/show_chart:", query_params=query)
