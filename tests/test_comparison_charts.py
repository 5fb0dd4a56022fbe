import numpy as np
import pytest

from leafcore.evaluate.generators import Crossed, Generator, SpreadOfScores
from leafcore.evaluate.result import Estimate
from ui import comparison_charts as charts
from ui.looking import matrix
from ui.mask_charts import classes_confused

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


def luminance(color: str) -> float:
    """The relative luminance of a color, as WCAG 2.2 defines it."""
    parts = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "figure",
    [
        charts.confusion(FIRST, NAMES, charts.ROWS),
        charts.confusion_difference(FIRST, SECOND, NAMES, charts.ROWS),
        classes_confused([[8, 2], [1, 3]], NAMES),
        matrix(NAMES, FIRST, "rust>healthy"),
    ],
)
def test_numbers_can_be_read_on_every_shade(figure):
    cells, ink = figure.data[0], figure.data[-1].textfont.color
    assert min(contrast(ink, shade) for _, shade in cells.colorscale) >= 4.5


def test_rows_say_how_many_pictures_they_are_of_and_an_empty_column_is_left_out():
    first, second = charts.confusion(FIRST, NAMES, charts.ROWS), charts.confusion(SECOND, NAMES, charts.ROWS)
    assert list(first.data[0].y) == ["healthy<br>n = 10", "rust<br>n = 4"] and list(first.data[0].x) == list(NAMES)
    assert list(second.data[0].x) == [*NAMES, "other"] and "other: " in second.layout.xaxis.title.text


def test_differences_of_shares_are_in_points_and_those_of_counts_in_pictures():
    figure = charts.confusion_difference(FIRST, SECOND, NAMES, charts.ROWS)
    (drawn,) = figure.data
    assert np.array(drawn.text, float)[0] == pytest.approx([10, -10, 0]) and "%}" not in drawn.texttemplate
    assert "points" in figure.layout.xaxis.title.text and "points" in drawn.hovertemplate
    counted = charts.confusion_difference(FIRST, SECOND, NAMES, charts.COUNTS)
    assert "pictures" in counted.layout.xaxis.title.text and counted.data[0].texttemplate == "%{z:+d}"


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


@pytest.mark.parametrize("interval", [{}, {"low": -0.2, "high": 0.4}])
def test_every_classifier_of_every_generator_is_a_point_and_the_mean_of_all_has_the_interval(interval):
    family = Crossed(
        title="Real + synthetic",
        generators=tuple(Generator(arm="a", set="s", seeds=(seed,), epochs=(4,)) for seed in (0, 7)),
        macro_f1=((0.5, 0.6, 0.7), (0.7, 0.8, 0.9)),
        to_real=((-0.1, 0.1, 0.0), (0.1, 0.3, 0.2)),
        difference=Estimate(value=0.1, **interval),
        spread=SpreadOfScores(generators=0.1, classifiers=0.1, rest=0, to_real=0.1),
        verdict="…",
    )
    *seeds, mean = charts.generators(family, 5).data
    assert [trace.name for trace in seeds] == [f"classifier seed {seed}" for seed in (5, 6, 7)]
    assert [list(trace.x) for trace in seeds] == [[-0.1, 0.1], [0.1, 0.3], [0.0, 0.2]]
    assert len({trace.marker.symbol for trace in seeds}) == 3, "told apart without color"
    assert list(mean.y) == ["generator seed 0", "generator seed 7", "all"]
    assert list(mean.x) == pytest.approx([0, 0.2, 0.1])
    if interval:
        assert list(mean.error_x.array)[-1] == pytest.approx(0.3)
        assert list(mean.error_x.arrayminus)[-1] == pytest.approx(0.3)
    else:
        assert mean.error_x.array is None
