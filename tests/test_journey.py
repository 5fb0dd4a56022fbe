from leafcore.jobs import build_config, submit
from leafcore.journey import SAMPLE, next_step, prepare_sample, steps
from leafcore.runs import list_runs

# --- the steps --------------------------------------------------------------------------------------------------------


def test_an_empty_workspace_begins_with_a_dataset(workspace):
    assert next_step(workspace).page == "datasets"
    assert not any(step.done for step in steps(workspace))


def test_every_step_of_a_whole_journey_is_done_and_counted(journey):
    assert [(step.page, step.count) for step in steps(journey.workspace)] == [
        ("datasets", 1),
        ("masks", 1),
        ("train", 2),  # LFLSeg and LeafGAN
        ("epochs", 1),
        ("studio", 1),
        ("studio", 1),  # the export
        ("evaluate", 1),
    ]
    assert next_step(journey.workspace) is None


def test_the_next_step_is_the_first_that_is_not_done(carry, workspace, leaf_folders):
    carry("import", source=leaf_folders, name="leaves")
    assert next_step(workspace).page == "masks"


def test_a_run_that_is_not_done_counts_for_nothing(workspace, carry, leaf_folders):
    dataset = carry("import", source=leaf_folders, name="leaves").result()["dataset"]
    submit(workspace, "classifier", build_config("classifier", {"dataset": dataset}))
    assert {step.page: step.done for step in steps(workspace)}["train"] is False


# --- the sample leaves ------------------------------------------------------------------------------------------------


def test_an_empty_workspace_gets_sample_leaves_once(workspace):
    run = prepare_sample(workspace)
    assert (run.kind, run.record.settings["name"], run.status().state) == ("render", SAMPLE, "queued")
    assert run.record.settings["count"] == 700
    assert prepare_sample(workspace) == run
    assert list_runs(workspace) == [run]


def test_sample_leaves_that_were_stopped_are_drawn_at_the_next_start(workspace):
    run = prepare_sample(workspace)
    run.request_stop()
    assert prepare_sample(workspace) != run


def test_a_workspace_with_a_dataset_gets_no_sample_leaves(journey):
    assert prepare_sample(journey.workspace) is None
