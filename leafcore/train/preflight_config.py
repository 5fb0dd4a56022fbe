"""The settings of a pre-flight. Free of torch, so that pages and commands may read it."""

from typing import Any

from pydantic import field_validator

from leafcore.config import Config, setting
from leafcore.train.configs import RECIPES


class PreflightConfig(Config):
    """A training run to try out before it is queued."""

    recipe: str = setting(..., "Which recipe to try out.")
    settings: dict[str, Any] = setting({}, "The settings of the run, as its recipe takes them.", ref="recipe_settings")
    queue: bool = setting(False, "Queues the run when nothing stands in its way.")

    @field_validator("recipe")
    @classmethod
    def _recipe(cls, value: str) -> str:
        if value not in RECIPES:
            raise ValueError(f"recipe: got {value!r}, expected one of {', '.join(RECIPES)}.")
        return value
