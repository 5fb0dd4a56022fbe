import pytest

from leafcore.files import write_json
from leafcore.jobs import build_config
from leafcore.known import Save, known_save
from leafcore.runs import create_run

SETTINGS = {"dataset": "leaves", "b": "rust", "filters": 16}


def cyclegan(**values):
    return build_config("cyclegan", {**SETTINGS, **values})


@pytest.fixture
def saved(workspace):
    """A run that saved an epoch: 1000 bytes of weights, 300 of samples."""
    run = create_run(workspace, "cyclegan", cyclegan())
    for name, size in (("weights/0003.safetensors", 1000), ("previews/0003.jpg", 290), ("previews/0003.json", 10)):
        (run.folder / name).parent.mkdir(exist_ok=True)
        (run.folder / name).write_bytes(bytes(size))
    return run


def test_what_an_epoch_takes_is_told_by_a_run_of_the_same_network(workspace, saved):
    assert known_save(workspace, "cyclegan", cyclegan(learning_rate=0.1, epochs=9, init="x")) == Save(1000, 300)
    for other in ({"filters": 8}, {"size_px": 128}, {"generator": "unet"}):
        assert known_save(workspace, "cyclegan", cyclegan(**other)) is None
    assert known_save(workspace, "leafgan", build_config("leafgan", {**SETTINGS, "masks": "m"})) is None


def test_a_check_tells_it_too_unless_it_changed_the_settings(workspace, saved):
    config = build_config("preflight", {"recipe": "cyclegan", "settings": cyclegan().model_dump(mode="json")})
    check = create_run(workspace, "preflight", config)
    for fits, expected in ((False, Save(1000, 300)), (True, Save(1600, 400))):
        write_json(check.folder / "result.json", {"fits": fits, "measured": {"epoch_bytes": 2000, "sample_bytes": 400}})
        assert known_save(workspace, "cyclegan", cyclegan()) == expected


def test_a_run_takes_what_it_keeps():
    config = cyclegan(save_every=2, keep_every=4)
    assert Save(1000, 300).of_run(10, config) == 3 * 1000 + 5 * 300  # 4, 8 and the last of 2, 4, 6, 8, 10
