"""The Runs page over a finished journey: what is drawn in each tab, and what the address carries."""

import json
import shutil

import pytest

from leafcore.runs import Run, list_runs
from leafcore.usage import Use, note

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


def test_the_list_is_read_only_when_it_is_open(open_app, own):
    assert not open_app(own).open("runs").dataframe


def test_a_link_may_narrow_the_list_by_kind_and_state(open_app, own):
    page = open_app(own).open("runs", kinds="Train LeafGAN", states="done")
    assert page.dataframe[0].value["Kind"].tolist() == ["Train LeafGAN"]
    page.multiselect(key="states").set_value([]).run()
    page.multiselect(key="kinds").set_value([]).run()
    assert len(page.dataframe[0].value) == len(list_runs(own))


def test_runs_beside_each_other_show_what_differs_and_the_same_probes(open_app, own, run, twin):
    page = open_app(own).open("runs", run=run.id, run_tab="Compare", cmp=twin.id)
    assert page.multiselect(key="cmp").value == [twin.id]
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
    (offered,) = open_app(own).open("runs", run=run.id, run_tab="Compare").multiselect(key="cmp").options
    assert offered.startswith("LeafGAN")


def test_a_run_to_compare_with_that_is_gone_is_named(open_app, own, run, twin):
    page = open_app(own).open("runs", run=run.id, run_tab="Compare", cmp=f"gone,{twin.id}")
    assert "`gone`" in page.info[0].value
    assert page.multiselect(key="cmp").value == [twin.id]


def test_the_usage_tab_draws_how_pictures_were_asked_for(open_app, own, run):
    page = open_app(own).open("runs", run=run.id, run_tab="Usage")
    assert "Nobody has asked" in page.info[0].value
    for n in (1, 8):
        note(own, Use(source="api", checkpoint="three", weights_sha256="0" * 64, n=n, latency_ms=5.0 * n))
    page = open_app(own).open("runs", run=run.id, run_tab="Usage")
    assert {chart.key for chart in page.get("plotly_chart")} == {"usage-days", "usage-latency"}
    assert list(page.dataframe[-1].value["pictures"]) == [8, 1]
