"""A choice among runs that a link carries by id: titles change and repeat, ids do neither.

Streamlit's own `bind="query-params"` writes the shown title into the address, so this small twin of it writes the id.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from leafcore.runs import Run, list_runs
from ui import address, cached
from ui.service import workspace

AT = "dataset_at"  # in the session: the dataset that the visitor was at last


def choose_dataset(names: Sequence[str], **options: object) -> str:
    """Draw the choice of a dataset, which goes along from page to page.

    The address always names it, also where nobody chose: a refresh knows nothing of the session. If the address names
    one that is not here any more, that is said.

    Args:
        names: The datasets there are; at least one.
        **options: Passed on to `st.selectbox`.
    """
    linked = st.query_params.get("ds", "")
    if linked and linked not in names:
        st.info(f"The dataset `{linked}` is not here any more; this is another.", icon=":material/info:")
    st.session_state["ds"] = linked if linked in names else usual_dataset(names)

    def remember() -> None:
        st.query_params["ds"] = st.session_state["ds"]

    name = str(st.selectbox("Dataset", names, key="ds", on_change=remember, **options))  # type: ignore[arg-type]
    note_dataset(name)
    address.say(ds=name)
    return name


def usual_dataset(names: Sequence[str]) -> str:
    """Return the dataset to begin with: where the visitor was last, else the one that the newest run is about."""
    about = (cached.dataset_of(run) for run in list_runs(workspace()))
    at = st.session_state.get(AT)
    return at if at in names else next((name for name in about if name in names), names[0])


def turn_to_dataset(name: str) -> None:
    """Let this page, and the others after it, show a dataset from now on."""
    note_dataset(name)
    st.query_params["ds"] = name


def note_dataset(name: str) -> None:
    """Let the other pages begin with a dataset that was chosen in a form."""
    st.session_state[AT] = name


def choose(label: str, titles: Mapping[str, str], key: str, *, also: str = "", **options: object) -> str:
    """Draw a select box whose choice is part of the address, also where the session remembers it from an earlier page.

    Only the default is not written where nothing is: an address without it means the same, and Streamlit makes each
    write an entry that Back must go over.

    Args:
        label: Of the box.
        titles: What can be chosen, by id, with titles for people; the first is the default.
        key: Of the widget, and of the address.
        also: What a link may call it as well.
        **options: Passed on to `st.selectbox`.

    Returns:
        The chosen id; the first one if the address names something that is not here any more, which is said.
    """
    wanted, applied = st.query_params.get(key, st.query_params.get(also)), st.session_state.get(f"{key}_applied")
    if wanted is not None and wanted != applied:
        st.session_state[f"{key}_applied"] = wanted
        if wanted in titles:
            st.session_state[key] = wanted
        else:
            st.info(f"`{wanted}` is not here any more; this is the newest.", icon=":material/info:")

    def remember() -> None:
        st.query_params[key] = st.session_state[f"{key}_applied"] = st.session_state[key]

    chosen = str(
        st.selectbox(
            label,
            list(titles),
            format_func=lambda choice: titles.get(choice, choice),
            key=key,
            on_change=remember,
            persist_state="session",
            **options,  # type: ignore[arg-type]
        )
    )
    if wanted is not None or chosen != next(iter(titles)):
        _say(key, chosen)
    return chosen


def choose_run(label: str, runs: Sequence[Run], key: str, *, also: str = "", **options: object) -> Run:
    """Draw a choice among runs, of which there is at least one; the first is the default. See `choose`."""
    chosen = choose(label, cached.titles(runs), key, also=also, **options)
    return next(run for run in runs if run.id == chosen)


def choose_many(label: str, titles: Mapping[str, str], key: str, *, most: int, **options: object) -> list[str]:
    """Draw a choice of several runs that is part of the address, their ids separated by commas.

    Args:
        label: Of the box.
        titles: What can be chosen, by id, with titles for people.
        key: Of the address; the widget's is longer, for another page may choose one by the same.
        most: How many at most.
        **options: Passed on to `st.multiselect`.

    Returns:
        The chosen ids; those that the address names but that are not here any more are left out, which is said.
    """
    held = f"{key}_many"
    wanted, applied = st.query_params.get(key), st.session_state.get(f"{held}_applied")
    if wanted is not None and wanted != applied:
        st.session_state[f"{held}_applied"] = wanted
        st.session_state[held] = _present(wanted.split(","), titles)[:most]
    elif held in st.session_state:
        st.session_state[held] = _present(st.session_state[held], titles)

    def remember() -> None:
        st.query_params[key] = st.session_state[f"{held}_applied"] = ",".join(st.session_state[held])

    chosen = list(
        st.multiselect(
            label,
            list(titles),
            format_func=lambda choice: titles.get(choice, choice),
            key=held,
            on_change=remember,
            persist_state="session",
            max_selections=most,
            **options,  # type: ignore[arg-type]
        )
    )
    if wanted is not None or chosen:
        _say(key, ",".join(chosen), held)
    return chosen


def _say(key: str, shown: str, held: str = "") -> None:
    """Let the address name what is shown, which the session holds by the same key or another; it is no new link."""
    st.session_state[f"{held or key}_applied"] = shown
    address.say(**{key: shown})


def choose_way(
    label: str,
    ways: Sequence[str],
    key: str,
    *,
    default: str,
    is_set: bool = False,
    draw: Callable[..., Any] = st.segmented_control,
    **options: object,
) -> str:
    """Draw one of few ways, all in view, which is part of the address; the default is not.

    Args:
        label: Of the choice.
        ways: There are.
        key: Of the widget, and of the address.
        default: What an address without it means; an empty one too, for which Streamlit chooses nothing.
        is_set: Whether the script has just chosen by the key; Streamlit wants no default then.
        draw: `st.segmented_control` or `st.pills`.
        **options: Passed on to it.
    """
    shown = {"default": None if is_set else default, "required": True, "bind": "query-params", **options}
    chosen = draw(label, list(ways), key=key, **shown)
    return default if chosen is None else str(chosen)


def _present(wanted: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    gone = [choice for choice in wanted if choice and choice not in titles]
    if gone:
        st.info(f"`{', '.join(gone)}` is not to be chosen here.", icon=":material/info:")
    return [choice for choice in wanted if choice in titles]
