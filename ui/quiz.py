"""The quiz: what to ask, a picture at a time, the score. The page tells no answer before it is given."""

from pathlib import Path

import pandas as pd
import streamlit as st

from leafcore.data.labels import words
from leafcore.data.set_titles import set_titles
from leafcore.data.sides import common_side
from leafcore.data.synthetic_sets import MAKERS, open_synthetic_set
from leafcore.errors import LeafError
from leafcore.measure.stats import Interval
from leafcore.quiz import (
    MIN_EACH,
    MOST_NICKNAME,
    Item,
    Kind,
    Quiz,
    answer_quiz,
    name_quiz,
    open_quiz,
    picture_of,
    repeat_quiz,
    session_size,
    start_quiz,
    undo_answer,
)
from leafcore.quiz_report import RATINGS, agreement, as_csv, by_generator, finished, machine_of, others_of
from leafcore.realfake.result import MACHINES
from leafcore.runs import Run
from ui import cached
from ui.service import workspace

RATING = "quiz_rating"
OPEN = "quiz_open"  # in the session: what was asked last
SHOWN = 12  # pictures in a gallery


def current_quiz() -> Quiz | None:
    """Return the session that the address names; says so if it is not here any more."""
    quiz_id = st.query_params.get("quiz")
    if not quiz_id:
        return None
    try:
        return open_quiz(workspace(), quiz_id)
    except LeafError as error:
        st.warning(str(error), icon=":material/info:")
        return None


def _leave() -> None:
    del st.query_params["quiz"]


# --- starting ---------------------------------------------------------------------------------------------------------


def start_box(sets: dict[str, Run]) -> None:
    """Draw what to ask, and what people said before.

    Args:
        sets: The runs that made synthetic sets, by id.
    """
    st.caption(
        "You see one leaf at a time. Half are validation photographs, half are synthetic; both are shown at the same "
        "size and encoding. There is no timer."
    )
    titles = cached.titles(sets.values())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Synthetic sets", list(titles), default=list(titles)[:1], format_func=titles.get, key="quiz_sets", width=420
        )
        shared = _classes([sets[run_id] for run_id in chosen])
        labels = st.selectbox(
            "Class", shared, format_func=lambda one: words(one) or "any", key="cls", bind="query-params", width=220
        )
        count = st.segmented_control("Pictures", [20, 40], default=20, required=True, key="quiz_count")
        rates = st.toggle(
            "Rate symptoms", key="quiz_rates", help="Also say of each leaf how plausible its symptoms are."
        )
        size, size_px = _size([sets[run_id] for run_id in chosen], labels, int(count)) if shared else (0, 0)
        start = f"Start {size}" if size >= 2 * MIN_EACH else "Start"  # too few: a press tells what is missing
        pressed = st.button(start, type="primary", icon=":material/play_arrow:", key="quiz_start", disabled=not shared)
    if size_px:
        st.caption(
            f":material/aspect_ratio: Shown at {size_px} × {size_px} px, enlarged. What you can tell at this size says "
            "little of larger pictures."
        )
    if 2 * MIN_EACH <= size < int(count):
        st.caption(f":material/info: {size} pictures instead of {count}: there are no more of both kinds.")
    if not chosen:
        st.caption(":material/info: Choose a synthetic set to start.")
    elif not shared:
        st.caption(":material/info: These sets have no class in common.")
    if pressed:
        try:
            started = start_quiz(workspace(), chosen, int(count), labels=labels, rates=rates)
        except LeafError as error:
            st.error(str(error), icon=":material/error:")
        else:
            st.query_params["quiz"] = started.id
            st.rerun()
    _unfinished()
    _earlier(finished(workspace()))


