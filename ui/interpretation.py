"""What a frozen classifier sees in pictures from noise: how many of each class, and how far it can be believed."""

import streamlit as st

from leafcore.data.labels import words
from leafcore.measure.interpretation import Interpretation, Rate
from ui.noise_charts import class_bars


def interpretation_box(found: Interpretation, *, key: str) -> None:
    """Draw the classes that pictures are called, or why nothing is said.

    Args:
        found: What the classifier said.
        key: Of the chart.
    """
    if found.warning:
        st.warning(found.warning, icon=":material/warning:")
    if found.counts:
        st.plotly_chart(
            class_bars(found.counts), key=f"classes-{key}", alt="Pictures by the class that a classifier calls them"
        )
    if found.agreement:
        rates = "; ".join(f"{words(labels)} {told(rate)}" for labels, rate in found.agreement.items())
        st.caption(f"Called what they were made as: {rates}.")
    st.caption(trust(found))


def trust(found: Interpretation) -> str:
    """Return who named the pictures and how often that is right about real ones, or why nobody did."""
    if found.withheld or found.accuracy is None:
        return f"What a classifier sees in them is withheld: {found.withheld}."
    return f"Named by {found.judge}, which names {told(found.accuracy)} real validation pictures of this size rightly."


def told(rate: Rate) -> str:
    """Return a share with its 95 % interval: "93 % (88 to 96 %) of 120"."""
    return f"{100 * rate.value:.0f} % ({100 * rate.low:.0f} to {100 * rate.high:.0f} %) of {rate.n}"
