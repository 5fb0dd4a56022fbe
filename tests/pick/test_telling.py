from leafcore.pick.scores import EpochScores, Score, ScoreResult, told
from leafcore.pick.telling import by_epoch, by_run

KID = Score(value=0.0213, sd=0.00412, n=40)
RATE = Score(value=0.9, low=0.77, high=0.96, sd=0.3, n=40)
NAMED = {"direction": "ab", "dataset": "leaves@1", "split": "val", "features": "lite0"}


def result(run: str, recommended: int | None) -> ScoreResult:
    epochs = [EpochScores(epoch=4, scores={"kid": KID, "target_rate": RATE}), EpochScores(epoch=8, scores={"kid": KID})]
    return ScoreResult(run=run, **NAMED, epochs=epochs, recommended=recommended, untranslated={"kid": KID})


def test_a_score_is_told_with_its_noise():
    assert told("kid", KID) == "0.0213 ± 0.0041"
    assert told("target_rate", RATE) == "90% (77% to 96%)"
    assert told("outside", Score(value=3.14, low=2.5, high=3.8, n=9)) == "3.14 (2.5 to 3.8)"
    assert told("fid", Score(value=12.345, n=300)) == "12.3"


def test_epochs_stand_one_below_the_other_with_the_pictures_before_translation():
    heads, rows = by_epoch(result("one", 4))
    assert heads == ["epoch", "KID", "Target rate"]
    assert [row[0] for row in rows] == ["4 *", "8", "untranslated"]
    assert rows[1][1:] == ["0.0213 ± 0.0041", "–"]


def test_runs_are_compared_by_the_epoch_they_recommend_or_their_last():
    heads, rows = by_run([result("one", 4), result("other", None)])
    assert heads[:2] == ["run", "epoch"]
    assert [row[:2] for row in rows] == [["one", "4"], ["other", "8"]]
