"""The Runs page over a finished journey: what is drawn in each tab, and what the address carries."""

import json
import shutil

import pytest

from leafcore.jobs import KINDS, build_config
from leafcore.runs import Run, create_run, list_runs
from leafcore.train.configs import is_generative
from leafcore.usage import Use, note
from tests.states import write_state
from ui.results import CHOSEN, OF_A_DATASET, OF_A_RUN, place_of

LEAFGAN = "leafgan"


@pytest.fixture
def run(own) -> Run:
    return next(run for run in list_runs(own) if run.kind == LEAFGAN)


@pytest.fixture
def twin(run) -> Run:
    """A second run of other settings that draws the same probes."""
    folder = run.folder.with_name(run.folder.name.replace("leafgan-", "leafgan-f"))
    shutil.copytree(run.folder, folder)
    record = json.loads((folder / "config.json").read_text())
    record["settings"]["weight_cycle"] = 3.0
    (folder / "config.json").write_text(json.dumps(record))
    return Run(folder)


def charts(page) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def test_the_losses_of_a_translation_are_in_two_charts_that_share_their_steps(open_app, own, run):
    (chart,) = charts(open_app(own).open("runs", run=run.id))
    assert chart["layout"]["xaxis"]["matches"] == "x2"
    axes = {line["name"]: line["yaxis"] for line in chart["data"]}
    assert axes["adversarial ab"] == axes["disc b"] == "y" and axes["cycle a"] == axes["background b"] == "y2"


def test_a_hint_is_said_and_marked_where_it_began(open_app, own, run):
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "time": 0, "cycle_a": null}\n')
    page = open_app(own).open("runs", run=run.id)
    assert page.warning[0].value.startswith("**Since step 7.** From step 7 on, cycle a is not a number")
    assert {shape["x0"] for shape in charts(page)[0]["layout"]["shapes"]} == {7}


def test_what_has_passed_is_told_in_one_line_and_what_still_holds_in_a_box(open_app, own, run):
    changes = {"change_ab": [0.001] * 150 + [0.2] * 150, "change_ba": [0.001] * 200 + [0.2] * 100}
    lasting = {"disc_b": [0.25] * 300}
    rows = [{"step": step, "time": 0} for step in range(8, 308)]
    for name, values in (changes | lasting).items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = open_app(own).open("runs", run=run.id)
    (box,) = page.info
    assert "the discriminator only guesses" in box.value
    passed = next(caption for caption in page.caption if "Passed by step 208" in caption.value)
    assert "healthy → rust changes nothing (steps 8 to 158); rust → healthy changes nothing (steps 8 to" in passed.value


def test_the_address_carries_smoothing_axis_and_steps(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, smooth="0.6", logq="true", steps="2-4")
    (chart,) = charts(page)
    assert page.select_slider(key="smooth").value == 0.6
    assert chart["layout"]["yaxis"]["type"] == "log"
    assert chart["layout"]["yaxis2"]["type"] == "log"


def test_steps_that_are_none_are_named_and_all_are_drawn(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, steps="later")
    assert "expected two steps such as 1000-5000" in page.warning[0].value
    assert len(charts(page)) == 1


def test_all_steps_are_drawn_again_by_one_click(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, steps="2-4")
    page.button(key="all_steps").click().run()
    assert page.text_input(key="steps").value == "" and page.button(key="all_steps").disabled
    assert len(charts(page)) == 1


def test_the_losses_say_which_label_sets_they_are_about(open_app, own, run):
    page = open_app(own).open("runs", run=run.id)
    assert any("a: healthy · b: rust · ab: healthy → rust" in caption.value for caption in page.caption)


def test_a_run_that_is_no_training_has_its_newest_picture_and_no_empty_tab(open_app, own):
    made = list_runs(own, "synthesize")[0]
    page = open_app(own).open("runs", run=made.id, run_tab="Charts")
    assert [tab.label for tab in page.tabs][:2] == ["Samples", "Config"]
    assert len(page.get("image")) == 1
    (made.folder / "sample.jpg").unlink()
    assert page.run().tabs[0].label == "Config"


@pytest.mark.parametrize(
    ("kind", "page", "query"),
    [
        ("import", "datasets", {"ds": "leaves"}),
        ("lflseg", "masks", {"ds": "leaves"}),
        ("masks", "masks", {"ds": "leaves", "mask_tab": "Mask sets"}),
        ("leafgan", "epochs", {"erun": "leafgan"}),
        ("synthesize", "studio", {"set": "synthesize"}),
        ("export", "studio", {"set": "synthesize"}),
        ("evaluate", "evaluate", {"cmp": "evaluate"}),
    ],
)
def test_a_finished_run_opens_what_it_made(open_app, own, journey, kind, page, query):
    of = {name: run.id for name, run in journey.runs.items()}
    place = place_of(Run(own.run(of[kind])))
    assert (
        place.page == page
        and {key: of.get(value, value) for key, value in query.items()}.items() <= dict(place.query).items()
    )
    app = open_app(own)
    app.open("runs", run=of[kind]).button(key=f"result-{of[kind]}").click().run()
    assert not app.test.exception and not [box.value for box in app.test.info if "not here any more" in box.value]


def test_every_finished_kind_is_shown_somewhere_or_known_not_to_be():
    shown = {*CHOSEN, *OF_A_DATASET, *OF_A_RUN, "probes", *filter(is_generative, KINDS)}
    assert set(KINDS) - shown == {"preflight", "adopt", "write", "write-weights", "reproduce"}


