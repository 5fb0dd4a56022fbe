"""Settings of a report; free of torch."""

from leafcore.config import Config, setting


class ReportConfig(Config):
    """Settings of `report`."""

    run: str = setting(..., "The comparison: the id of a finished evaluate run.", ref="comparison")
    examples: int = setting(8, "Pictures of each kind of failure that are shown.", ge=0, le=48)