def _unfinished() -> None:
    """Draw the way back into the session that this visit left before its end."""
    try:
        quiz = open_quiz(workspace(), st.session_state.get(OPEN, ""))
    except LeafError:
        return
    if quiz.current is not None:
        where = f"{words(quiz.labels) or 'any'}, picture {len(quiz.answers) + 1} of {len(quiz.items)}"
        if st.button(f"Go on: {where}", icon=":material/resume:", key="quiz_go_on"):
            st.query_params["quiz"] = quiz.id
            st.rerun()


def _classes(runs: list[Run]) -> list[str]:
    """Return the label sets that all of some synthetic sets show."""
    shown = [set(cached.synthetic_set(run).manifest["labels"]) for run in runs]
    return sorted(set.intersection(*shown)) if shown else []


def _size(runs: list[Run], labels: str, count: int) -> tuple[int, int]:
    """Return how many pictures a session over some synthetic sets will have, and their side in px; 0 if none can."""
    try:
        sets = [open_synthetic_set(workspace(), run.id) for run in runs]
        dataset = cached.dataset(str(sets[0].manifest.iloc[0]["dataset"]))
        return session_size(dataset, sets, labels, count), common_side(dataset, sets)
    except LeafError:
        return 0, 0


def _earlier(sessions: list[Quiz]) -> None:
    """Draw what people said before, and the way to judge the same pictures."""
    if not sessions:
        return
    st.subheader("Earlier answers")
    rows = [
        {
            "Who": quiz.nickname,
            "Class": words(quiz.labels) or "any",
            "Right": f"{quiz.hits} of {len(quiz.items)}",
            "95% interval": _ends(quiz.score()),
            "When": cached.moment(quiz.created),
        }
        for quiz in sessions
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="quiz_sessions")
    names = {
        quiz.id: f"{quiz.nickname}, {words(quiz.labels) or 'any'}, {cached.moment(quiz.created)}" for quiz in sessions
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        like = st.selectbox("The same pictures as", list(names), format_func=names.get, key="quiz_like", width=420)
        help = "Judge the same pictures in another order: the end tells how far you two agree."
        if st.button("Be the second rater", icon=":material/group:", key="quiz_repeat", help=help):
            st.query_params["quiz"] = repeat_quiz(workspace(), open_quiz(workspace(), like)).id
            st.rerun()


# --- asking -----------------------------------------------------------------------------------------------------------


def ask_box(quiz: Quiz, item: Item) -> None:
    """Draw the picture to judge now."""
    done, total = len(quiz.answers), len(quiz.items)
    st.session_state[OPEN] = quiz.id
    st.progress(done / total, text=f"{words(quiz.labels)}: picture {done + 1} of {total}".removeprefix(": "))
    if not done and total < quiz.asked:
        st.caption(f":material/info: {total} pictures instead of {quiz.asked}: there are no more of both kinds.")
    try:
        picture = picture_of(quiz, item)
    except LeafError:  # its message names the file, and so what it is
        st.error("A picture of this session is gone or damaged.", icon=":material/error:")
        st.button("Start another", icon=":material/replay:", key="quiz_leave", on_click=_leave)
        return

    def say(said: Kind) -> None:
        rating = st.session_state.get(f"{RATING}_{done}") or 0
        answer_quiz(workspace(), open_quiz(workspace(), quiz.id), said, rating=rating, at=done)

    with st.container(horizontal_alignment="center"):
        st.image(picture, alt=f"Leaf {done + 1} of {total}", width=420)
        if quiz.rates:
            st.segmented_control(
                "How plausible are the symptoms? 1 not at all, 5 fully",
                RATINGS,
                key=f"{RATING}_{done}",
                width="content",
            )
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                "Photograph", shortcut="J", icon=":material/photo_camera:", key="say_real", on_click=say, args=("real",)
            )
            st.button(
                "Synthetic", shortcut="F", icon=":material/auto_awesome:", key="say_fake", on_click=say, args=("fake",)
            )
            st.button(
                "Undo", shortcut="Z", icon=":material/undo:", key="say_undo", disabled=done == 0,
                on_click=lambda: undo_answer(workspace(), open_quiz(workspace(), quiz.id)),
            )  # fmt: skip


