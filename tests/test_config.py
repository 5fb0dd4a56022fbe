import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import ValidationError

from leafcore.config import Config, setting
from leafcore.data.configs import ImportConfig, RenderConfig, SplitConfig
from leafcore.errors import ConfigError


class OrchardConfig(Config):
    """A config of this test."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {"epochs": 1, "size_px": 32}}

    name: str = setting(..., "What it is called.")
    epochs: int = setting(60, "How often all pictures are seen.", ge=1)
    size_px: int = setting(256, "Side of a picture.", unit="px", ge=32, multiple_of=16, advanced=True)
    mode: Literal["fast", "exact"] = setting("fast", "How it counts.")
    chain: tuple[str, ...] = setting((), "Checkpoints, in order.", ref="checkpoint")


def explain(**values: object) -> str:
    with pytest.raises(ConfigError) as caught:
        OrchardConfig.build(values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_error_names_the_setting_what_it_got_what_it_expects_and_what_it_means() -> None:
    assert explain(name="x", epochs=0) == (
        "epochs: got 0, expected greater than or equal to 1. How often all pictures are seen."
    )


def test_a_word_that_is_no_choice_is_answered_with_the_choices() -> None:
    assert explain(name="x", mode="slow") == "mode: got 'slow', expected 'fast' or 'exact'. How it counts."


def test_an_unknown_setting_is_named_and_the_known_ones_listed() -> None:
    assert explain(name="x", epoch=3) == "epoch: unknown setting. Known: name, epochs, size_px, mode, chain."


def test_a_missing_setting_is_named() -> None:
    assert explain() == "name: missing. What it is called."


def test_a_wrong_item_of_a_list_is_told_under_the_setting() -> None:
    assert explain(name="x", chain=("rust", 3)).startswith("chain: got 3, expected a valid string.")


def test_several_errors_stay_in_one_line_and_at_most_three_are_told() -> None:
    text = explain(epochs="many", size_px=33, mode="slow", colour="red")
    assert text.startswith("name: missing.") and text.count("got ") == 2


def test_a_value_is_converted_where_nothing_is_lost() -> None:
    config = OrchardConfig.build({"name": "x", "epochs": "7"})
    assert config.epochs == 7
    assert "expected a valid integer" in explain(name="x", epochs="7.5")


def test_a_preset_stands_between_the_defaults_and_what_was_asked_for() -> None:
    config = OrchardConfig.build({"name": "x", "epochs": 5}, preset="smoke")
    assert (config.epochs, config.size_px, config.mode) == (5, 32, "fast")


def test_an_unknown_preset_is_answered_with_the_presets() -> None:
    with pytest.raises(ConfigError, match="^preset: got 'paper', expected one of smoke.$"):
        OrchardConfig.build({"name": "x"}, preset="paper")
    with pytest.raises(ConfigError, match="expected one of none"):
        SplitConfig.build({}, preset="smoke")


def test_a_config_never_changes() -> None:
    config = OrchardConfig.build({"name": "x"})
    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3


def test_the_digest_depends_on_the_values_alone() -> None:
    config = OrchardConfig.build({"name": "x", "epochs": 60})
    assert config.digest() == OrchardConfig.build({"epochs": "60", "name": "x"}).digest()
    assert config.digest() != OrchardConfig.build({"name": "x", "epochs": 61}).digest()
    written = b'{"chain": [], "epochs": 60, "mode": "fast", "name": "x", "size_px": 256}'
    assert config.digest() == hashlib.sha256(written).hexdigest()[:12]


def test_a_config_survives_json_with_the_same_digest() -> None:
    config = ImportConfig.build({"source": "leaves", "name": "orchard", "val": 0.2})
    again = ImportConfig.build(json.loads(config.model_dump_json()))
    assert again == config and again.digest() == config.digest()
    assert again.source == Path("leaves")


def test_a_setting_carries_what_a_form_needs() -> None:
    fields = OrchardConfig.model_fields
    assert fields["size_px"].description == "Side of a picture."
    assert fields["size_px"].json_schema_extra == {"unit": "px", "ref": "", "advanced": True, "group": ""}
    assert fields["chain"].json_schema_extra == {"unit": "", "ref": "checkpoint", "advanced": False, "group": ""}
    assert OrchardConfig.model_json_schema()["properties"]["epochs"]["minimum"] == 1


def test_held_out_shares_must_leave_something_to_train_on() -> None:
    with pytest.raises(ConfigError, match=r"^val and test: got 0.6 \+ 0.4, expected less than 1 together.$"):
        SplitConfig.build({"val": 0.6, "test": 0.4})
    assert SplitConfig.build({"val": 0, "test": 0}).val == 0


@pytest.mark.parametrize("value", [-0.1, 1.0, "nan", "inf", "much"])
def test_a_share_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="^val: got "):
        SplitConfig.build({"val": value})


def test_the_sample_datasets_size_is_bounded() -> None:
    with pytest.raises(ConfigError, match="^count: got 3, expected greater than or equal to 20"):
        RenderConfig.build({"count": 3})
    with pytest.raises(ConfigError, match="^size_px: got 100, expected a multiple of 16"):
        RenderConfig.build({"size_px": 100})
    assert RenderConfig.build({}, preset="smoke").size_px == 96


@pytest.mark.parametrize("name", ["../leaves", "", "a b"])
def test_a_dataset_name_that_is_no_folder_name_is_refused_when_the_config_is_built(name: str) -> None:
    with pytest.raises(ConfigError, match="^dataset: got .* Try '"):
        ImportConfig.build({"source": "x", "name": name})
    with pytest.raises(ConfigError, match="^dataset: got .* Try '"):
        RenderConfig.build({"name": name})


def test_a_regex_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^group_regex: got '\(leaf', which is no regular expression"):
        ImportConfig.build({"source": "x", "name": "x", "group_regex": "(leaf"})


def test_a_regex_without_a_bracket_is_refused() -> None:
    with pytest.raises(ConfigError, match="^group_regex: got 'leaf', expected one bracket"):
        ImportConfig.build({"source": "x", "name": "x", "group_regex": "leaf"})
