"""Votes by hand: what they say, what they do not say yet, and which pair is shown next."""

import numpy as np
import pytest

from leafcore.pick.votes import Vote, bradley_terry, next_pair, tally, vote_journal, wilson


def vote(winner, loser, image="x.png"):
    return Vote(image=image, left=min(winner, loser), right=max(winner, loser), chosen=winner)


def skip(left, right, image="x.png"):
    return Vote(image=image, left=left, right=right)


def test_wilsons_interval_of_three_in_five():
    # By hand: centre (3/5 + z^2/10) / (1 + z^2/5), half-width z sqrt(p q / 5 + z^2 / 100) / (1 + z^2/5), z = 1.95996.
    z = 1.959964
    centre, half = (0.6 + z**2 / 10) / (1 + z**2 / 5), z * (0.6 * 0.4 / 5 + z**2 / 100) ** 0.5 / (1 + z**2 / 5)
    assert wilson(3, 5) == pytest.approx((centre - half, centre + half), abs=1e-6)
    assert wilson(0, 0) == (0, 1)


def test_strengths_solve_the_equation_of_the_model():
    votes = [vote(1, 2)] * 7 + [vote(2, 1)] * 3 + [vote(2, 3)] * 4 + [vote(3, 1)]
    strengths, covariance = bradley_terry(votes, [1, 2, 3])
    expected = np.zeros(3)  # at the maximum: wins = expected wins + strength / prior variance
    for one in votes:
        i, j = one.left - 1, one.right - 1
        win = 1 / (1 + np.exp(strengths[j] - strengths[i]))
        expected += np.eye(3)[i] * win + np.eye(3)[j] * (1 - win)
    assert np.array([7, 7, 1]) == pytest.approx(expected + strengths / 1.5**2, abs=1e-6)
    assert strengths.sum() == pytest.approx(0, abs=1e-9)
    assert (np.linalg.eigvalsh(covariance) > 0).all()


def test_a_win_against_the_strong_counts_more_than_one_against_the_weak():
    votes = [vote(1, 2)] * 6 + [vote(3, 1), vote(4, 2)]
    strengths, _ = bradley_terry(votes, [1, 2, 3, 4])
    assert strengths[2] > strengths[3]


def test_few_votes_do_not_part_two_epochs_and_many_do():
    few = tally([vote(8, 4)] * 2 + [vote(4, 8)])
    assert not few.separable and few.more is not None and few.votes == 3
    assert [row.epoch for row in few.standings] == [8, 4]
    many = tally(([vote(8, 4)] * 2 + [vote(4, 8)]) * ((3 + few.more) // 3 + 1))
    assert many.separable and many.more == 0, "the votes foretold are enough if they go on like this"


def test_equal_epochs_are_never_parted():
    assert tally([vote(8, 4), vote(4, 8)] * 20).more is None


def test_skipped_pairs_are_no_votes():
    said = tally([skip(4, 8), vote(8, 4)])
    assert said.votes == 1 and {row.epoch: (row.wins, row.votes) for row in said.standings} == {8: (1, 1), 4: (0, 1)}
    assert tally([skip(4, 8)]).standings == ()


def test_the_pair_stays_until_there_is_a_vote():
    asked = [next_pair([], [1, 2, 3], ["x", "y"], "seed") for _ in range(3)]
    assert len(set(asked)) == 1
    assert next_pair([skip(asked[0].left, asked[0].right)], [1, 2, 3], ["x", "y"], "seed") != asked[0]


def test_neither_side_is_favoured():
    left = [next_pair([], [1, 2], ["x"], str(seed)).left for seed in range(200)]
    assert 70 < left.count(1) < 130


def test_every_pair_is_seen_before_one_is_seen_thrice():
    votes = []
    for _ in range(6):
        pair = next_pair(votes, [1, 2, 3, 4], ["x"], "seed")
        votes.append(
            skip(pair.left, pair.right) if not votes else vote(max(pair.left, pair.right), min(pair.left, pair.right))
        )
    assert len({frozenset((one.left, one.right)) for one in votes}) >= 5


def test_a_clear_loser_is_asked_about_less_than_close_rivals():
    votes = [vote(2, 1)] * 12 + [vote(3, 1)] * 12 + [vote(2, 3), vote(3, 2)] * 2
    pair = next_pair([*votes, skip(1, 2)], [1, 2, 3], ["x"], "seed")
    assert {pair.left, pair.right} == {2, 3}


def test_a_pair_is_shown_on_the_probe_it_was_shown_least_on():
    pair = next_pair([vote(2, 1, "x"), vote(1, 2, "y")], [1, 2], ["x", "y", "z"], "seed")
    assert pair.image == "z"


def test_votes_are_on_disk_for_each_generator(tmp_path):
    vote_journal(tmp_path, "ab").add(vote(8, 4))
    assert vote_journal(tmp_path, "ab").read() == [vote(8, 4)]
    assert vote_journal(tmp_path, "ba").read() == []
