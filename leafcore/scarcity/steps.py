"""Runs within a run: each has its own folder, and what was done with the same settings is not done again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leafcore.checks import check
from leafcore.config import Config
from leafcore.jobs import KINDS, build_config, execute, submit
from leafcore.progress import Progress
from leafcore.runs import RESUMABLE, Run, list_runs
from leafcore.scarcity.result import TITLES, save_steps
from leafcore.workspace import Workspace


class Steps:
    """The steps of a run that is made of runs.

    Args:
        workspace: Where they all are.
        progress: Of the run that they are parts of, which holds its lane.
        names: The steps, in order, keys of `TITLES`.
        scale: The preset of every step that has it.

    Attributes:
        runs: By step, its run, done.
    """

    def __init__(self, workspace: Workspace, progress: Progress, names: Sequence[str], scale: str) -> None:
        self._workspace, self._progress, self._names, self._scale = workspace, progress, names, scale
        self._lane = Run(progress.folder).status_written().lane
        self.runs: dict[str, Run] = {}

    def carry_out(self, name: str, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Carry a step out, unless that was done before, and return what it found; one that was cut short goes on.

        Args:
            name: The step.
            kind: The kind of its run.
            values: Its settings that are not the preset's.

        Raises:
            LeafError: It failed.
            Stopped: Somebody asked it, or the whole, to stop; what it has saved stays.
        """
        config = build_config(kind, values, self._scale if self._scale in KINDS[kind].config.PRESETS else None)
        run = self._begun(kind, config) or submit(self._workspace, kind, config, waits=False)
        self.runs[name] = run
        save_steps(self._progress.folder, {step: one.id for step, one in self.runs.items()})
        if run.status().state != "done":
            execute(self._workspace, run, lane=self._lane, owner="cli", echo=self.part(name), is_part=True)
        self._progress.raise_if_stopped()
        return run.result()

    def part(self, name: str) -> Progress:
        """Return the watcher of a step, through which the whole shows how it goes."""
        return PartProgress(self._progress, f"{self._names.index(name) + 1} of {len(self._names)}: {TITLES[name]}")

    def _begun(self, kind: str, config: Config) -> Run | None:
        """Return the newest run with the very same settings that is done, or that nobody carries out any more."""
        digest = check(self._workspace, config)[0].digest()
        alike = [run for run in list_runs(self._workspace, kind) if run.record.config_hash == digest]
        for states in ({"done"}, RESUMABLE):
            for run in alike:
                if run.status().state in states:
                    return run
        return None


class PartProgress(Progress):
    """Shows a part as what the whole does now; the whole may ask it to stop.

    Args:
        whole: The progress of the whole.
        title: Of the part.
    """

    def __init__(self, whole: Progress, title: str) -> None:
        super().__init__(whole.folder)
        self._whole, self._title = whole, title
        whole.phase(title)

    def phase(self, name: str) -> None:
        """Say what the part does."""
        self._whole.phase(f"{self._title}, {name}")

    def report(self, done: int, total: int, **scalars: float) -> None:
        """Say how far the part is; its scalars are recorded in its own folder."""
        del scalars
        self._whole.report(done, total)

    def sample(self, image: np.ndarray) -> None:
        """Show the part's newest picture."""
        self._whole.sample(image)

    def warn(self, text: str) -> None:
        """Pass a warning on."""
        self._whole.warn(text)

    @property
    def should_stop(self) -> bool:
        """Whether the whole was asked to stop."""
        return self._whole.should_stop
