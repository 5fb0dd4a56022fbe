"""Blind pairwise votes between epochs: which pair to show next, and whether the best can be told from the rest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from leafcore.journal import Journal
from leafcore.pick.scores import Direction

PRIOR_SD = 1.5  # of an epoch's log-strength; keeps it finite for who always wins, and lets unseen ones be drawn
MOST_MORE = 2000  # votes beyond which nobody would go on


class Vote(BaseModel):
    """A look at two epochs' fakes of one probe.

    Attributes:
        image: The probe.
        left: The epoch shown on the left.
        right: The epoch shown on the right.
        chosen: The one that convinced more; None if neither did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    left: int = Field(ge=1)
    right: int = Field(ge=1)
    chosen: int | None = None


@dataclass(frozen=True)
class Pair:
    """Two epochs to be compared on a probe."""

    image: str
    left: int
    right: int


@dataclass(frozen=True)
class Standing:
    """How an epoch stands.

    Attributes:
        epoch: The epoch.
        wins: Of how many comparisons it won.
        votes: How many it took part in.
        strength: Its log-strength (Bradley and Terry 1952); 0 is the average.
        low: The lower end of the win rate's 95 % interval (Wilson 1927).
        high: The upper end.
    """

    epoch: int
    wins: int
    votes: int
    strength: float
    low: float
    high: float


@dataclass(frozen=True)
class Tally:
    """What the votes say.

    Attributes:
        standings: Of every epoch that was compared, the strongest first.
        votes: How many there are; skipped pairs are none.
        separable: Whether the first one's interval lies above the second's. Two 95 % intervals that do not touch are
            stricter than one test at 5 %, which leaves room for looking after every vote.
        more: About how many more votes that would take if they go on like this; None if no number would do.
    """

    standings: tuple[Standing, ...]
    votes: int
    separable: bool
    more: int | None


def vote_journal(run_folder: Path, direction: Direction) -> Journal[Vote]:
    """Return the votes on the epochs of one of a run's generators: `votes-ab.jsonl` in its folder."""
    return Journal(run_folder / f"votes-{direction}.jsonl", Vote)


def wilson(wins: float, votes: float) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); (0, 1) where nothing was counted."""
    from statsmodels.stats.proportion import proportion_confint  # takes a second, which no server start should

    if votes == 0:
        return 0.0, 1.0
    low, high = proportion_confint(wins, votes, alpha=0.05, method="wilson")
    return float(low), float(high)


def tally(votes: Sequence[Vote]) -> Tally:
    """Return what the votes on one generator say."""
    said = [vote for vote in votes if vote.chosen is not None]
    epochs = sorted({epoch for vote in said for epoch in (vote.left, vote.right)})
    strengths, _ = bradley_terry(said, epochs)
    rows = []
    for epoch, strength in zip(epochs, strengths, strict=True):
        wins = sum(vote.chosen == epoch for vote in said)
        played = sum(epoch in (vote.left, vote.right) for vote in said)
        rows.append(Standing(epoch, wins, played, float(strength), *wilson(wins, played)))
    rows.sort(key=lambda row: (-row.strength, -row.epoch))
    separable = len(rows) > 1 and rows[0].low > rows[1].high
    return Tally(tuple(rows), len(said), separable, 0 if separable else _more(rows, len(said)))


def _more(rows: Sequence[Standing], votes: int) -> int | None:
    """Return how many more votes would part the two first, if both kept their win rates and their shares of votes."""
    if len(rows) < 2:
        return None
    first, second = rows[:2]
    for factor in np.geomspace(1, (votes + MOST_MORE) / votes, 60)[1:]:
        low, _ = wilson(first.wins * factor, first.votes * factor)
        _, high = wilson(second.wins * factor, second.votes * factor)
        if low > high:
            return max(1, round(votes * (float(factor) - 1)))
    return None


def bradley_terry(votes: Sequence[Vote], epochs: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return log-strengths and their covariance, from decided votes.

    The maximum a posteriori of P(i beats j) = 1 / (1 + exp(s_j - s_i)) (Bradley and Terry 1952, "Rank analysis of
    incomplete block designs", Biometrika 39) under a normal prior, found by Newton's method; the covariance is the
    inverse of the Hessian there.

    Args:
        votes: All between `epochs`; skipped ones are left out.
        epochs: Whom to rank, E of them.

    Returns:
        (E,) and (E, E) float64.
    """
    place = {epoch: number for number, epoch in enumerate(epochs)}
    decided = [vote for vote in votes if vote.chosen in place and vote.left in place and vote.right in place]
    design = np.zeros((len(decided), len(epochs)))  # +1 for who won, -1 for who lost
    for row, vote in zip(design, decided, strict=True):
        row[[place[vote.left], place[vote.right]]] = -1
        row[place[vote.chosen or 0]] = 1
    strengths = np.zeros(len(epochs))
    hessian = prior = np.eye(len(epochs)) / PRIOR_SD**2
    for _ in range(25):
        wins = 1 / (1 + np.exp(-design @ strengths))
        hessian = prior + design.T @ (design * (wins * (1 - wins))[:, None])
        step = np.linalg.solve(hessian, design.T @ (1 - wins) - prior @ strengths)
        strengths = strengths + step
        if np.abs(step).max(initial=0) < 1e-9:
            break
    return strengths, np.linalg.inv(hessian)


def next_pair(votes: Sequence[Vote], epochs: Sequence[int], images: Sequence[str], seed: str) -> Pair:
    """Return the pair whose outcome says most; the same as long as no vote is added, whoever asks.

    A comparison tells the more, the less certain its outcome and the less known the difference: p (1 - p) times the
    variance of the difference, which is the gain in the determinant of the information (D-optimality).

    Args:
        votes: On this generator so far, skipped ones too.
        epochs: The candidates, at least two.
        images: The probes, at least one; the pair's least shown one is taken.
        seed: Decides between equals, and who stands left.
    """
    rng = _generator(f"{seed} {len(votes)}")
    strengths, covariance = bradley_terry(votes, epochs)
    last = {votes[-1].left, votes[-1].right} if votes else set()
    best: list[tuple[int, int]] = []
    best_gain = -1.0
    for i in range(len(epochs)):
        for j in range(i):
            if len(epochs) > 2 and {epochs[i], epochs[j]} == last:
                continue  # twice in a row tires, and a skipped pair would never go away
            win = 1 / (1 + np.exp(strengths[j] - strengths[i]))
            gain = win * (1 - win) * (covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
            if gain > best_gain * (1 + 1e-6):
                best, best_gain = [(epochs[i], epochs[j])], gain
            elif gain > best_gain * (1 - 1e-6):
                best.append((epochs[i], epochs[j]))
    chosen = rng.permutation(best[rng.integers(len(best))])
    pair = {int(epoch) for epoch in chosen}
    shown = [sum(vote.image == image and {vote.left, vote.right} == pair for vote in votes) for image in images]
    fewest = [image for image, count in zip(images, shown, strict=True) if count == min(shown)]
    return Pair(fewest[rng.integers(len(fewest))], int(chosen[0]), int(chosen[1]))


def _generator(seed: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
