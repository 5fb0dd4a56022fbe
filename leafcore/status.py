"""What a run's two first files say: what was asked for, and how it stands."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

State = Literal["queued", "running", "stopping", "done", "failed", "stopped", "paused", "interrupted"]
StopReason = Literal["user", "pause", "shutdown"]

ACTIVE: frozenset[State] = frozenset({"queued", "running", "stopping"})
RESUMABLE: frozenset[State] = frozenset({"failed", "stopped", "paused", "interrupted"})

MADE_OF_RUNS = frozenset({"scarcity"})  # kinds that tell how far their present step is, not the whole


class Failure(BaseModel):
    """Why a run failed.

    Attributes:
        code: A word for programs, see `errors`.
        message: A sentence for people.
        fix: Settings that a new run would need instead; empty if the same ones will do once the cause is mended.
        epoch: The last epoch whose weights were saved, 0 for none.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    fix: dict[str, Any] = {}
    epoch: int = 0


class Status(BaseModel):
    """How a run stands; times are seconds since 1970, durations seconds.

    Attributes:
        eta_parts: The time left by what it goes to: stepping, validating, sampling, saving.
        pauses: What a cycle of steps spends on each phase that is no step, see `progress.Eta`.
        memory_bytes: What its process held at the last heartbeat, its children not counted.
        free_bytes: What the machine, or the container, had left then.
        safe: Units that a resume would not do again, saved at `safe_at`.
        place: Where it stands in the queue, lowest first; None: by the time at which it was queued.
        not_before: When it may begin at the earliest; None: at once.
    """

    model_config = ConfigDict(frozen=True)

    state: State = "queued"
    phase: str = ""
    done: int = 0
    total: int = 0
    queued: float
    place: float | None = None
    not_before: float | None = None
    started: float | None = None
    finished: float | None = None
    heartbeat: float | None = None
    memory_bytes: int | None = None
    free_bytes: int | None = None
    eta_s: float | None = None
    eta_parts: dict[str, float] = {}
    pauses: dict[str, float] = {}
    safe: int = 0
    safe_at: float | None = None
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

    @property
    def rank(self) -> float:
        """What the queue is sorted by."""
        return self.queued if self.place is None else self.place

    @property
    def lost_s(self) -> float:
        """How much work a resume would do again, judged by the last sign of life."""
        since = self.safe_at or self.started
        return max(0.0, self.heartbeat - since) if self.heartbeat and since else 0.0


class Record(BaseModel):
    """What was asked for; never changes after submission.

    Attributes:
        uses: The runs whose output it reads.
        extends: The run whose saved state it began with; empty if it began anew.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    title: str
    settings: dict[str, Any]
    config_hash: str
    uses: tuple[str, ...] = ()
    extends: str = ""
    created: float
    code_version: str
