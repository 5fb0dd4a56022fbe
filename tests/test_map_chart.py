import numpy as np
import pandas as pd
import pytest

from ui import map_chart
from ui.map_chart import OTHER, embedding_map, selected_rows


def table(count: int, sources: tuple[str, ...] = ("real",)) -> pd.DataFrame:
    rows = np.arange(count)
    return pd.DataFrame(
        {
            "image": [f"leaf/{row}.png" for row in rows],
            "source": [sources[row % len(sources)] for row in rows],
            "labels": "rust",
            "split": "train",
            "x": rows.astype(float),
            "y": -rows.astype(float),
        }
    )


def test_synthetic_pictures_have_the_colour_of_their_kind_and_a_symbol_of_their_own():
    rows = table(8, ("real", "run-1"))
    photographs, made = embedding_map(rows, pd.Series("rust", rows.index)).data
    assert photographs.marker.color == made.marker.color
    assert photographs.marker.symbol != made.marker.symbol
    assert (photographs.name, made.name) == ("rust", "rust, synthetic")
    assert list(made.customdata) == [1, 3, 5, 7] and list(made.x) == [1, 3, 5, 7]


def test_no_two_kinds_look_the_same():
    rows = table(210)
    data = embedding_map(rows, (rows.index % 21).to_series(index=rows.index).astype(str)).data
    assert len({(trace.marker.color, trace.marker.symbol) for trace in data}) == len(data) == 21


def test_the_rarest_of_too_many_kinds_are_other():
    rows = table(100)
    kinds = pd.Series(np.where(rows.index < 60, rows.index % 20, rows.index), rows.index).astype(str)
    drawn = {trace.name: len(trace.x) for trace in embedding_map(rows, kinds).data}
    assert drawn[OTHER] == 39 and sum(drawn.values()) == 100


def test_of_too_many_points_a_fixed_sample_is_drawn(monkeypatch):
    monkeypatch.setattr(map_chart, "MOST_POINTS", 30)
    rows = table(100)
    kinds = pd.Series("rust", rows.index)
    (one,), (other,) = embedding_map(rows, kinds).data, embedding_map(rows, kinds).data
    assert len(set(one.customdata)) == 30 and list(one.customdata) == list(other.customdata)


@pytest.mark.parametrize(("points", "rows"), [([], []), ([7, 2], [2, 7]), ([[4], [4]], [4])])
def test_chosen_points_are_rows_of_the_table(points, rows):
    event = {"selection": {"points": [{"customdata": point} for point in points]}}
    assert selected_rows(event).tolist() == rows
