"""Two epochs' fakes of one probe, without their names: which convinces more?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from leafcore.errors import LeafError
from leafcore.images import encode_png
from leafcore.pick.front import candidates
from leafcore.pick.scores import Direction
from leafcore.pick.votes import Pair, Tally, Vote, next_pair, tally, vote_journal
from leafcore.runs import Run
from ui import cached, show

SIDE = 384  # px of a picture


def blind_box(run: Run, direction: Direction, drawn: list[int], facts: Mapping[str, Any]) -> None:
    """Draw a vote, or what all votes say.

    Args:
        run: The training run.
        direction: Which of its generators.
        drawn: The epochs that have samples.
        facts: What their sheets show, see `cached.preview`.
    """
    journal = vote_journal(run.folder, direction)
    try:
        votes = journal.read()
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    said = tally(votes)
    revealed = f"revealed-{run.id}-{direction}"
    if st.session_state.get(revealed):
        _reveal(said)
        st.button(
            "Vote on", icon=":material/how_to_vote:", key="vote_on", on_click=st.session_state.pop, args=(revealed,)
        )
        return
    rows = {row["image"]: index for index, row in enumerate(facts["rows"]) if row["direction"] == direction}
    pair = next_pair(votes, candidates(drawn, cached.scores(run, direction)), list(rows), f"{run.id} {direction}")
    _pair(run, pair, rows[pair.image], facts)

    def vote(chosen: int | None) -> None:
        if len(journal.read()) == len(votes):  # a key that was pressed twice votes once
            journal.add(Vote(image=pair.image, left=pair.left, right=pair.right, chosen=chosen))

    with st.container(horizontal=True, horizontal_alignment="center"):
        st.button("Left", shortcut="F", icon=":material/arrow_back:", key="vote_left", on_click=vote, args=(pair.left,))
        st.button("Skip", shortcut="S", icon=":material/skip_next:", key="vote_skip", on_click=vote, args=(None,))
        st.button(
            "Right", shortcut="J", icon=":material/arrow_forward:", key="vote_right", on_click=vote, args=(pair.right,)
        )
        st.button(
            "Undo", shortcut="Z", icon=":material/undo:", key="vote_undo", on_click=journal.undo, disabled=not votes
        )
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.caption(f"{said.votes} {'vote' if said.votes == 1 else 'votes'} · {verdict(said)}", width="content")
        st.button(
            "Reveal",
            icon=":material/visibility:",
            key="vote_reveal",
            disabled=not said.votes,
            on_click=st.session_state.update,
            args=({revealed: True},),
        )


def verdict(said: Tally) -> str:
    """Return whether the best can be told from the rest, in words that name no epoch."""
    if said.separable:
        return "the best one stands out"
    if said.more is None:
        return "no clear winner yet"
    return f"no clear winner yet, about {said.more} more votes"


def _pair(run: Run, pair: Pair, row: int, facts: Mapping[str, Any]) -> None:
    """Draw the source and the two fakes; nothing in the page says which epochs they are of."""
    size = facts["size_px"]
    columns = list(facts["columns"])
    _, sheet = cached.preview(run, pair.left)
    source = show.cut(sheet, row, columns.index("input"), size)
    alt = Path(pair.image).stem
    sides = {"left": pair.left, "right": pair.right}
    with st.container(horizontal_alignment="center"), st.container(width=2 * SIDE):
        for column, (side, epoch) in zip(st.columns(2, gap="small", wrap=False), sides.items(), strict=True):
            _, sheet = cached.preview(run, epoch)
            with column:
                show.exact(show.cut(sheet, row, columns.index("fake"), size), f"The {side} fake of {alt}")
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.image(encode_png(source), alt=f"The source {alt}", width=96)
        st.caption("Both were made from this one. Which convinces you more?", width="content")


def _reveal(said: Tally) -> None:
    """Draw the ranking."""
    first = said.standings[0]
    if said.separable:
        st.markdown(f"**Epoch {first.epoch} convinces most**, by {said.votes} votes.")
    else:
        st.markdown(f"Epoch {first.epoch} leads; {verdict(said)}. Votes so far: {said.votes}.")
    st.dataframe(
        [
            {
                "Epoch": row.epoch,
                "Win rate": f"{row.wins / row.votes:.0%}",
                "95% interval": f"{row.low:.0%} to {row.high:.0%}",
                "Won": f"{row.wins} of {row.votes}",
                "Strength": round(row.strength, 2),
            }
            for row in said.standings
        ],
        hide_index=True,
        width="content",
        key="ranking",
    )
    st.caption("Win rates with Wilson intervals; strength after Bradley and Terry, which allows for who met whom.")
