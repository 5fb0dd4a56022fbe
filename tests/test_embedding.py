import pandas as pd
import pytest

from leafcore.data.edits import decide, lineage
from leafcore.data.manifest import Decision, load
from leafcore.embedding import BUNDLED, EMBEDDING, EmbedConfig, as_of, newest_embedding, read_embedding, read_pairs
from leafcore.errors import ConfigError, NotFoundError
from leafcore.nets import backbones
from leafcore.runs import create_run


def table(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Return a map of pictures: image, source, labels."""
    empty = {column: [0.0 if kind == "float32" else ""] * len(rows) for column, kind in EMBEDDING.items()}
    given = pd.DataFrame(rows, columns=["image", "source", "labels"])
    return pd.DataFrame(empty).assign(**given, split="train").astype(EMBEDDING)


@pytest.fixture
def leaves(carry, workspace, leaf_folders):
    return load(workspace, carry("import", source=leaf_folders, name="leaves").result()["dataset"])


def test_short_names_become_what_a_run_records():
    config = EmbedConfig.build({"dataset": "leaves", "synthetic": "a, b", "backbone": "lite0"})
    assert config.synthetic == ("a", "b") and config.backbone == BUNDLED == backbones.BUNDLED


def test_too_large_a_batch_is_refused():
    with pytest.raises(ConfigError, match="batch_size: got 9999"):
        EmbedConfig.build({"dataset": "leaves", "batch_size": 9999})


def test_the_newest_done_map_of_a_versions_ancestors_is_found(workspace, leaves):
    def run_of(ref: str, state: str):
        run = create_run(workspace, "embed", EmbedConfig.build({"dataset": ref}))
        run.write_status(run.status_written().model_copy(update={"state": state}))
        return run

    older, newer = run_of(leaves.ref, "done"), run_of(leaves.ref, "done")
    run_of(leaves.ref, "failed")
    run_of("others@0", "done")
    edited = decide(workspace, leaves, [Decision(image="rust/rust-000.png", action="exclude")])
    assert newest_embedding(workspace, lineage(workspace, edited)) == newer != older
    assert newest_embedding(workspace, ["nothing@0"]) is None


def test_a_map_follows_the_decisions_since(workspace, leaves):
    drawn = table(
        [("rust/rust-000.png", "real", "rust"), ("rust/rust-001.png", "real", "rust"), ("0.png", "r1", "rust")]
    )
    edited = decide(
        workspace,
        leaves,
        [
            Decision(image="rust/rust-000.png", action="exclude"),
            Decision(image="rust/rust-001.png", action="relabel", labels="scab"),
        ],
    )
    now = as_of(drawn, edited)
    assert now[["image", "labels"]].to_numpy().tolist() == [["rust/rust-001.png", "scab"], ["0.png", "rust"]]
    assert now.index.tolist() == [0, 1]
    assert now["split"][0] == edited.records.set_index("image")["split"]["rust/rust-001.png"]


@pytest.mark.parametrize("read", [read_embedding, read_pairs])
def test_a_run_without_a_map_is_named(workspace, leaves, read):
    run = create_run(workspace, "embed", EmbedConfig.build({"dataset": leaves.ref}))
    with pytest.raises(NotFoundError, match=f"run: {run.id} is embed in state queued and has no"):
        read(run)
