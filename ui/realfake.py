"""Real or fake, by machine: which sets, Tell apart; then what the machines say of each, and what fooled them."""

from pathlib import Path

import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.data.synthetic_sets import MAKERS
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.result import MACHINES, RealFakeResult, SetTold
from leafcore.runs import Run
from ui import cached, charts, forms, live
from ui.choose import choose_run
from ui.choose_sets import choose_sets
from ui.places import path_of
from ui.presets import choose_preset
from ui.service import workspace

SHOWN = 8  # pictures in a gallery


def realfake_box() -> None:
    """Draw how to ask the machines, those at work, and what they found."""
    st.page_link(path_of("quiz"), label="Ask people instead: Real or fake?", icon=":material/quiz:")
    sets = cached.runs_of(*MAKERS)
    if not sets:
        st.info("Machines are asked about synthetic sets.", icon=":material/smart_toy:")
        st.page_link(path_of("studio"), label="Make synthetic pictures", icon=":material/auto_awesome:")
        return
    done = cached.runs_of("realfake")
    working = live.active_runs("realfake")
    with st.expander("Ask machines", icon=":material/add:", expanded=not done and not working):
        _start(sets)
    live.follow("realfake")
    if done:
        _found(choose_run("Trial", done, "realfake"))


def _start(sets: list[Run]) -> None:
    st.caption(
        "A machine learns to tell a set from photographs, and is judged on pictures that it has not seen. All of them "
        "are brought to one size and encoded alike."
    )
    chosen = choose_sets(sets, "realfake", "realfake_sets")
    preset = choose_preset(RealFakeConfig, "realfake_preset")
    queued = forms.settings_form("realfake", preset, fixed={"synthetic": tuple(chosen)}, submit_label="Tell apart")
    if queued is not None:
        st.session_state["realfake_run"] = queued.id
        st.rerun()


def _found(run: Run) -> None:
    found = RealFakeResult.model_validate(run.result())
    bars = {
        f"{one.title}: {MACHINES[name].lower()}": (told.accuracy, told.low, told.high)
        for one in found.sets
        for name, told in one.told.items()
    }
    if bars:
        st.plotly_chart(charts.accuracies(bars), key="realfake_chart", alt="Accuracy of each machine, with intervals")
    if found.warning:
        st.warning(found.warning, icon=":material/blur_on:")
    for one in found.sets:
        with st.container(border=True):
            _told(one, key=f"{run.id}-{one.set}")
    st.caption(
        f"{found.dataset} · {found.size_px} px, JPEG of quality {found.quality} · {found.backbone} · judged on "
        "validation photographs and synthetic pictures of other groups, one of a group · exact 95% intervals"
    )


def _told(one: SetTold, key: str) -> None:
    st.markdown(f"**{one.title}**{': ' if one.labels else ''}{', '.join(map(words, one.labels))}")
    if one.withheld:
        st.caption(f":material/info: {one.withheld}")
        return
    for name, told in one.told.items():
        icon = ":material/visibility:" if told.low > 0.5 else ":material/help:"
        st.markdown(f"{icon} {MACHINES[name]}: **{told.verdict()}** · AUROC {told.auroc:.2f}")
    st.caption(f"learned from {one.learned} pictures of each kind, judged on {one.judged} of each")
    order = pd.Series(one.suspicion).sort_values()
    galleries = {
        "Most like photographs": order[order < 0.5].head(SHOWN),
        "Given away": order[order > 0.5][::-1].head(SHOWN),
    }
    shown = st.pills("Pictures", list(galleries), key=f"gallery-{key}", label_visibility="collapsed")
    if shown:
        _gallery(one, galleries[shown])


def _gallery(one: SetTold, chosen: pd.Series) -> None:
    folder = workspace().runs / one.set / "images"
    there = {name: said for name, said in chosen.items() if (folder / Path(str(name)).name).exists()}
    if not there:
        st.caption("There is none.")
        return
    st.image(
        [str(folder / str(name)) for name in there],
        caption=[f"{said:.0%} synthetic" for said in there.values()],
        alt=[f"Synthetic {name}" for name in there],
        width=120,
    )
