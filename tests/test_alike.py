from leafcore.alike import found_by, known_pairs, newest_health
from leafcore.data.edits import decide
from leafcore.data.fixes import keep_both
from leafcore.data.manifest import Decision, load
from leafcore.files import write_json
from leafcore.health import HealthConfig, HealthReport, Twin
from leafcore.runs import create_run
from tests.conftest import carrier, write_folders
from tests.states import write_state


def looked(workspace, ref, *pairs, state="done"):
    """Write a look at a dataset that found pairs."""
    common = {"labels": ("rust", "rust"), "splits": ("train", "test"), "distance": 2, "likeness": 0.98}
    twins = tuple(Twin(first=first, second=second, **common) for first, second in pairs)
    nothing = {"skipped": (), "traits": {}, "conflicts": (), "identical": (), "straddling": 0}
    report = HealthReport(dataset=ref, images=9, near_duplicates=twins, **nothing)
    run = create_run(workspace, "health", HealthConfig(dataset=ref))
    write_json(run.folder / "result.json", report.model_dump(mode="json"))
    write_state(run, state)
    return run


def test_the_newest_finished_look_at_a_version_or_one_before_it_counts(workspace, tmp_path):
    source = write_folders(tmp_path / "photos", {"rust": 6})
    before = load(workspace, carrier(workspace)("import", source=source, name="leaves").result()["dataset"])
    assert newest_health(workspace, before) is None and found_by(None) == []
    pair = ("rust/rust-000.png", "rust/rust-001.png")
    first = looked(workspace, before.ref, pair)
    after = decide(workspace, before, [Decision(image="rust/rust-005.png", action="exclude")])
    looked(workspace, after.ref, state="failed")
    looked(workspace, "others@1", ("a", "b"))
    assert newest_health(workspace, after).id == first.id
    assert known_pairs(after, newest_health(workspace, after)) == [*after.card.alike, pair]
    kept = decide(workspace, after, [keep_both(*pair)])
    assert pair not in known_pairs(kept, first)
    second = looked(workspace, after.ref)
    assert newest_health(workspace, after).id == second.id and found_by(second) == []
    assert newest_health(workspace, before).id == first.id, "what was seen later is not of the version before"
