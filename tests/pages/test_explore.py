"""The explorer: what a click means, what the charts hold, what the gallery shows."""

import pandas as pd
import pytest

from leafcore.data.browse import image_sizes
from leafcore.data.manifest import load
from ui.count_charts import ROOT, Click, bars, clicked, megapixels, treemap
from ui.gallery import Filters, filters_of

SETS = pd.DataFrame(
    {"train": [6, 3, 2, 1], "val": [2, 0, 1, 0], "test": [2, 1, 1, 1], "synthetic": [0, 4, 0, 0]},
    index=["healthy", "rust", "scab", "rust scab"],
)
SETS["total"] = SETS[["train", "val", "test"]].sum(axis=1)


def point_of(figure, part, labels):
    """Return what a click on a bar selects, from the figure's own data."""
    trace = next(trace for trace in figure.data if trace.name.startswith(part))
    return {"points": [{"customdata": trace.customdata[list(SETS.index).index(labels)]}]}


@pytest.mark.parametrize(
    ("part", "labels", "expected"),
    [
        ("val", "rust scab", {"cls": "rust scab", "split": "val", "src": "photographs"}),
        ("synthetic", "rust", {"cls": "rust", "split": "all", "src": "synthetic"}),
    ],
)
def test_a_click_on_a_bar_becomes_the_gallerys_filters(part, labels, expected):
    figure = bars(SETS, ["train", "val", "test", "synthetic"])
    click = clicked(point_of(figure, part, labels), by_label=False)
    assert click is not None and filters_of(click) == expected


def test_a_click_on_a_labels_bar_means_the_label_alone_or_among_others():
    click = clicked({"points": [{"customdata": ["rust", "train"]}]}, by_label=True)
    assert click == Click(label="rust", part="train")
    assert filters_of(click) == {"cls": "any rust", "split": "train", "src": "photographs"}


def test_nothing_selected_means_nothing():
    assert clicked({"points": []}, by_label=False) is None
    assert clicked({}, by_label=False) is None


def test_the_treemap_puts_label_sets_inside_their_labels():
    (trace,) = treemap(SETS).data
    value = dict(zip(trace.ids, trace.values, strict=True))
    parent = dict(zip(trace.ids, trace.parents, strict=True))
    names = dict(zip(trace.ids, trace.labels, strict=True))
    assert value == {
        ROOT: 10 + (4 + 2) + (4 + 2),
        "healthy\nhealthy": 10,
        "rust": 6, "rust\nrust": 4, "rust\nrust scab": 2,
        "scab": 6, "scab\nscab": 4, "scab\nrust scab": 2,
    }  # fmt: skip
    assert {box for box, above in parent.items() if above == ROOT} == {"healthy\nhealthy", "rust", "scab"}
    assert parent["scab\nrust scab"] == "scab" and names["scab\nrust scab"] == "rust + scab"
    assert names["rust\nrust"] == "alone"


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (ROOT, Click()),
        ("healthy\nhealthy", Click(labels="healthy")),
        ("rust", Click(label="rust")),
        ("scab\nrust scab", Click(labels="rust scab")),
    ],
)
def test_a_click_on_a_box_means_its_label_or_label_set(box, expected):
    assert box in treemap(SETS).data[0].ids
    assert clicked({"points": [{"id": box}]}, by_label=False) == expected


def test_what_is_not_chosen_is_faint_and_what_is_synthetic_hatched():
    figure = bars(SETS, ["train", "synthetic"], chosen=("rust", "synthetic"))
    train, synthetic = figure.data[:2]
    assert synthetic.marker.opacity[1] == 1.0
    assert {*train.marker.opacity, synthetic.marker.opacity[0]} == {0.3}
    assert synthetic.marker.pattern.shape == "/" and not train.marker.pattern.shape


def test_bars_end_with_their_count_and_what_it_is_worth():
    ends = bars(SETS).data[-1]
    assert ends.text[0].strip() == "10 (worth 10)"
    assert bars(SETS, ["test", "synthetic"]).data[-1].text == (
        " 2 (worth 2)",
        " 1 (worth 1)",
        " 1 (worth 1)",
        " 1 (worth 1)",
    )
    assert {trace.type for trace in bars(SETS, log=True).data} == {"bar"}, (
        "on a logarithmic axis bars stand side by side"
    )


def test_megapixels_hold_every_picture():
    table = pd.DataFrame({"width": [1000, 2000], "height": [1000, 1000]})
    assert sum(megapixels(image_sizes(table)).data[0].y) == 2


@pytest.mark.parametrize(
    ("labels", "source", "by_label", "expected"),
    [
        ("all", "photographs", False, ("", "train")),
        ("rust", "photographs", False, ("rust", "train")),
        ("any rust", "photographs", True, ("rust", "train")),
        ("any rust", "photographs", False, ("", "train")),
        ("rust", "some-run", False, ("rust", "synthetic")),
    ],
)
def test_the_bars_show_what_the_gallery_shows(labels, source, by_label, expected):
    filters = Filters(split="train", labels=labels, source=source, text="", order="name")
    assert filters.chosen(by_label) == expected


def shown(page):
    return next(caption.value for caption in page.caption if " pictures, page" in caption.value)


def test_the_address_sets_the_gallerys_filters(open_app, journey):
    dataset = load(journey.workspace, "leaves")
    page = open_app(journey.workspace).open("datasets", cls="rust", split="train")
    assert shown(page) == f"{len(dataset.select(split='train', labels='rust'))} pictures, page 1 of 1."
    page = open_app(journey.workspace).open("datasets", src="synthetic")
    assert shown(page) == "6 pictures, page 1 of 1."
    page = open_app(journey.workspace).open("datasets", src=journey.runs["synthesize"].id, cls="healthy")
    assert "No picture is like that." in [caption.value for caption in page.caption]


def test_a_name_is_searched_and_the_first_page_shown(open_app, journey):
    page = open_app(journey.workspace).open("datasets")
    page.text_input(key="gallery_name").input("RUST-00").run()
    assert shown(page) == "10 pictures, page 1 of 1."


@pytest.mark.parametrize("view", ["Treemap", "Table", "Sizes"])
def test_every_view_draws(open_app, journey, view):
    page = open_app(journey.workspace).open("datasets", view=view)
    assert page.segmented_control(key="view").value == view


def test_the_synthetic_sets_that_are_counted_are_named(open_app, journey):
    page = open_app(journey.workspace).open("datasets")
    assert f"Synthetic: 6 rust `{journey.runs['synthesize'].id}`." in [caption.value for caption in page.caption]


def test_an_open_tab_is_in_the_address_and_the_others_are_not_drawn(open_app, journey):
    page = open_app(journey.workspace).open("datasets", tab="Balance")
    assert page.segmented_control(key="plan_target").value == "Median"
    assert not [box for box in page.selectbox if box.key == "cls"]
