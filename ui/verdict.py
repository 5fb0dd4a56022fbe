"""What a pre-flight found: how long, how much memory and disk, and what to change if it does not fit."""

import streamlit as st

from leafcore.data.labels import words
from leafcore.errors import LeafError
from leafcore.preflight import PreflightResult
from leafcore.progress import duration, size
from leafcore.runs import Run, open_run
from leafcore.train.configs import RECIPES
from leafcore.train.trying import change_words
from ui import live
from ui.launching import check
from ui.places import path_of
from ui.service import workspace

UNKNOWN = {"time": ":material/hourglass:", "base": ":material/download:"}  # what leaves open whether a run fits


def verdicts_box() -> None:
    """Draw the pre-flights that the address names: how they go, then what they found."""
    for run_id in st.query_params.get_all("check"):
        try:
            run = open_run(workspace(), run_id)
        except LeafError:
            continue  # deleted meanwhile
        if run.status().state == "done" and run.result():
            with st.container(border=True):
                _verdict(run, PreflightResult.model_validate(run.result()))
        else:
            live.progress_panel(run, key="check")


def is_checking() -> bool:
    """Whether a pre-flight that the address names still runs or waits."""
    checked = set(st.query_params.get_all("check"))
    return any(run.id in checked for run in live.active_runs())


def _verdict(run: Run, result: PreflightResult) -> None:
    title = run.record.title.removeprefix("Check: ")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{title}**")
        if result.fits:
            st.badge("fits", icon=":material/check_circle:", color="green")
        elif _is_unknown(result):
            st.badge("not known", icon=":material/help:", color="orange")
        else:
            st.badge("does not fit", icon=":material/block:", color="red")
        if result.queued:
            st.page_link(
                path_of("runs"),
                label="Queued: watch it",
                icon=":material/list_alt:",
                query_params={"run": result.queued},
            )
    for problem in result.problems:
        draw = st.warning if problem.code in UNKNOWN else st.error
        draw(problem.message, icon=UNKNOWN.get(problem.code, ":material/block:"))
    if result.fix is not None:
        settings = run.record.settings
        if st.button(
            f"Use {change_words(result.fix.settings)}",
            type="primary",
            icon=":material/build:",
            key=f"fix-{run.id}",
            help="Checks it with these settings, then queues it.",
        ):
            config = RECIPES[result.recipe].config.build({**settings["settings"], **result.fix.settings})
            check(result.recipe, [config])
        st.caption(result.fix.text)
    elif _is_unknown(result):
        smaller = "Choose smaller pictures or a smaller network, or queue" if _lacks(result, "time") else "Queue"
        st.caption(f"{smaller} it without checking.")
    elif not result.fits:
        st.caption("Nothing smaller was found to fit: free some memory or disk, or choose a smaller network.")
    _figures(result)


def _figures(result: PreflightResult) -> None:
    """Draw what was measured and what follows from it."""
    measured, foreseen = result.measured, result.forecast
    if measured is not None and foreseen is not None:
        about = "about " if measured.is_estimate else ""  # worked out from smaller steps
        shown: list[tuple[str, str, str]] = [
            ("Time", duration(foreseen.eta_s), f"{foreseen.steps:,} steps of {about}{_step(measured.step_s)}"),
            ("Memory", about + size(measured.memory_bytes), f"of {size(measured.free_bytes)}, {measured.device}"),
            ("Disk", size(foreseen.disk_bytes), f"of {size(result.free_disk_bytes)}, "
             f"{foreseen.checkpoints} checkpoints"),
        ]  # fmt: skip
        with st.grid(3, min_column_width=160):
            for label, value, note in shown:
                with st.container(gap=None):
                    st.metric(label, value)
                    st.caption(note)
        loading = {"loading": foreseen.loading_s - measured.drawing_s, "prior pictures": measured.drawing_s}
        parts = {name: seconds for name, seconds in loading.items() if seconds > 0}
        parts |= {"steps": foreseen.stepping_s, "scores": foreseen.scoring_s, "samples": foreseen.sampling_s}
        split = [f"{name} {duration(seconds)}" for name, seconds in {**parts, "saving": foreseen.saving_s}.items()]
        st.caption("Time: " + "  ·  ".join(split))
    pictures = ", ".join(f"{words(labels)} {count:,}" for labels, count in list(result.pictures.items())[:6])
    st.caption(f"Train pictures: {pictures}  ·  License: {result.license}")


def _is_unknown(result: PreflightResult) -> bool:
    return bool(result.problems) and all(problem.code in UNKNOWN for problem in result.problems)


def _lacks(result: PreflightResult, code: str) -> bool:
    return any(problem.code == code for problem in result.problems)


def _step(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)
