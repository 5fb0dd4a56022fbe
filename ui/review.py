"""The review of a synthetic set: filters, a second set beside it, and its pictures to keep, reject and rate."""

import secrets
from collections.abc import Sequence

import streamlit as st

from leafcore.data.labels import words
from leafcore.data.review import MOST_STARS, Choice, Opinion, review_journal
from leafcore.data.reviewing import Show, select, state_of
from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.errors import LeafError
from leafcore.runs import Run
from ui import cached, show
from ui.choose import choose, choose_way
from ui.reviewing import Layer, Tile, review_grid

SHOWS: dict[str, Show] = {"All": "all", "Kept": "kept", "Rejected": "rejected", "Unrated": "unrated"}
ALONE = "none"
HEARD = {"keep": "kept", "reject": "rejected", "open": "rated"}
Row = dict[str, str]


def review_box(run: Run) -> None:
    """Draw a set's pictures and what people say of them.

    Args:
        run: It made the set.
    """
    pictures, me = cached.synthetic_set(run), st.session_state.setdefault("reviewer", f"visitor {secrets.token_hex(2)}")
    try:
        review = pictures.review()
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    state = state_of(pictures, review)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = choose_way("Show", list(SHOWS), "rshow", default="All", on_change=_anew)
        stars = st.selectbox(
            "Stars", range(MOST_STARS + 1), format_func=_at_least, key="rstars", bind="query-params", width=120,
            on_change=_anew,
        )  # fmt: skip
        beside = _choose_beside(run, pictures)
    st.caption(
        f"By hand: {state.kept:,} kept, {state.rejected:,} rejected, {state.unrated:,} unrated of {state.pictures:,}. "
        "What is rejected is neither exported nor evaluated."
    )
    matched = _matched(pictures, beside) if beside else {}
    files = [file for file in pictures.files if file in matched] if beside else pictures.files
    if beside and not files:
        st.info("These two sets have no source in common.", icon=":material/compare:")
        return
    found = select(review, files, SHOWS[wanted], stars)
    listed = _listed([run.id, wanted, str(stars), beside.id if beside else ""], found)
    if not listed:
        st.caption("No picture is like that.")
        return
    page = _page(len(listed))
    shown = listed[(page - 1) * show.PAGE : page * show.PAGE]
    by_file = {str(row["file"]): row for row in pictures.manifest.to_dict("records")}
    journal = review_journal(pictures.folder)

    def note(choice: Choice | None) -> None:
        if choice is None:
            journal.undo(lambda one: one.by == me)
        else:
            journal.add(choice)

    review_grid(
        [_tile(run, by_file[file], review.of(file), me, beside, matched) for file in shown],
        key=f"review-{run.id}",
        name=maker(pictures),
        beside_name=maker(beside) if beside else "",
        chosen=st.query_params.get("img", ""),
        by=me,
        can_undo=any(choice.by == me for choice in journal.read()),
        on_choice=note,
        on_chosen=lambda file: st.query_params.update({"img": file}),
    )


def maker(pictures: SyntheticSet) -> str:
    """Return what made the first picture of a set: the names of its models."""
    steps = cached.steps_of(str(pictures.manifest["chain"].iloc[0]))
    return " → ".join(step["checkpoint"] for step in steps)


def _choose_beside(run: Run, pictures: SyntheticSet) -> SyntheticSet | None:
    """Draw the choice of another set of the same sources' labels, if there is one."""
    if not pictures.has_sources:
        return None
    others = [other for other in cached.runs_of("synthesize") if other.id != run.id and _asked(other) == _asked(run)]
    if not others:
        return None
    titles = {ALONE: "—"} | cached.titles(others)
    chosen = choose("Beside", titles, "beside", width=320)
    return next((cached.synthetic_set(other) for other in others if other.id == chosen), None)


def _asked(run: Run) -> tuple[str, str]:
    """Return of which pictures a run was to make others: their dataset and label set."""
    settings = run.record.settings
    return settings["dataset"].partition("@")[0], settings.get("source", "")


def _matched(pictures: SyntheticSet, beside: SyntheticSet) -> dict[str, str]:
    """Return the pictures of a set by those that another has of the same sources."""
    theirs = dict(zip(beside.manifest["source_sha256"], beside.files, strict=True))
    ours = zip(pictures.files, pictures.manifest["source_sha256"], strict=True)
    return {file: theirs[source] for file, source in ours if source and source in theirs}


def _listed(asked: Sequence[str], found: list[str]) -> list[str]:
    """Return what is listed: what the filter found when it was set, so that nothing jumps while one reviews."""
    held = st.session_state.get("review_listed")
    if held is None or held[0] != asked:
        st.session_state["review_listed"] = held = (asked, found)
    changed = len(set(held[1]) ^ set(found))
    if changed:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{changed} changed since this was listed.")
            st.button("List again", icon=":material/refresh:", key="relist", on_click=_anew)
    listed: list[str] = held[1]
    return listed


def _anew() -> None:
    """List what the filter finds now, from the first page on. Only in a callback."""
    st.session_state.pop("review_listed", None)
    st.session_state["rpage"] = 1


def _page(count: int) -> int:
    pages = -(-count // show.PAGE)
    if pages < 2:
        return 1
    if st.session_state.get("rpage", 1) > pages:
        st.session_state["rpage"] = pages
    return int(st.pagination(pages, key="rpage"))


def _tile(run: Run, row: Row, opinion: Opinion, me: str, beside: SyntheticSet | None, matched: dict[str, str]) -> Tile:
    file, other = row["file"], matched.get(row["file"], "")
    layers = [Layer("source", f"/api/runs/{run.id}/sources/{file}")] if row["source"] else []
    layers += [
        Layer(step["checkpoint"], f"/api/runs/{run.id}/steps/{step['file']}")
        for step in cached.steps_of(row["chain"])
        if step.get("file")
    ]
    if beside is not None:
        layers.insert(0, Layer(maker(beside), f"/api/runs/{beside.id}/images/{other}"))
    made = f"from {row['source']}" if row["source"] else row.get("prompt") or f"from noise, seed {row['seed']}"
    said = "" if opinion.is_open else f" · {HEARD[opinion.verdict]} by {'you' if opinion.by == me else opinion.by}"
    return Tile(
        file=file,
        alt=f"{file}, {words(row['labels']) or 'no label'}, {made}",
        told=f"{file} · {words(row['labels']) or 'no label'} · {made}{said}",
        thumbnail=f"/api/runs/{run.id}/thumbnails/{file}",
        large=f"/api/runs/{run.id}/images/{file}",
        layers=tuple(layers),
        opinion=opinion,
        beside=f"/api/runs/{beside.id}/thumbnails/{other}" if beside is not None else "",
    )


def _at_least(stars: int) -> str:
    return f"{stars} or more" if stars else "any"
