"""Image quality on the Evaluate page: measurements made by hand, so that nothing is measured."""

import pytest

from leafcore.files import write_bytes
from leafcore.jobs import build_config
from leafcore.measure.measured import Score
from leafcore.quality.result import REAL, Cell, QualityResult
from leafcore.runs import create_run, list_runs
from tests.states import write_state


@pytest.fixture
def measured(own, journey):
    """Write a measurement of two classes that is done."""
    made = journey.runs["synthesize"].id
    run = create_run(own, "quality", build_config("quality", {"dataset": journey.dataset, "synthetic": (made,)}))
    cells = [
        Cell(
            set=key, labels=labels, features="net", fakes=30, reals=25,
            scores={"kid": Score(value=kid, sd=0.01, low=kid - 0.02, high=kid + 0.02, n=30)},
            withheld={"fid": "from 200 pictures on each side; there are 30 and 25 real ones"},
        )
        for labels in ("rust", "scab")
        for key, kid in ((REAL, 0.01), (made, 0.25))
    ]  # fmt: skip
    titles = {REAL: "Real train pictures", made: "Made"}
    found = QualityResult(
        dataset=journey.dataset, reals="val", size_px=32, titles=titles, features=("net",), cells=cells, seen={made: 3}
    )
    write_bytes(run.folder / "result.json", found.model_dump_json().encode())
    write_state(run, "done")
    return run


def open_tab(open_app, own):
    return open_app(own).open("evaluate", what="Image quality")


def test_a_class_is_a_table_with_real_pictures_beside_the_set(open_app, own, measured):
    page = open_tab(open_app, own)
    table = page.dataframe[0].value
    assert list(table.columns) == ["Measure", "Real train pictures (n = 30)", "Made (n = 30)"]
    assert table.iloc[0].tolist() == ["KID ↓", "0.01 (-0.01 to 0.03)", "0.25 (0.23 to 0.27)"]
    assert page.selectbox(key="quality_class").options == ["rust", "scab"]
    assert any("n = 25 real pictures" in caption.value for caption in page.caption)


def test_what_a_model_has_seen_and_what_is_missing_is_said(open_app, own, measured):
    page = open_tab(open_app, own)
    assert any("has seen 3 of these validation pictures" in warning.value for warning in page.warning)
    assert page.dataframe[1].value["Why"].str.contains("from 200 pictures").all()


def test_measure_queues_a_run_of_the_chosen_sets(open_app, own, journey):
    page = open_tab(open_app, own)
    page.button(key="submit-quality").click().run()
    assert not page.exception
    queued = list_runs(own, "quality")[0]
    assert queued.record.settings["synthetic"] == [journey.runs["synthesize"].id]
    assert queued.status().state == "queued"


def test_without_a_set_the_way_to_one_is_shown(open_app, workspace):
    page = open_tab(open_app, workspace)
    assert any("measured on synthetic sets" in info.value for info in page.info)
