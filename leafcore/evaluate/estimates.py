"""Numbers with their intervals as they are written down; free of torch."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

# A number that may be unknown: NaN, in JSON null. The ends of an interval are where too few test groups show a label.
Known = Annotated[
    float,
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(lambda value: None if math.isnan(value) else value, return_type=float | None, when_used="json"),
]


class Estimate(BaseModel):
    """A number with its 95 % interval."""

    model_config = ConfigDict(frozen=True)

    value: Known
    low: Known = math.nan
    high: Known = math.nan

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        """Read a bare number, as older files have it, as one without an interval."""
        return {"value": given} if isinstance(given, int | float) else given

    @property
    def is_known(self) -> bool:
        """Whether there is an interval at all."""
        return not math.isnan(self.low)

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside; False where there is no interval."""
        return self.low > 0 or self.high < 0


UNKNOWN = Estimate(value=math.nan)
