import numpy as np
import pandas as pd
import pytest

from leafcore.train.hints import Hint
from ui.loss_charts import linked, overlaid, panels_of
from ui.series import FEW, MAX_POINTS


def curves(count: int, *names: str) -> dict[str, pd.Series]:
    rng = np.random.default_rng(0)
    return {name: pd.Series(rng.random(count), index=np.arange(1, count + 1)) for name in names}


def test_losses_have_their_places_and_everything_else_its_own():
    panels, others = panels_of(curves(3, "cycle_a", "disc_b", "epoch", "val_macro_f1"))
    assert [list(panel) for panel in panels.values()] == [["disc_b"], ["cycle_a"]]
    assert list(others) == ["val_macro_f1"]


def test_a_model_that_began_as_another_has_its_distances_in_a_panel_of_their_own():
    panels, others = panels_of(curves(3, "learned", "drift_a_leaf", "denoising", "denoising_prior", "epoch"))
    assert {title: list(panel) for title, panel in panels.items()} == {
        "Denoising": ["denoising", "denoising_prior"],
        "Distance from the base model": ["learned", "drift_a_leaf"],
    }
    assert others == {} and len(set(panels["Distance from the base model"].values())) == 2


def test_smoothing_draws_a_line_over_a_faint_one():
    recorded = curves(50, "cycle_a")
    panels, _ = panels_of(recorded)
    faint, line = linked(recorded, panels, weight=0.9).data
    assert faint.opacity < line.opacity == 1 and not faint.showlegend and line.showlegend
    assert np.ptp(line.y) < np.ptp(faint.y)
    assert len(linked(recorded, panels, weight=0.0).data) == 1


def test_a_line_of_few_points_is_drawn_as_it_was_recorded():
    recorded = curves(FEW - 1, "val_macro_f1")
    (line,) = linked(recorded, {"Scores": panels_of(recorded)[1]}, weight=0.9).data
    np.testing.assert_allclose(line.y, recorded["val_macro_f1"].astype("float32"))


def test_a_long_run_is_thinned_and_a_part_of_it_drawn_in_full():
    recorded = curves(50_000, "cycle_a")
    panels, _ = panels_of(recorded)
    (whole,) = linked(recorded, panels).data
    (part,) = linked(recorded, panels, steps=(101, 1100)).data
    assert len(whole.x) <= MAX_POINTS
    assert part.x.tolist() == list(range(101, 1101))


def test_a_part_is_smoothed_by_all_that_came_before_it():
    recorded = curves(100, "cycle_a")
    panels, _ = panels_of(recorded)
    whole, part = (linked(recorded, panels, weight=0.9, steps=steps).data[1] for steps in (None, (60, 100)))
    np.testing.assert_array_equal(whole.y[59:], part.y)


@pytest.mark.parametrize(("steps", "count"), [(None, 2), ((1, 5), 0)])
def test_hints_are_marked_in_every_chart_if_they_began_in_it(steps, count):
    recorded = curves(20, "cycle_a", "disc_a")
    panels, _ = panels_of(recorded)
    figure = linked(recorded, panels, steps=steps, marks=[Hint("diverging", "rising", "", "", begins=10)])
    assert len(figure.layout.shapes) == count


def test_names_of_marks_that_begin_close_together_are_not_printed_over_each_other():
    recorded = curves(1000, "cycle_a")
    at = (1, 5, 9, 13, 17, 900)
    marks = [Hint("unchanged", f"way {step} changes nothing", "", "", begins=step) for step in at]
    figure = linked(recorded, panels_of(recorded)[0], marks=marks)
    named = [note for note in figure.layout.annotations if "changes nothing" in note.text]
    assert [(note.x, note.yshift) for note in named] == [(1, 0), (5, 14), (9, 28), (13, 42), (900, 0)]
    assert len(figure.layout.shapes) == len(marks), "one whose name has no room is marked still"


def test_runs_over_each_other_differ_in_color_and_dash():
    lines = overlaid(curves(10, "one", "two")).data
    assert lines[0].line.color != lines[1].line.color and lines[0].line.dash != lines[1].line.dash


def test_a_legend_of_many_long_names_lies_over_neither_title_nor_lines():
    names = [f"real_plus_synthetic-{seed}_val_macro_f1" for seed in range(9)]
    many, one = (
        linked(drawn, {"Scores": panels_of(drawn)[1]}).layout
        for drawn in (curves(8, *names), curves(8, "val_macro_f1"))
    )
    legend_px = 4 * 30  # nine names of 34 letters, each after its dash, at 120 letters a line of 30 px
    assert many.annotations[0].yshift == legend_px and one.annotations[0].yshift == 0
    assert many.margin.t == one.margin.t + legend_px
    assert many.height == one.height + legend_px - 44, "a panel as high as it was with two lines"
