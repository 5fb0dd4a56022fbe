"""Series recorded from real trainings, in `series/`, and series made here for what no small training shows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leafcore.train.hint_blocks import BLOCK, LASTING
from leafcore.train.hints import Hint, hints

SERIES = Path(__file__).parent / "series"
HEALTHY = ("healthy_leafgan_128", "healthy_leafgan_short", "healthy_dcgan")
LEVELS = {  # of a healthy run, about
    "adversarial_ab": 0.4, "adversarial_ba": 0.4, "disc_a": 0.2, "disc_b": 0.2, "cycle_a": 0.1, "cycle_b": 0.1,
    "identity_a": 0.1, "identity_b": 0.1, "background_a": 0.06, "background_b": 0.06,
}  # fmt: skip


def recorded(name: str) -> dict[str, pd.Series]:
    """Return a series as it was recorded from a training, thinned."""
    told = json.loads((SERIES / f"{name}.json").read_text())
    assert told.pop("origin").startswith("recorded: ")
    index = pd.Index(told.pop("step"), name="step")
    return {loss: pd.Series(values, index=index).dropna() for loss, values in told.items()}  # not all at every step


def made(count: int = 1000, spread: float = 0.2, **levels: float) -> dict[str, pd.Series]:
    """Return a series made around levels, which fall a little as they do in a healthy run."""
    rng = np.random.default_rng(0)
    fall = np.linspace(1.3, 1.0, count)
    index = pd.RangeIndex(1, count + 1, name="step")
    return {
        name: pd.Series(level * fall * rng.lognormal(sigma=spread, size=count), index=index)
        for name, level in {**LEVELS, **levels}.items()
    }


def flat(curves: dict[str, pd.Series], begin: int, end: int | None = None, **levels: float) -> dict[str, pd.Series]:
    """Return curves of which some stay at a level from one step up to another."""
    for name, level in levels.items():
        curves[name] = curves[name].copy()
        curves[name].iloc[begin:end] = level
    return curves


def found(curves: dict[str, pd.Series], name: str) -> list[Hint]:
    return [hint for hint in hints(curves) if hint.name == name]


# --- nothing to say ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_left_alone(name):
    assert hints(recorded(name)) == []


def test_a_healthy_made_series_is_left_alone():
    assert hints(made()) == []


def test_a_run_that_has_just_begun_is_left_alone():
    assert hints({}) == []
    assert hints(made(count=3)) == []


# --- recorded from trainings that went wrong --------------------------------------------------------------------------


def test_a_learning_rate_too_high_diverges():
    (hint,) = found(recorded("rate_too_high"), "diverging")
    assert hint.seen == "More than twice their lowest level: identity a, cycle a."
    assert 200 < hint.begins < 300 and hint.ends is None  # the cycle loss jumps from 0.35 to 1 at step 235


@pytest.mark.parametrize(("name", "directions"), [("discriminator_too_strong", 2), ("weights_too_high", 1)])
def test_a_discriminator_that_is_never_fooled_is_seen(name, directions):
    unfooled = found(recorded(name), "unfooled")
    assert len(unfooled) == directions and all(hint.ends is None for hint in unfooled)
    assert unfooled[0].seen.startswith("A → B: the discriminator tells every fake")


def test_a_generator_that_is_slow_to_leave_the_identity_is_seen_until_it_does():
    curves = recorded("slow_to_leave_the_identity")
    assert [(hint.begins, hint.ends) for hint in found(curves, "unchanged")] == [(1, 476), (1, 476)]
    assert found(curves, "no_progress") == [], "what it gave back could not be reconstructed any better"


def test_label_sets_that_cannot_be_told_apart_are_guessed_and_nothing_changes():
    curves = recorded("sets_that_cannot_be_told_apart")
    assert [hint.title for hint in found(curves, "guessing")] == ["A → B is guessed", "B → A is guessed"]
    assert [hint.ends for hint in found(curves, "unchanged")] == [None, None]


def test_a_learning_rate_too_low_makes_no_progress():
    (hint,) = hints(recorded("rate_too_low"))
    assert hint.name == "no_progress" and hint.begins < 100


def test_a_critic_whose_gradients_are_too_long_is_seen():
    (hint,) = hints(recorded("critic_too_steep"))
    assert hint.name == "steep_critic" and hint.begins < 100 and hint.ends is None


# --- made -------------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_is_named_with_its_step():
    curves = flat(made(), 600, cycle_b=np.nan, identity_a=np.nan)
    (hint,) = found(flat(curves, 700, disc_a=np.nan), "not_a_number")
    assert hint.begins == 601 and hint.seen.startswith("From step 601 on, ") and "disc" not in hint.seen
    assert {"cycle b", "identity a"} <= set(hint.seen.removeprefix("From step 601 on, ").split(" is ")[0].split(", "))


def test_the_losses_of_a_noise_model_may_rise():
    levels = np.r_[np.full(300, 0.5), np.full(300, 5.0)]
    curves = {name: pd.Series(levels, index=range(1, 601)) for name in ("adversarial", "disc")}
    assert hints(curves) == []
    assert [hint.name for hint in hints({"adversarial_ab": curves["adversarial"]})] == ["diverging"]


def test_a_discriminator_that_guesses_is_seen():
    (hint,) = found(flat(made(), 500, disc_a=0.251), "guessing")
    assert hint.title == "B → A is guessed" and 480 <= hint.begins <= 525


def test_a_discriminator_near_a_quarter_that_still_moves_does_not_guess():
    assert found(made(disc_a=0.22, disc_b=0.22, spread=0.15), "guessing") == []


def test_small_losses_of_a_generator_that_changes_leaves_are_no_fault():
    curves = flat(made(change_ab=0.05), 400, cycle_a=0.01, identity_b=0.012, background_a=0.008)
    assert found(curves, "unchanged") == []


def test_a_run_that_does_not_improve_is_seen():
    curves = {name: values[::-1].set_axis(values.index) for name, values in made().items()}  # rising a little
    (hint,) = found(curves, "no_progress")
    assert hint.begins < 200


def test_a_short_run_need_not_have_improved():
    curves = {name: values[::-1].set_axis(values.index) for name, values in made(count=400).items()}
    assert found(curves, "no_progress") == []


# --- made of a noise model --------------------------------------------------------------------------------------------


def series(*levels: float, each: int = 1) -> pd.Series:
    """Return levels for so many points each, by step."""
    values = np.repeat(levels, each)
    return pd.Series(values, index=range(1, len(values) + 1))


def test_a_discriminator_that_no_fake_ever_fools_is_seen():
    curves = {"probability_fake": series(0.3, 0.01, each=600), "adversarial": series(1.2, 4.7, each=600)}
    (hint,) = hints(curves)
    assert (hint.name, hint.begins, hint.ends) == ("noise_unfooled", 601, None)
    short = {name: values[:1050] for name, values in curves.items()}
    assert hints(short) == [], "a healthy run takes a few hundred steps until it fools"


def test_pictures_that_become_alike_are_seen():
    (hint,) = hints({"diversity": series(0.1, 0.8, 0.2, each=20)})
    assert (hint.name, hint.begins, hint.ends) == ("collapse", 41, None)
    (passed,) = hints({"diversity": series(0.8, 0.2, 0.7, each=20)})
    assert (passed.begins, passed.ends) == (21, 41)


@pytest.mark.parametrize("levels", [(0.1, 0.03), (0.8, 0.5), (0.05, 0.9)])
def test_pictures_that_are_alike_at_the_start_or_vary_a_little_less_are_no_fault(levels):
    assert hints({"diversity": series(*levels, each=20)}) == []


@pytest.mark.parametrize("length", [0.6, 0.9, 1.1])
def test_a_critic_that_is_held_or_has_learned_little_is_no_fault(length):
    assert hints({"gradient_norm": series(length, each=400)}) == []


# --- when -------------------------------------------------------------------------------------------------------------


def test_what_has_passed_says_when():
    (hint,) = found(flat(made(), 500, 750, disc_a=0.25), "guessing")
    assert (hint.begins, hint.ends) == (501, 751)


def test_what_lasts_too_short_is_not_said():
    assert found(flat(made(), 500, 500 + (LASTING - 1) * BLOCK, disc_a=0.25), "guessing") == []


def test_hints_come_in_the_order_in_which_they_began():
    curves = flat(flat(made(), 700, disc_a=0.25), 200, 500, disc_b=0.25)
    assert [hint.title for hint in hints(curves)] == ["A → B is guessed", "B → A is guessed"]
    called = {"ab": "healthy → rust", "ba": "rust → healthy"}
    assert [hint.title for hint in hints(curves, called)] == ["healthy → rust is guessed", "rust → healthy is guessed"]


# --- language drift ---------------------------------------------------------------------------------------------------


def drifts(learned: list[float], **moved: list[float]) -> dict[str, pd.Series]:
    index = pd.Index(range(100, 100 * len(learned) + 1, 100), name="step")
    named = {"learned": learned, **{f"drift_{name}": values for name, values in moved.items()}}
    return {name: pd.Series(values, index=index) for name, values in named.items()}


def test_a_prompt_that_moves_with_the_token_is_named():
    curves = drifts([0.01, 0.02, 0.03, 0.04], a_photo=[0.004, 0.011, 0.02, 0.03], a_dog=[0.0, 0.001, 0.001, 0.001])
    (hint,) = found(curves, "language_drift")
    assert "“a photo” no longer means" in hint.seen and "a dog" not in hint.seen
    assert (hint.begins, hint.ends) == (200, None)


@pytest.mark.parametrize(
    "moved",
    [
        [0.001, 0.002, 0.004, 0.006],  # far less than the token, and not far
        [0.004, 0.011, 0.02, 0.005],  # and back again
        [float("nan")] * 4,
    ],
)
def test_a_prompt_that_keeps_its_meaning_is_left_alone(moved):
    assert found(drifts([0.01, 0.02, 0.03, 0.04], a_photo=moved), "language_drift") == []


def test_a_drift_too_small_to_be_seen_is_left_alone():
    assert found(drifts([0.0001, 0.0002], a_photo=[0.0001, 0.0002]), "language_drift") == []


def test_a_prompt_that_moves_far_is_named_however_far_the_token_has_moved():
    (hint,) = found(drifts([0.01, 0.03, 0.1, 0.2], a_photo=[0.001, 0.004, 0.007, 0.008]), "language_drift")
    assert hint.begins == 300


def test_one_save_is_enough():
    (hint,) = found(drifts([0.1], a_photo=[0.1]), "language_drift")
    assert (hint.begins, hint.ends) == (100, None)
