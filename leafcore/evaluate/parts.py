"""How arms did on some of the test pictures, as it is written down: on each day's and each camera's; free of torch."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from leafcore.evaluate.estimates import Estimate

COLUMNS = {"day": "taken", "camera": "camera"}  # by what test pictures are told apart, and the manifest's column of it


class PartScore(BaseModel):
    """How an arm did on a part of the test pictures, such as those of one day.

    Attributes:
        n: How many there are.
        right: How often exactly the right labels were named; mean over seeds.
    """

    model_config = ConfigDict(frozen=True)

    n: int
    right: Estimate


def with_parts(given: Any) -> Any:
    """Read an arm of an older file, which told days alone."""
    if not isinstance(given, Mapping) or "days" not in given:
        return given
    rest = {key: value for key, value in given.items() if key != "days"}
    return {"parts": {"day": given["days"]} if given["days"] else {}, **rest}
