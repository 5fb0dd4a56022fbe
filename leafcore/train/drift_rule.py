"""When a prompt that nobody taught counts as drifted from the base, and what to say of it. Free of torch.

Language drift is what DreamBooth's authors name as its danger (Lee et al. 2019, arXiv 1909.04499; Ruiz et al. 2023,
section 3.3): words without the token come to mean what the token was taught. Drift is a mean squared difference of
predicted noise, whose variance is 1, see `dreambooth_drift`.
"""

from typing import Any

LEAST = 0.002  # no difference that can be seen
FAR = 3 * LEAST  # has moved, however far the prompt with the token has
SHARE = 0.5  # of how far the prompt with the token has moved


def has_drifted(drift: Any, learned: Any) -> Any:
    """Return whether a prompt has moved with the token, or far.

    Args:
        drift: How far a prompt without the token has moved; a number, or a series of them. NaN has not moved.
        learned: How far the prompt with the token has, likewise.
    """
    return (drift > LEAST) & ((drift > SHARE * learned) | (drift > FAR))


def drift_warning(prompt: str, drift: float, learned: float) -> str:
    """Return what to read when a prompt has drifted: which, how far, and what to do."""
    return (
        f"Language drift: “{prompt}” no longer means what it meant ({drift:.2g} from the base; the prompt with the "
        f"token {learned:.2g}). Use an earlier epoch, or train with more prior weight or a lower learning rate."
    )
