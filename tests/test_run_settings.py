import shlex

import pytest

from leafcore.cli import _configs, build_parser
from leafcore.flags import command_of
from leafcore.jobs import KINDS
from leafcore.train.configs import LeafGANConfig
from ui.run_settings import base_settings, differences, known_settings, nearest_preset


@pytest.mark.parametrize("kind", ["import", "lflseg", "masks", "leafgan", "synthesize", "export", "evaluate"])
def test_the_command_of_a_run_means_the_same_settings(journey, kind):
    run = journey.runs[kind]
    settings = known_settings(run)
    preset = nearest_preset(KINDS[kind].config, settings)
    base = base_settings(KINDS[kind].config, preset)
    changed = {name: value for name, value in settings.items() if name not in base or value != base[name]}
    words = shlex.split(command_of(kind, changed, preset))
    assert words[:3] == ["python", "-m", "leafcore"]
    (config,) = _configs(build_parser().parse_args(words[3:]))
    assert config.digest() == run.record.config_hash


@pytest.mark.parametrize("preset", ["", *LeafGANConfig.PRESETS])
def test_the_nearest_preset_is_the_one_that_was_used(preset):
    asked = {**base_settings(LeafGANConfig, preset), "dataset": "leaves", "b": "rust", "masks": "x", "seed": 3}
    assert nearest_preset(LeafGANConfig, asked) == preset


def test_only_settings_that_differ_are_told(journey):
    lflseg, leafgan = journey.runs["lflseg"], journey.runs["leafgan"]
    assert differences([leafgan, leafgan]) == {}
    told = differences([lflseg, leafgan])
    assert told["size_px"] == [64, 32] and told["weight_cycle"] == [None, 10.0] and "dataset" not in told
