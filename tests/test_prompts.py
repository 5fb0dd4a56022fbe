from dataclasses import replace

import pytest

from leafcore.errors import ConfigError
from leafcore.prompts import PromptFacts, has_token, taught_together

FACTS = PromptFacts("rust", 64, "a photo of sks leaf", "sks", "rust", "leaves@1", "base", "0" * 64, "lora")


@pytest.mark.parametrize(
    ("prompt", "token", "expected"),
    [
        ("a photo of sks leaf", "sks", True),
        ("a photo of a leaf, sks, macro", "sks", True),
        ("a photo of SKS leaf", "sks", True),
        ("a photo of sks leaf", "Sks", True),
        ("a leaf with sks's rust", "sks", True),
        ("a photo of <sks> leaf", "<sks>", True),
        ("a photo of sks-2 leaf", "sks-2", True),
        ("a photo of sks leaf 2", "sks-2", False),
        ("a photo of sksleaf", "sks", False),
        ("a photo of leaf", "", False),
        ("a photo of leaf !", "!", False),
    ],
)
def test_a_token_is_a_word_in_whatever_case_and_beside_whatever_punctuation(prompt, token, expected):
    assert has_token(prompt, token) == expected
    assert replace(FACTS, token=token).missing_tokens(prompt) == ([] if expected or not token else [token])


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a photo of sks leaf", "a photo of sks ohwx leaf"),
        ("a photo of a leaf, sks, macro", "a photo of a leaf, sks ohwx, macro"),
        ("a photo of Sks leaf", "a photo of Sks ohwx leaf"),
    ],
)
def test_another_models_token_stands_beside_the_first(prompt, expected):
    scab = replace(FACTS, name="scab", token="ohwx", prompt="a photo of ohwx leaf", labels="scab")
    both = taught_together([replace(FACTS, prompt=prompt), scab])
    assert both.prompt == expected and both.missing_tokens(expected) == []


def test_a_token_that_is_not_written_as_it_was_given_loses_no_other():
    scab = replace(FACTS, name="scab", token="ohwx", labels="scab")
    both = taught_together([replace(FACTS, token="<sks>"), scab])
    assert both.prompt == "a photo of sks leaf ohwx" and both.missing_tokens(both.prompt) == []


def test_one_token_in_another_case_is_the_same_token():
    with pytest.raises(ConfigError, match="also: got the tokens sks, SKS, expected another for each"):
        taught_together([FACTS, replace(FACTS, name="scab", token="SKS")])
