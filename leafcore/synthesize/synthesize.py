"""The verb that makes synthetic pictures: through a chain, from noise, or by a plan of several of these."""

from collections import Counter

import numpy as np

from leafcore.data.labels import words
from leafcore.progress import Progress
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.from_chain import synthesize_from_chain
from leafcore.synthesize.from_noise import synthesize_from_noise
from leafcore.synthesize.parts import Share, shares
from leafcore.synthesize.result import SynthesizeResult, require_pictures
from leafcore.synthesize.written import MAKING, TRANSLATING
from leafcore.workspace import Workspace


def synthesize(config: SynthesizeConfig, workspace: Workspace, progress: Progress) -> SynthesizeResult:
    """Make pictures: see `synthesize_from_chain` and `synthesize_from_noise`; of a plan, one part after another.

    All parts go into one set with one manifest. A part of which nothing is accepted ends no plan, if others are left.

    Raises:
        InputError: A name is unknown or holds other weights than were asked for, something does not fit together, or
            there are too few sources; or no picture was accepted.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop; what exists stays, with its manifest.
    """
    result = _synthesize_plan(config, workspace, progress) if config.plan else _part(config, workspace, progress)
    require_pictures(result, progress.folder)
    return result


def _part(
    config: SynthesizeConfig, workspace: Workspace, progress: Progress, share: Share | None = None
) -> SynthesizeResult:
    make = synthesize_from_noise if config.checkpoint else synthesize_from_chain
    return make(config, workspace, progress, share or Share())


def _synthesize_plan(config: SynthesizeConfig, workspace: Workspace, progress: Progress) -> SynthesizeResult:
    parts, results = config.parts(), []
    for number, (part, share) in enumerate(zip(parts, shares(parts, config.digest()), strict=True), start=1):
        title = f"{number} of {len(parts)}, from {words(part.source) or 'noise'}"
        results.append(_part(part, workspace, PartProgress(progress, title, share.first, config.count), share))
    made: Counter[str] = Counter()
    for result in results:
        made.update(result.made)
    sizes = {result.size_px for result in results}
    return SynthesizeResult(
        count=sum(result.count for result in results),
        labels=next(iter(made)) if len(made) == 1 else "",
        size_px=sizes.pop() if len(sizes) == 1 else 0,
        skipped={image: why for result in results for image, why in result.skipped.items()},
        made=dict(made),
        parts=results,
    )


class PartProgress(Progress):
    """Shows how many pictures a part has made as how many the whole has; what it counts before them, as it is.

    Args:
        whole: The progress of the whole.
        title: Of the part.
        before: Pictures that the parts before it make.
        total: Pictures of the whole.
    """

    def __init__(self, whole: Progress, title: str, before: int, total: int) -> None:
        super().__init__(whole.folder)
        self._whole, self._title, self._before, self._total = whole, title, before, total
        self._counts_pictures = False

    def phase(self, name: str) -> None:
        """Say which part does what."""
        self._counts_pictures = name in {TRANSLATING, MAKING}
        self._whole.phase(f"{self._title}: {name}")

    def report(self, done: int, total: int, **scalars: float) -> None:
        """Say how far the whole is, or the part before its first picture."""
        if self._counts_pictures:
            done, total = self._before + done, self._total
        self._whole.report(done, total, **scalars)

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
