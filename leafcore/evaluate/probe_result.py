"""What shortcut probes found, as it is written down; free of torch."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from leafcore.evaluate.probe_configs import VIEW_TITLES, View
from leafcore.evaluate.result import Estimate
from leafcore.files import read_json
from leafcore.measure.stats import LEAST_GROUPS_IN_ALL
from leafcore.runs import Run, list_runs
from leafcore.workspace import Workspace

FILE = "probes.json"

FAR = 0.10  # macro-F1 above chance from which, the whole interval considered, a part without a leaf tells the classes
WITHOUT_LEAF: tuple[View, ...] = ("background", "border")


class ViewScore(BaseModel):
    """How well classifiers do that see one part of each picture.

    Attributes:
        macro_f1: Over the labels with a validation picture; mean over seeds, with interval.
        accuracy: The share of pictures whose label set is told exactly; mean over seeds, with interval.
        seeds: Macro-F1 of each seed.
        pixels: The mean share of a validation picture that is left.
    """

    model_config = ConfigDict(frozen=True)

    macro_f1: Estimate
    accuracy: Estimate
    seeds: tuple[float, ...]
    pixels: float


class Probes(BaseModel):
    """Everything the probes of a dataset version found.

    Attributes:
        dataset: `name@version`.
        images: Validation pictures that judge; those of the test split stay closed.
        groups: Independent groups among them; the intervals come from these.
        train_images: What each classifier learned from.
        masks: The mask set that said where the leaf is; empty: the dataset's exact masks.
        mask_iou: How well its masks fit exact ones, where that is known.
        steps: Optimizer steps of each classifier.
        chance: The macro-F1 of the best guess that looks at no picture.
        majority: The accuracy of always naming the most frequent label set.
        views: By view.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    images: int
    groups: int
    train_images: int
    masks: str = ""
    mask_iou: float | None = None
    steps: int
    chance: float
    majority: float
    views: dict[View, ViewScore]

    @property
    def is_known(self) -> bool:
        """Whether there are intervals: else nothing is claimed, neither a shortcut nor that there is none."""
        return all(self.views[view].macro_f1.is_known for view in ("whole", *WITHOUT_LEAF))

    @property
    def telling(self) -> tuple[View, ...]:
        """The parts without a leaf that tell the classes far better than chance: shortcuts, if anything is known."""
        return tuple(view for view in WITHOUT_LEAF if self.views[view].macro_f1.low > self.chance + FAR)

    @property
    def has_learned(self) -> bool:
        """Whether the classes are told from whole pictures at all, better than by chance, if anything is known."""
        return self.views["whole"].macro_f1.low > self.chance

    @property
    def sentence(self) -> str:
        """What this means, in a sentence that says no more than the intervals allow."""
        whole = self.views["whole"].macro_f1
        parts = ", ".join(f"{VIEW_TITLES[view].lower()} {told(self.views[view].macro_f1)}" for view in WITHOUT_LEAF)
        facts = f"(chance {self.chance:.2f}, whole picture {whole.value:.2f}; n = {self.images} validation pictures)"
        if not self.is_known:
            return (
                f"No claim from {self.groups} independent validation groups; {LEAST_GROUPS_IN_ALL} are needed: "
                f"{parts} {facts}; split the dataset again with a larger validation share."
            )
        if self.telling:
            view = max(self.telling, key=lambda one: self.views[one].macro_f1.value)
            return f"The {view} tells: {told(self.views[view].macro_f1)} macro-F1 without a leaf {facts}."
        if not self.has_learned:
            return (
                f"No shortcut can show: whole pictures are told no better than by chance, {told(whole)} macro-F1 "
                f"(chance {self.chance:.2f}; n = {self.images} validation pictures); take more steps or pictures."
            )
        return f"No shortcut shown: {parts} {facts}."


def told(estimate: Estimate) -> str:
    """Return a number with its interval, such as "0.71 [0.60, 0.80]", if it has one."""
    ends = f" [{estimate.low:.2f}, {estimate.high:.2f}]" if estimate.is_known else ""
    return f"{estimate.value:.2f}{ends}"


def newest_probes(workspace: Workspace, dataset: str) -> Run | None:
    """Return the newest finished probes of a dataset version (`name@version`), or None."""
    runs = (run for run in list_runs(workspace, "probes") if run.record.settings["dataset"] == dataset)
    return next((run for run in runs if run.status().state == "done"), None)


def read_probes(folder: Path) -> Probes:
    """Read what probes wrote into their run's folder."""
    return Probes.model_validate(read_json(folder / FILE))
