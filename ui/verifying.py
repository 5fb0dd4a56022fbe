"""What verification made of a synthetic set: counts, thresholds, and the rejected pictures with their reasons."""

import streamlit as st

from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.synthesize.verdicts import (
    BACKGROUND,
    CHANGE,
    COLLAPSE,
    COPY,
    LABEL,
    LEAF,
    TITLES,
    Check,
    Verification,
)
from ui import show

ASKED = {  # what a picture must be to pass a check, in words
    LABEL: "{by} must call it what was asked for",
    LEAF: "{by} must see one full leaf with a probability of at least {least:.3g}",
    COPY: "it must be at least {least:.3g} away from every training picture, in what {by} sees",
    CHANGE: "its leaf, or all of it if nobody knows the leaf, must change by at least {least:.3g} % on average",
    BACKGROUND: "outside the leaf it may change by at most {most:.3g} % of the way from black to white, on average",
    COLLAPSE: "its pixels must vary by at least {least:.3g} % of the way from black to white, and no other be like it",
}


def verification_box(found: Verification) -> None:
    """Draw how many pictures failed, and which check."""
    made = found.accepted + found.rejected
    st.markdown(f"**{found.accepted} of {made} pictures passed the automatic check**")
    st.caption("  \n".join(map(_told, found.checks)))


def rejected_box(pictures: SyntheticSet) -> None:
    """Draw the pictures that failed verification, with the reasons, folded away; nothing if none did."""
    rejected = pictures.rejected()
    if rejected.empty:
        return
    with st.expander(f"Failed the automatic check: {len(rejected)}", icon=":material/block:"):
        pages = -(-len(rejected) // show.PAGE)
        page = st.pagination(pages, key=f"rejected-{pictures.id}") if pages > 1 else 1
        rows = rejected.iloc[(page - 1) * show.PAGE : page * show.PAGE].to_dict("records")
        show.thumbnails(
            [str(pictures.folder / "images" / row["file"]) for row in rows],
            alts=[f"{row['file']}, failed: {row['why']}" for row in rows],
            captions=[str(row["why"]) for row in rows],
        )


def _told(check: Check) -> str:
    """Return how many failed a check and what it asked, or why it was not asked."""
    title = TITLES[check.name]
    if check.withheld:
        return f"{title}: withheld, {check.withheld}."
    asked = ASKED[check.name].format(by=check.by, least=check.least or 0.0, most=check.most or 0.0)
    return f"{title}: {check.failed} failed; {asked}."
