import pytest

from leafcore.errors import ConfigError
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.probe_configs import ProbesConfig
from leafcore.scarcity.configs import ScarcityConfig

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


@pytest.mark.parametrize(
    ("config", "given", "count"),
    [
        (EvaluateConfig, {**GIVEN, "seeds": 3}, 3),
        (ProbesConfig, {"dataset": "d", "seeds": 4}, 4),
        (ScarcityConfig, {"dataset": "d", "scale": "paper"}, 5),
        (ScarcityConfig, {"dataset": "d", "scale": "smoke", "co_teacher": True}, 3),
    ],
)
def test_the_last_of_the_seeds_that_are_counted_up_is_one_too(config, given, count):
    last = 2**32 - count
    assert config.build({**given, "seed": last}).seed == last
    with pytest.raises(ConfigError) as raised:
        config.build({**given, "seed": last + 1})
    expected = f"expected at most {last}, for {count} seeds are counted up from it."
    assert str(raised.value) == f"seed: got {last + 1}, {expected}"


def test_a_comparison_without_synthetic_pictures_is_refused():
    with pytest.raises(ConfigError, match="synthetic: got"):
        EvaluateConfig.build({**GIVEN, "synthetic": ""})


def test_arms_doses_and_rules_may_be_written_with_commas():
    config = EvaluateConfig.build(
        {**GIVEN, "arms": "weighted, synthetic", "doses": "100,50,100", "heuristics": "capped"}
    )
    assert (config.arms, config.doses, config.heuristics) == (("weighted", "synthetic"), (50, 100), ("capped",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"arms": "real,weighted"}, "arms: got real, weighted, expected one with synthetic pictures as well"),
        ({"arms": ""}, "arms: got none, expected one with synthetic pictures"),
        ({"doses": "401"}, "doses: got 401, expected percent from 0 to 400"),
        ({"doses": "-1"}, "doses: got -1"),
        ({"arms": "real,best"}, "arms: got 'best', expected 'real', 'classical'"),
    ],
)
def test_what_cannot_be_compared_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        EvaluateConfig.build({**GIVEN, **values})


def test_doses_or_rules_alone_are_something_to_compare():
    assert EvaluateConfig.build({**GIVEN, "arms": "real", "doses": "100"}).doses == (100,)
    assert EvaluateConfig.build({**GIVEN, "arms": (), "heuristics": ["capped"]}).heuristics == ("capped",)