def test_probes_open_beside_the_newest_comparison_of_the_same_pictures(open_app, own, journey):
    run = create_run(own, "probes", build_config("probes", {"dataset": journey.dataset}))
    write_state(run, "done")
    open_app(own)
    assert dict(place_of(run).query)["cmp"] == journey.runs["evaluate"].id
    other = create_run(own, "probes", build_config("probes", {"dataset": "other@0123456789ab"}))
    write_state(other, "done")
    assert place_of(other) is None


def test_classifiers_that_are_trained_one_after_another_share_no_chart_of_steps(open_app, own):
    run = list_runs(own, "evaluate")[0]
    assert run.metrics()
    page = open_app(own).open("runs", run=run.id)
    assert "Charts" not in [tab.label for tab in page.tabs]
    assert any(link.label == "Learning curves" for link in page.get("page_link"))


def test_samples_of_many_probes_are_of_fewer_epochs(open_app, own, run, monkeypatch):
    monkeypatch.setattr("ui.watching.MOST_ROWS", 3)  # two probes a direction
    page = open_app(own).open("runs", run=run.id, run_tab="Samples")
    assert [text.value for text in page.markdown if text.value.startswith("**Epoch")] == ["**Epoch 2**"]


def test_samples_show_the_newest_epoch_first(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, run_tab="Samples")
    heads = [text.value for text in page.markdown if text.value.startswith("**Epoch")]
    assert heads == ["**Epoch 2**", "**Epoch 1**"]
    page.selectbox(key="upto").set_value(1).run()
    assert [text.value for text in page.markdown if text.value.startswith("**Epoch")] == ["**Epoch 1**"]


def test_the_config_tab_marks_what_differs_from_the_nearest_preset(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, run_tab="Config", changed_only="true")
    table = page.dataframe[0].value
    assert set(table[""]) == {"●"}
    assert table.set_index("Setting").loc["filters", ["Value", "preset smoke"]].tolist() == ["4", "8"]
    assert "--preset smoke" in page.code[0].value and "--filters 4" in page.code[0].value


def test_the_files_tab_lists_what_lies_in_the_folder(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, run_tab="Files")
    assert {"config.json", "metrics.jsonl", "weights/0002.safetensors"} <= set(page.dataframe[0].value["File"])


def test_the_list_is_read_only_when_it_is_open(open_app, own, run):
    assert not open_app(own).open("runs", run=run.id).dataframe, "its charts come first, and are no table"


def test_a_link_may_narrow_the_list_by_kind_and_state(open_app, own):
    page = open_app(own).open("runs", kinds="Train LeafGAN", states="done")
    assert page.dataframe[0].value["Kind"].tolist() == ["Train LeafGAN"]
    page.multiselect(key="states").set_value([]).run()
    page.multiselect(key="kinds").set_value([]).run()
    assert len(page.dataframe[0].value) == len(list_runs(own))


def test_runs_beside_each_other_show_what_differs_and_the_same_probes(open_app, own, run, twin):
    page = open_app(own).open("runs", run=run.id, run_tab="Compare", cmp=twin.id)
    assert page.multiselect(key="cmp_many").value == [twin.id]
    assert page.dataframe[0].value.index.tolist() == ["weight_cycle"]
    assert page.dataframe[0].value.iloc[0].tolist() == ["10", "3"]
    assert len({line["name"] for line in charts(page)[0]["data"]}) == 2
    assert page.select_slider(key="cmpepoch").value == 2


def test_runs_of_other_probes_are_not_shown_side_by_side(open_app, own, run, twin):
    seen = json.loads((twin.folder / "seen.json").read_text())
    (twin.folder / "seen.json").write_text(json.dumps(seen | {"probe": ["0" * 64]}))
    page = open_app(own).open("runs", run=run.id, run_tab="Compare", cmp=twin.id)
    assert any("different pictures" in caption.value for caption in page.caption)


def test_only_runs_whose_losses_mean_the_same_are_compared(open_app, own, run, twin):
    (offered,) = open_app(own).open("runs", run=run.id, run_tab="Compare").multiselect(key="cmp_many").options
    assert offered.startswith("LeafGAN")


def test_a_run_to_compare_with_that_is_gone_is_named(open_app, own, run, twin):
    page = open_app(own).open("runs", run=run.id, run_tab="Compare", cmp=f"gone,{twin.id}")
    assert "`gone`" in page.info[0].value
    assert page.multiselect(key="cmp_many").value == [twin.id]


def test_only_what_makes_pictures_from_noise_has_a_usage_tab(open_app, own, run):
    assert "Usage" not in [tab.label for tab in open_app(own).open("runs", run=run.id).tabs]


@pytest.fixture
def noise_model(own, journey) -> Run:
    """A run of a kind that makes pictures from noise."""
    return create_run(own, "dcgan", build_config("dcgan", {"dataset": journey.dataset}))


def test_the_usage_tab_draws_how_pictures_were_asked_for(open_app, own, noise_model):
    run = noise_model
    page = open_app(own).open("runs", run=run.id, run_tab="Usage")
    assert "Nobody has asked" in page.info[0].value
    for n in (1, 8):
        note(own, Use(source="api", checkpoint="three", weights_sha256="0" * 64, n=n, latency_ms=5.0 * n))
    page = open_app(own).open("runs", run=run.id, run_tab="Usage")
    assert {chart.key for chart in page.get("plotly_chart")} == {"usage-days", "usage-latency"}
    assert list(page.dataframe[-1].value["pictures"]) == [8, 1]


def test_runs_beside_each_other_and_a_comparison_share_an_address_and_nothing_else(open_app, own, run, twin):
    app = open_app(own)
    app.open("runs", run=run.id, run_tab="Compare", cmp=twin.id)
    page = app.open("evaluate", cmp="")
    assert page.selectbox(key="cmp").value == next(one.id for one in list_runs(own, "evaluate"))
