from leafcore.measure.measured import Score
from leafcore.quality.result import ALL, REAL, Cell, QualityResult
from leafcore.quality.telling import by_set, class_title, facts, reasons

REALS = Cell(set=REAL, labels="rust", features="net", fakes=30, reals=25, scores={"kid": Score(value=0.001, n=30)})
FAKES = Cell(
    set="run", labels="rust", features="net", fakes=30, reals=25,
    scores={
        "kid": Score(value=0.2, sd=0.01, low=0.18, high=0.22, n=30),
        "coverage": Score(value=0.5, low=0.3, high=0.7, n=25),
    },
    withheld={"fid": "from 200 pictures"},
)  # fmt: skip
RESULT = QualityResult(
    dataset="leaves@1", reals="val", size_px=64, titles={REAL: "Real", "run": "Made"}, features=("net",),
    cells=[REALS, FAKES], judge="judge@3",
)  # fmt: skip


def test_a_measure_is_a_row_and_a_set_a_column():
    heads, rows = by_set(RESULT, "rust", "net")
    assert heads == ["", "Real (n = 30)", "Made (n = 30)"]
    assert rows == [["KID ↓", "0.001", "0.2 (0.18 to 0.22)"], ["Coverage ↑", "–", "50% (30% to 70%)"]]
    assert by_set(RESULT, "scab", "net") == ([""], [])


def test_what_is_missing_says_why():
    assert reasons(RESULT, "rust", "net") == {"FID, Made": "from 200 pictures"}


def test_the_facts_name_what_the_numbers_are_of():
    assert facts(RESULT) == "real validation pictures of leaves@1, all at 64 px, judge judge@3"
    tried = RESULT.model_copy(update={"judge_right": Score(value=0.95, low=0.835, high=0.986, n=40)})
    assert facts(tried).endswith("judge judge@3, which names 95% (84% to 99%) of 40 real validation pictures rightly")
    assert class_title(ALL) == "All" and class_title("frog_eye_leaf_spot") == "frog eye leaf spot"
