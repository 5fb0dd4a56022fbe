"""The chain builder: what the present generators can make, the steps in order, how strongly and where each works."""

from collections.abc import Mapping

import streamlit as st

from leafcore.chain_steps import How, Step
from leafcore.chains import Way, all_steps, suggestions
from leafcore.checkpoints import Checkpoint
from leafcore.data.labels import words
from ui.chain_presets import choose_preset

WHERE = {"": "Trained", "leaf": "Leaf", "all": "All over"}


def chain_box(translators: Mapping[str, Checkpoint], counts: Mapping[str, int]) -> list[Step]:
    """Draw the steps of a chain, and return them.

    Args:
        translators: By name; at least one.
        counts: Train pictures per label set.
    """
    known = {step.name: step for step in all_steps(translators.values())}
    choose_preset(known)
    _suggest(suggestions(counts, [one for one in translators.values() if one.is_translator]))
    chosen = st.multiselect(
        "Chain of translations, in order",
        list(known),
        default=[min(known.values(), key=lambda step: step.checkpoint.shipped).name],  # one's own, if there is one
        key="chain",
        bind="query-params",
        help="Each step translates what the step before it made. :back goes the other way, such as from rust to "
        "healthy.",
    )
    steps = [known[name] for name in chosen]
    if not steps:
        return []
    st.caption(f":material/route: {' → '.join(chosen)}")  # a narrow page cuts the names in the box
    with st.expander("Order, strength and place of each step", icon=":material/tune:"):
        return [_step(step, number, len(steps)) for number, step in enumerate(steps)]


def _suggest(ways: Mapping[str, Way]) -> None:
    """Draw a choice of chains, which fills in steps and sources."""
    if not ways:
        return
    st.selectbox(
        "Make",
        list(ways),
        index=None,
        format_func=lambda labels: f"{words(labels)}: {words(ways[labels].source)} by {' → '.join(ways[labels].chain)}",
        placeholder="Suggested chains",
        key="suggested",
        on_change=_take,
        args=(dict(ways),),
    )


def _take(ways: Mapping[str, Way]) -> None:
    way = ways.get(st.session_state["suggested"])
    if way is not None:
        st.session_state["chain"] = list(way.chain)
        st.session_state["src"] = way.source


def _swap(number: int) -> None:
    """Let a step change places with the one before it, with its strength and its place. Only in a callback."""
    state = st.session_state
    chosen = list(state["chain"])
    chosen[number - 1 : number + 1] = reversed(chosen[number - 1 : number + 1])
    state["chain"] = chosen
    for name in ("strength", "where"):
        first, second = f"{name}_{number - 1}", f"{name}_{number}"
        state[first], state[second] = state[second], state[first]


def _step(step: Step, number: int, count: int) -> Step:
    """Draw how a step is applied, and return it so."""
    name_place, earlier_place, later_place = st.columns([6, 1, 1], vertical_alignment="center", gap=None)
    name_place.markdown(f"**{step.name}**")
    if count > 1:
        earlier_place.button(
            "", icon=":material/arrow_upward:", key=f"earlier_{number}", type="tertiary", disabled=number == 0,
            on_click=_swap, args=(number,), help="Earlier",
        )  # fmt: skip
        later_place.button(
            "", icon=":material/arrow_downward:", key=f"later_{number}", type="tertiary",
            disabled=number == count - 1, on_click=_swap, args=(number + 1,), help="Later",
        )  # fmt: skip
    strength_place, where_place = st.columns(2, vertical_alignment="bottom")
    strength = strength_place.slider(
        "Strength",
        0.0,
        1.0,
        1.0,
        0.05,
        key=f"strength_{number}",
        bind="query-params",
        help="How much of what this step makes is blended with what it was given; 1: as trained.",
    )
    where = where_place.selectbox(
        "Changes",
        list(WHERE),
        format_func=WHERE.__getitem__,
        key=f"where_{number}",
        bind="query-params",
        help="The leaf inside its mask, or the whole picture.",
    )
    return Step(step.checkpoint, How(back=step.how.back, strength=strength, where=where))
