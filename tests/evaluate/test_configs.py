import pytest

from leafcore.errors import ConfigError
from leafcore.evaluate.configs import EvaluateConfig

GIVEN = {"dataset": "d", "synthetic": "run-1, run-2,,"}


def test_runs_may_be_written_with_commas():
    assert EvaluateConfig.build(GIVEN).synthetic == ("run-1", "run-2")


@pytest.mark.parametrize("preset", EvaluateConfig.PRESETS)
def test_every_preset_is_a_valid_setting(preset):
    config = EvaluateConfig.build(GIVEN, preset=preset)
    assert config.steps % config.epochs == 0, "every step is used"


def test_more_epochs_than_steps_are_refused():
    with pytest.raises(ConfigError, match=r"epochs: got 5, expected at most as many as steps \(4\)"):
        EvaluateConfig.build({**GIVEN, "steps": 4, "epochs": 5})


def test_a_comparison_without_synthetic_pictures_is_refused():
    with pytest.raises(ConfigError, match="synthetic: got"):
        EvaluateConfig.build({**GIVEN, "synthetic": ""})
