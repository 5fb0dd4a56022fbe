import pytest

from leafcore.train.early_stopping import EarlyStopping


@pytest.mark.parametrize(
    ("patience", "scores", "ends_after"),
    [
        (2, (0.1, 0.5, 0.5, 0.4, 0.9), 4),  # equal is no better
        (2, (0.5, 0.4, 0.6, 0.5, 0.7), None),  # what is better starts the count anew
        (1, (0.3, 0.2), 2),
        (0, (0.3, 0.2, 0.1, 0.0), None),
    ],
)
def test_training_ends_after_so_many_epochs_without_a_better_one(patience, scores, ends_after):
    stopping, due = EarlyStopping(patience), []
    for score in scores:
        stopping.note(score)
        due.append(stopping.is_due)
    assert (due.index(True) + 1 if True in due else None) == ends_after


def test_the_count_survives_a_resume():
    before, after = EarlyStopping(2), EarlyStopping(2)
    for score in (0.5, 0.4):
        before.note(score)
    after.load_state_dict(before.state_dict())
    after.note(0.5)
    assert after.is_due and not before.is_due
