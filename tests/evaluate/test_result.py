import json
import math

from leafcore.evaluate.result import Estimate


def test_an_interval_that_is_not_known_is_null_in_json_and_comes_back():
    estimate = Estimate(value=0.5, low=math.nan, high=math.nan)
    written = json.dumps(estimate.model_dump(mode="json"), allow_nan=False)
    assert json.loads(written) == {"value": 0.5, "low": None, "high": None} == json.loads(estimate.model_dump_json())
    read = Estimate.model_validate_json(written)
    assert read.value == 0.5 and math.isnan(read.low) and math.isnan(read.high)


def test_a_known_interval_is_written_as_it_is():
    estimate = Estimate(value=0.5, low=0.25, high=0.75)
    assert Estimate.model_validate(estimate.model_dump(mode="json")) == estimate
