"""What the command line says of itself, and how it starts."""

import os
import subprocess
import sys

import pytest

from leafcore.cli import main
from leafcore.jobs import KINDS
from leafcore.train.configs import RECIPES
from leafcore.workspace import PROJECT_ROOT

HEAVY = ("torch", "torchvision", "timm", "sklearn", "cv2", "diffusers")


def test_every_setting_is_a_flag_with_help(capsys):
    named = {
        ("import", "source"): "PATH",
        ("split", "dataset"): "NAME",
        ("scarce", "dataset"): "NAME",
        ("scarce", "limit"): "--max",
        ("scarce", "name"): "--as",
        ("health", "dataset"): "NAME",
        ("write", "dataset"): "NAME",
        ("embed", "dataset"): "NAME",
        ("adopt", "file"): "PATH",
        ("write-weights", "model"): "CHECKPOINT",
        ("synthesize", "source"): "--from",
        ("score", "run"): "RUN",
        ("reproduce", "picture"): "PICTURE",
        ("export", "run"): "RUN",
        ("pseudo-label", "run"): "RUN",
        ("probes", "dataset"): "NAME",
        ("report", "run"): "RUN",
        ("scarcity", "limit"): "--max",
        ("predict", "model"): "CHECKPOINT",
        ("predict", "path"): "PATH",
    }
    for kind, entry in KINDS.items():
        if kind == "preflight":  # its flags are those of the recipe that it tries out
            continue
        command = ["train", kind] if kind in RECIPES else [kind]
        with pytest.raises(SystemExit) as end:
            main([*command, "--help"])
        assert end.value.code == 0
        text = " ".join(capsys.readouterr().out.split())
        for name, field in entry.config.model_fields.items():
            assert named.get((kind, name), f"--{name.replace('_', '-')}") in text
            assert " ".join((field.description or "").split()) in text


def test_help_lists_and_the_doctor_load_no_torch(workspace):
    commands = [["--help"], ["train", "leafgan", "--help"], ["runs"], ["checkpoints"], ["doctor", "--json"]]
    probe = (
        "import sys; from leafcore.cli import main\n"
        f"for argv in {commands}:\n"
        "    try: main(argv)\n    except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", probe], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60)
    assert answer.stdout.splitlines()[-1] == "[]", (answer.stdout, answer.stderr)


def test_the_package_can_be_run():
    command = [sys.executable, "-m", "leafcore", "--help"]
    answer = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "synthesize" in answer.stdout


def test_a_pipe_that_knows_no_arrow_gets_another_sign(journey):
    command = [sys.executable, "-m", "leafcore", "runs", "--workspace", str(journey.workspace.root)]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    answer = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, timeout=60)
    assert answer.returncode == 0, answer.stderr.decode()
    assert b"LeafGAN healthy ? rust" in answer.stdout


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_check_takes_the_flags_of_its_recipe(capsys, recipe):
    with pytest.raises(SystemExit):
        main(["preflight", recipe, "--help"])
    text = capsys.readouterr().out
    flags = [f"--{name.replace('_', '-')}" for name in RECIPES[recipe].config.model_fields]
    assert not [flag for flag in [*flags, "--queue"] if flag not in text]
