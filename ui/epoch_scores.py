"""What the epochs of a training run are worth: a strip over epochs, a Pareto chart, and the epoch they speak for."""

from collections.abc import Callable

import streamlit as st

from leafcore.data.labels import words
from leafcore.pick import front
from leafcore.pick.scores import MEASURES, Direction, ScoreResult
from leafcore.progress import duration
from leafcore.runs import Run
from ui import cached, forms, live, pick_charts
from ui.choose import choose_way
from ui.copying import copy_as

PLOT = {"displayModeBar": False}


def scores_box(run: Run, direction: Direction, shown: int, go_to: Callable[[int], None]) -> None:
    """Draw the scores of a run's epochs, or the way to have them.

    Args:
        run: The training run.
        direction: Which of its generators.
        shown: The epoch that the page shows.
        go_to: Called with the epoch of a point that was clicked.
    """
    result = cached.scores(run, direction)
    at_work = [other for other in live.active_runs("score") if _is_about(other, run)]
    for other in at_work:
        live.progress_panel(other, key="score")
    if result is None:
        if not at_work:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption("These epochs have not been scored yet.")
                _queue_button(run, direction)
        return
    with st.container(border=True):
        _recommendation(result, shown, go_to)
        _charts(result, shown, go_to)
        _facts(result, shown)
        unscored = set(cached.preview_epochs(run)) - {row.epoch for row in result.epochs}
        if unscored and not at_work:
            _queue_button(run, direction, f"Score {len(unscored)} more epochs")


def _is_about(other: Run, run: Run) -> bool:
    """Whether a score run is about a training run, whichever way its setting names it."""
    return run.id in str(other.record.settings.get("run", ""))


def _queue_button(run: Run, direction: Direction, label: str = "Compute scores") -> None:
    seconds = _foretold(len(cached.preview_epochs(run)))
    about = f" (about {duration(seconds)})" if seconds else ""
    settings = {"run": run.id, "direction": direction}
    with st.container(horizontal=True):
        pressed = st.button(f"{label}{about}", icon=":material/analytics:", key="compute_scores")
        copy_as("score", settings, "score")
    if pressed and forms.queue("score", settings):
        st.rerun()


def _foretold(epochs: int) -> float | None:
    """Return how long scoring so many epochs takes, in seconds, by the newest time that it was done here."""
    for done in cached.runs_of("score"):
        status, scored = done.status(), len(done.result().get("epochs", ()))
        if status.started and status.finished and scored:
            return (status.finished - status.started) / scored * epochs
    return None


def _recommendation(result: ScoreResult, shown: int, go_to: Callable[[int], None]) -> None:
    if result.recommended is None:
        st.markdown(result.reason or "No epoch stands out by its scores.")
        return
    why = result.reason.removeprefix(f"Epoch {result.recommended}: ")
    said, way = st.columns([4, 1], vertical_alignment="center")
    said.markdown(f":material/star: **Recommended: epoch {result.recommended}.** {why}")
    way.button(
        f"Show epoch {result.recommended}",
        key="show_recommended",
        disabled=shown == result.recommended,
        on_click=go_to,
        args=(result.recommended,),
        width="stretch",
    )


def _charts(result: ScoreResult, shown: int, go_to: Callable[[int], None]) -> None:
    measured = [key for key in MEASURES if any(key in row.scores for row in result.epochs)]
    if not measured:
        return
    titles = {MEASURES[key].title: key for key in measured}
    first = next(iter(titles))
    key = titles[
        choose_way("Measure", list(titles), "measure", default=first, draw=st.pills, label_visibility="collapsed")
    ]
    st.caption(MEASURES[key].meaning)
    left, right = st.columns(2, gap="medium")
    with left:
        scores = {row.epoch: row.scores[key] for row in result.epochs if key in row.scores}
        figure = pick_charts.over_epochs(key, scores, shown, result.recommended)
        _draw(figure, "strip", f"{MEASURES[key].title} over epochs. {MEASURES[key].meaning}", go_to)
    points = front.points(result)
    with right:
        axes = front.axes(result.epochs)
        if len(axes) < 2:
            st.caption(f"No Pareto chart: {_missing(result)}")
        else:
            figure = pick_charts.pareto(axes, points, front.front(points), shown, result.recommended)
            _draw(figure, "pareto", "Realism against how much of the target shows; each point is an epoch.", go_to)


def _draw(figure: object, name: str, alt: str, go_to: Callable[[int], None]) -> None:
    """Draw a chart whose points lead to their epochs."""
    key = f"chart_{name}"

    def clicked() -> None:
        chosen = st.session_state[key]["selection"]["points"]
        if chosen and "customdata" in chosen[0]:
            epoch = chosen[0]["customdata"]
            go_to(int(epoch[0] if isinstance(epoch, list) else epoch))

    st.plotly_chart(figure, key=key, on_select=clicked, selection_mode="points", config=PLOT, alt=alt)


def _missing(result: ScoreResult) -> str:
    wanted = (front.REALISM, *front.TARGETS)
    reasons = dict.fromkeys(result.withheld[key].rstrip(".") for key in wanted if key in result.withheld)
    return f"{'; '.join(reasons) or 'too little was measured'}."


def _facts(result: ScoreResult, shown: int) -> None:
    """Draw every measure of the shown epoch, why others are missing, and what all of it was measured on."""
    row = next((row for row in result.epochs if row.epoch == shown), None)
    scores = row.scores if row else {}
    found = row.interpretation if row else None
    if found and found.warning:
        st.warning(found.warning, icon=":material/warning:")
    told = [f"{MEASURES[key].title} {pick_charts.written(key, scores[key])}" for key in MEASURES if key in scores]
    right = ", ".join(f"{words(name)} {score.value:.0%} of {score.n}" for name, score in result.judged_right.items())
    judge = f" · named by {result.judge}, which is right on real ones: {right}" if right else ""
    reals = f" to {result.real_count} real ones of {result.reals}" if result.real_count else ""
    lines = [f"**Epoch {shown}**: " + " · ".join(told)] if told else [f"Epoch {shown} has not been scored."]
    if found and found.counts:
        lines.append("Called " + ", ".join(f"{words(name)} {count}" for name, count in found.counts.items()))
    titles = {key: MEASURES[key].title if key in MEASURES else key for key in result.withheld}
    lines += [f"Not measured · {titles[key]}: {reason}" for key, reason in result.withheld.items()]
    on = f"{result.sources} pictures from noise, real ones" if result.from_noise else f"{result.split} pictures"
    lines.append(f"On {on} of {result.dataset} · distances{reals} in {result.features}{judge}")
    st.caption("  \n".join(lines))
