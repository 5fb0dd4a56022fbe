"""What verification made of a synthetic set: counts, thresholds, and the rejected pictures with their reasons."""

import streamlit as st

from leafcore.data.synthetic_sets import SyntheticSet
from leafcore.synthesize.verdicts import BACKGROUND, CHANGE, COLLAPSE, TITLES, Check, Verification
from ui import show


def verification_box(found: Verification) -> None:
    """Draw how many pictures were rejected, and by which check."""
    made = found.accepted + found.rejected
    st.markdown(f"**{found.accepted} of {made} pictures accepted**")
    st.caption("  \n".join(map(_told, found.checks)))


def rejected_box(pictures: SyntheticSet) -> None:
    """Draw the pictures that verification rejected, with the reasons, folded away; nothing if it rejected none."""
    rejected = pictures.rejected()
    if rejected.empty:
        return
    with st.expander(f"Rejected: {len(rejected)}", icon=":material/block:"):
        pages = -(-len(rejected) // show.PAGE)
        page = st.pagination(pages, key=f"rejected-{pictures.id}") if pages > 1 else 1
        rows = rejected.iloc[(page - 1) * show.PAGE : page * show.PAGE].to_dict("records")
        show.thumbnails(
            [str(pictures.folder / "images" / row["file"]) for row in rows],
            alts=[f"{row['file']}, rejected: {row['why']}" for row in rows],
            captions=[str(row["why"]) for row in rows],
        )


def _told(check: Check) -> str:
    """Return what a check asked and how many failed it, or why it was not asked."""
    title = TITLES[check.name]
    if check.withheld:
        return f"{title}: withheld, {check.withheld}."
    unit = " % of the range" if check.name in {CHANGE, BACKGROUND, COLLAPSE} else ""
    least = f", at least {check.least:.3g}{unit}" if check.least is not None else ""
    most = f", at most {check.most:.3g}{unit}" if check.most is not None else ""
    return f"{title}: {check.failed} failed, by {check.by}{least}{most}."
