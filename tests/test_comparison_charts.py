import numpy as np
import pytest

from leafcore.evaluate.result import Estimate
from ui import comparison_charts as charts

NAMES = ("healthy", "rust")
FIRST, SECOND = np.array([[8, 2, 0], [1, 3, 0]]), np.array([[9, 1, 0], [0, 2, 2]])


def test_a_confusion_matrix_is_shown_in_counts_or_shares_of_rows_or_columns():
    assert charts.shares_of(FIRST, charts.COUNTS).tolist() == FIRST.tolist()
    assert charts.shares_of(FIRST, charts.ROWS).sum(1) == pytest.approx([1, 1])
    assert charts.shares_of(FIRST, charts.COLUMNS).sum(0) == pytest.approx([1, 1, 0]), "an empty column is 0"


def test_the_difference_is_second_minus_first_and_its_colors_lie_evenly_about_zero():
    (drawn,) = charts.confusion_difference(FIRST, SECOND, NAMES, charts.ROWS).data
    assert np.array(drawn.z) == pytest.approx(np.array([[0.1, -0.1, 0], [-0.25, -0.25, 0.5]]))
    assert drawn.zmin == -drawn.zmax == pytest.approx(-0.5) and "+" in drawn.texttemplate, "the sign is printed"


def test_equal_matrices_differ_by_nothing():
    (drawn,) = charts.confusion_difference(FIRST, FIRST, NAMES, charts.COUNTS).data
    assert not np.any(drawn.z) and drawn.zmax > 0


def test_a_forest_marks_what_has_no_interval_and_what_has_a_star():
    rows = {"rust": Estimate(value=0.1, low=0.05, high=0.2), "scab": Estimate(value=0.1)}
    (drawn,) = charts.forest(rows, "difference", starred=["rust"]).data
    assert list(drawn.y) == ["rust ★", "scab"] and list(drawn.marker.symbol) == ["circle", "circle-open"]
    assert drawn.error_x.array[0] == pytest.approx(0.1) and drawn.error_x.arrayminus[0] == pytest.approx(0.05)


def test_each_classifier_has_a_line_and_each_arm_one_entry_in_the_legend():
    figure = charts.rounds({"Real": {"0": [0.1, 0.2], "1": [0.3, 0.2]}, "Synthetic": {"0": [0.1], "1": [0.2]}})
    assert len(figure.data) == 4 and [line.name for line in figure.data if line.showlegend] == ["Real", "Synthetic"]
    assert list(figure.data[0].x) == [1, 2] and figure.data[2].mode == "markers"