# --- the score --------------------------------------------------------------------------------------------------------


def score_box(quiz: Quiz) -> None:
    """Draw how well the pictures were told apart, by whom else, and what fooled."""
    score = quiz.score()
    st.metric("Right answers", f"{quiz.hits} of {len(quiz.items)}")
    st.markdown(
        f"{score.value:.0%} right, exact 95% interval {_ends(score)}; guessing gives 50%. **{quiz.verdict()}, at "
        f"{quiz.shown_at}.**"
    )
    _generators(quiz)
    for other in others_of(quiz, finished(workspace())):
        _agreed(quiz, other)
    for title, kind in (
        ("Synthetic pictures that you took for photographs", "fake"),
        ("Photographs that you took for synthetic", "real"),
    ):
        _gallery(quiz, title, [item for item in quiz.mistaken(kind) if Path(item.path).exists()])
    _keep(quiz)


def _ends(interval: Interval) -> str:
    return f"{interval.low:.0%} to {interval.high:.0%}"


def _generators(quiz: Quiz) -> None:
    """Draw how each generator's pictures were taken, beside photographs and what a machine says."""
    rows, scores = [], by_generator(quiz)
    there = {run.id for run in cached.runs_of(*MAKERS)}
    titles = set_titles(workspace(), (one.set for one in scores if one.set in there))
    for one in scores:
        machine = machine_of(workspace(), one.set) if one.set else None
        row = {
            "Pictures": titles.get(one.set, one.set) if one.set else "Photographs",
            "Called synthetic": f"{one.called_fake.value:.0%} of {one.n}",
            "95% interval": _ends(one.called_fake),
        }
        if quiz.rates:
            row["Plausibility"] = "–" if one.rating is None else f"{one.rating:.1f} of 5 (n = {one.rated})"
        row["Machines"] = "; ".join(
            f"{MACHINES[name].lower()} {told.verdict()}" for name, told in machine.told.items()
        ) if machine else "–"  # fmt: skip
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="quiz_generators")


def _agreed(quiz: Quiz, other: Quiz) -> None:
    """Say how far two raters agree."""
    found = agreement(quiz, other)
    parts = [f"kappa {_kappa(found.kinds)}, n = {found.n}"]
    if found.rated:
        parts.append(f"plausibility: weighted kappa {_kappa(found.ratings)}, n = {found.rated}")
    st.markdown(f":material/group: With **{other.nickname}** on the same pictures: {'; '.join(parts)}.")


def _kappa(kappa: Interval) -> str:
    if kappa.value != kappa.value:
        return "not defined, for one of you always said the same"
    return f"{kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f})" if kappa.is_known else f"{kappa.value:.2f}"


def _gallery(quiz: Quiz, title: str, items: list[Item]) -> None:
    if items:
        st.caption(title)
        shown = items[:SHOWN]
        with st.container(horizontal=True, gap="small"):
            for item in shown:
                st.image(picture_of(quiz, item), alt=f"{title}: {item.name}", width=150)


def _keep(quiz: Quiz) -> None:
    """Draw the ways to keep the answers, and to start anew."""

    def name() -> None:
        name_quiz(workspace(), open_quiz(workspace(), quiz.id), str(st.session_state.get("quiz_nickname") or ""))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Nickname", quiz.nickname, max_chars=MOST_NICKNAME, key="quiz_nickname", on_change=name, width=240,
            help="Only if you like: lists these answers for others, who may judge the same pictures.",
        )  # fmt: skip
        st.download_button(
            "Answers (CSV)", as_csv(quiz), f"quiz-{quiz.id}.csv", "text/csv", icon=":material/download:", key="quiz_csv"
        )
        st.button("Start another", icon=":material/replay:", key="quiz_again", on_click=_leave)
