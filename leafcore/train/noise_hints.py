"""What the curves of a noise model say: a discriminator that is never fooled, pictures all alike, a wild critic.

The losses themselves say little: as published, a discriminator is ahead for hundreds of steps before the generator
catches up, and a critic's loss has no scale. So the rules look at what the discriminator believes, at how varied the
pictures are beside real ones, and at the length of the critic's gradients.
"""

from collections.abc import Iterator

import numpy as np

from leafcore.train.hint_blocks import Curves, Hint, episodes, medians, together

UNFOOLED, UNFOOLED_LOSS = 0.02, 4.0  # the probability that fakes are real; -log of it is the generator's loss
UNFOOLED_BLOCKS = 20  # 500 recorded points: a healthy run takes about 300 until it fools
EPOCHS = 5  # whose diversities one median is of
FALLEN, FALLEN_FROM = 0.5, 0.3  # of the highest so far, once that was so much of real pictures' diversity
FALLEN_BLOCKS = 2
STEEP = 1.3  # length of a critic's gradients; below 1 they are while it has learned little


def noise_hints(curves: Curves) -> Iterator[Hint]:
    """Yield what the curves of a noise model show; nothing for those of a translation.

    Args:
        curves: As `hints` takes them.
    """
    yield from _unfooled(curves)
    yield from _collapsed(curves)
    yield from _steep(curves)


def _unfooled(curves: Curves) -> Iterator[Hint]:
    """The discriminator is sure of every fake, so what it teaches is weak (Goodfellow et al. 2014, section 3)."""
    blocks = together(curves, "probability_fake", "adversarial")
    if blocks is None:
        return
    steps, (believed, loss) = blocks
    for begins, ends in episodes(steps, (believed < UNFOOLED) & (loss > UNFOOLED_LOSS), UNFOOLED_BLOCKS):
        yield Hint(
            "noise_unfooled",
            "fakes never fool",
            f"The discriminator tells every fake: it believes less than {UNFOOLED:.0%} of them.",
            "Look at the samples; if they stand still, give it fewer filters, or turn DiffAugment on.",
            begins,
            ends,
        )


def _collapsed(curves: Curves) -> Iterator[Hint]:
    """Pictures of different noise are alike: mode collapse. To be alike at the start is no fault."""
    if "diversity" not in curves:
        return
    steps, varied = medians(curves["diversity"], block=EPOCHS)
    highest = np.maximum.accumulate(varied)
    for begins, ends in episodes(steps, (varied < FALLEN * highest) & (highest > FALLEN_FROM), FALLEN_BLOCKS):
        yield Hint(
            "collapse",
            "pictures alike",
            "Pictures of different noise have become alike (diversity fell to less than half): mode collapse.",
            "Keep an epoch from before the fall; start a new run with DiffAugment, wgan-gp or a lower learning rate.",
            begins,
            ends,
        )


def _steep(curves: Curves) -> Iterator[Hint]:
    """The penalty does not hold the critic's gradients at 1, as WGAN-GP needs (Gulrajani et al. 2017, section 4)."""
    if "gradient_norm" not in curves:
        return
    steps, length = medians(curves["gradient_norm"])
    for begins, ends in episodes(steps, length > STEEP):
        yield Hint(
            "steep_critic",
            "gradients above 1",
            f"The critic's gradients are not held at 1 (gradient norm above {STEEP:g}).",
            "Raise the weight of the gradient penalty, or lower the learning rate.",
            begins,
            ends,
        )
