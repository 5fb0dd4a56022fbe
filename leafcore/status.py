"""What a run's two first files say: what was asked for, and how it stands."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

State = Literal["queued", "running", "stopping", "done", "failed", "stopped", "interrupted"]
StopReason = Literal["user", "shutdown"]

ACTIVE: frozenset[State] = frozenset({"queued", "running", "stopping"})
RESUMABLE: frozenset[State] = frozenset({"failed", "stopped", "interrupted"})


class Failure(BaseModel):
    """Why a run failed: a word for programs, a sentence for people."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str


class Status(BaseModel):
    """How a run stands; times are seconds since 1970, durations seconds."""

    model_config = ConfigDict(frozen=True)

    state: State = "queued"
    phase: str = ""
    done: int = 0
    total: int = 0
    queued: float
    started: float | None = None
    finished: float | None = None
    heartbeat: float | None = None
    eta_s: float | None = None
    seconds_per_unit: float | None = None
    lane: str = ""
    owner: Literal["server", "cli"] = "server"
    pid: int | None = None
    pid_created: float | None = None
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def fraction(self) -> float:
        """How much of the run is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class Record(BaseModel):
    """What was asked for; never changes after submission."""

    model_config = ConfigDict(frozen=True)

    kind: str
    title: str
    settings: dict[str, Any]
    config_hash: str
    uses: tuple[str, ...] = ()
    created: float
    code_version: str
