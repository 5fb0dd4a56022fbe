"""Verification of generated pictures: do they show what was asked for, one full leaf, and nothing learned by heart?

Three frozen judges, each tried on real pictures of the dataset first: one that is not to be believed rejects nothing,
and the result says why. Translations are also held against their sources, pixel by pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import torch

from leafcore.checkpoints import open_checkpoint
from leafcore.data import leaks
from leafcore.data.manifest import Dataset
from leafcore.data.seen import FILTERS, UNKNOWN, Seen, merge, playing
from leafcore.errors import DatasetError
from leafcore.images import load_square
from leafcore.measure.distances import KID_FROM, nearest, nearest_of_reals
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.interpretation import TRUSTED
from leafcore.measure.leafness import Leafness
from leafcore.measure.witness import NO_JUDGE, TRIED, Witness
from leafcore.nets.backbones import BUNDLED
from leafcore.progress import Progress
from leafcore.synthesize.configs import SynthesizeConfig
from leafcore.synthesize.reals import open_those_here, real_pictures
from leafcore.synthesize.translated import Origins
from leafcore.synthesize.verdicts import (
    BACKGROUND,
    CHANGE,
    COLLAPSE,
    COPY,
    LABEL,
    LEAF,
    Check,
    Found,
    Verdict,
    judge_picture,
)
from leafcore.workspace import Workspace


@dataclass(frozen=True)
class Verifier:
    """What every picture of a set is asked.

    Attributes:
        checks: By name, with their thresholds, or why they are withheld.
        leafness: Tells full leaves; None where that is withheld.
        extract: Sees features; None where copies are not looked for.
        train: (T, D) float32, features of the pictures that the model learned from.
        train_groups: (T,) what each of those belongs to.
        seen: What the models have seen that may reject a picture, as filters; see `playing`.
    """

    checks: dict[str, Check]
    leafness: Leafness | None = None
    extract: FeatureExtractor | None = None
    train: np.ndarray | None = None
    train_groups: np.ndarray | None = None
    seen: Seen = field(default_factory=dict)

    def __call__(
        self, pictures: np.ndarray, called: Sequence[str], wanted: Sequence[str], origins: Origins | None = None
    ) -> list[Verdict]:
        """Judge pictures.

        Args:
            pictures: (N, S, S, 3) uint8, one batch.
            called: (N,) label sets that the judge of labels gives; none at all without one.
            wanted: (N,) label sets that they were made as; empty where none was asked for.
            origins: What they were translated from; no translation is a copy of its own source's group.
        """
        count = len(pictures)
        nothing: list[float | None] = [None] * count
        leaf = self.leafness(pictures).tolist() if self.leafness else nothing
        near = nothing
        if self.extract and self.train is not None:
            groups = None if origins is None else np.asarray(origins.groups)
            near = nearest(self.extract.of(pictures), self.train, groups, self.train_groups).astype(float).tolist()
        measured = [{} if origins is None else origins.measure(i, picture) for i, picture in enumerate(pictures)]
        rows = zip(wanted, called or [""] * count, leaf, near, measured, strict=True)
        return [judge_picture(self.checks, asked, Found(*found, **rest)) for asked, *found, rest in rows]

    def tell_withheld(self, progress: Progress) -> None:
        """Warn of what is not asked of the pictures, and why."""
        for check in self.checks.values():
            if check.withheld:
                progress.warn(f"Pictures are not verified by {check.name}: {check.withheld}.")

    def tell_strangers(self, dataset: Dataset, progress: Progress) -> None:
        """Warn now, and not when the set is compared, of a filter that has seen more than a dataset's train split."""
        found = leaks.check(dataset, self.seen)
        if self.seen and not found.is_clean:
            progress.warn(f"A comparison on {dataset.name} will withhold its verdict: {found.explain()}.")


def open_verifier(
    config: SynthesizeConfig,
    workspace: Workspace,
    datasets: Sequence[str],
    seen: Seen,
    witness: Witness,
    size_px: int,
    device: torch.device,
    progress: Progress,
) -> Verifier:
    """Try the judges on real pictures, at the size of the generated ones.

    Args:
        config: Says which judges, and the thresholds.
        workspace: Where the dataset and the judges are.
        datasets: `name@version` of what the models learned from, and of the sources; see `reals.learned_from`.
            LFLSeg is tried on the first that is here.
        seen: The hashes of the pictures that it learned from, by role.
        witness: The judge of labels, tried.
        size_px: The side of the generated pictures.
        device: Where to compute.
        progress: Told of the real pictures that must be looked at.

    Raises:
        InputError: A judge that was named does not exist, or is of another kind.
        Stopped: Somebody asked to stop.
    """
    by_name = naming(witness)
    here = open_those_here(workspace, datasets, progress)
    if not here:
        gone = f"the dataset {' or '.join(datasets)} that the model learned from is not here"
        withheld = {name: Check(name=name, withheld=gone) for name in (LEAF, COPY)}
        return replace(by_name, checks=by_name.checks | withheld)
    progress.phase("looking at real pictures")
    leaf, leafness, leaf_seen = _try_leafness(config, workspace, here[0], size_px, device)
    copy, extract, train, groups = _look_at_reals(config, workspace, here, seen, size_px, device, progress)
    filters = merge(by_name.seen, leaf_seen)
    verifier = Verifier({**by_name.checks, LEAF: leaf, COPY: copy}, leafness, extract, train, groups, filters)
    verifier.tell_strangers(here[0], progress)
    return verifier


def verifying_translations(config: SynthesizeConfig, judges: Verifier, *, masked: bool) -> Verifier:
    """Return a verifier that also asks what only translations can be asked, by their pixels alone.

    Args:
        config: Has the thresholds.
        judges: What else is asked.
        masked: Whether a mask of any source is known.
    """
    pixels = "the pixels"
    unknown = "" if masked else "no source has a mask"
    checks = [
        Check(name=CHANGE, by=pixels, least=config.min_change),
        Check(name=BACKGROUND, by=pixels, most=config.max_background, withheld=unknown),
        Check(name=COLLAPSE, by=pixels, least=config.min_contrast),
    ]
    return replace(judges, checks=judges.checks | {check.name: check for check in checks})


def naming(witness: Witness) -> Verifier:
    """Return a verifier that asks for the label alone."""
    check = Check(name=LABEL, by=witness.name, withheld=witness.interpret([], []).withheld)
    return Verifier({LABEL: check}, seen={} if check.withheld else playing(witness.seen, FILTERS[LABEL]))


def _try_leafness(
    config: SynthesizeConfig, workspace: Workspace, real: Dataset, size_px: int, device: torch.device
) -> tuple[Check, Leafness | None, Seen]:
    """Ask LFLSeg about real validation pictures that it has not learned from, each of which shows a whole leaf.

    Returns:
        What is asked, LFLSeg, and what it has seen as a filter; None and nothing where that is withheld.
    """
    if config.leaf_model == NO_JUDGE:
        return Check(name=LEAF, withheld="no LFLSeg model was named"), None, {}
    checkpoint = open_checkpoint(workspace, config.leaf_model)
    leafness, seen = Leafness(checkpoint, device), checkpoint.seen()
    check = Check(name=LEAF, by=checkpoint.name, least=config.min_leafness)
    if UNKNOWN in seen:
        why = f"nobody wrote down which pictures {checkpoint.name} learned from"
        return check.model_copy(update={"withheld": why}), None, {}
    learned = {digest for digests in seen.values() for digest in digests}
    held_out = real.select(split="val")
    held_out = held_out[~held_out["sha256"].isin(learned)]
    order = np.sort(np.random.default_rng(0).permutation(len(held_out))[:TRIED])
    passed = [
        leafness([picture])[0] >= config.min_leafness for picture in _decoded(real, held_out.iloc[order], size_px)
    ]
    if np.mean(passed or [0.0]) >= TRUSTED:
        return check, leafness, playing(seen, FILTERS[LEAF])
    why = (
        f"{checkpoint.name} calls {sum(passed)} of {len(passed)} real validation pictures full leaves at this size, "
        f"expected at least {TRUSTED:.0%}; train LFLSeg on this dataset, or lower min_leafness"
    )
    return check.model_copy(update={"withheld": why}), None, {}


def _decoded(real: Dataset, records: pd.DataFrame, size_px: int) -> list[np.ndarray]:
    """Return the pictures that can be read."""
    pictures = []
    for path in real.paths(records):
        try:
            pictures.append(load_square(path, size_px))
        except DatasetError:
            continue  # gone or damaged since the import
    return pictures


def _look_at_reals(
    config: SynthesizeConfig,
    workspace: Workspace,
    here: Sequence[Dataset],
    seen: Seen,
    size_px: int,
    device: torch.device,
    progress: Progress,
) -> tuple[Check, FeatureExtractor | None, np.ndarray | None, np.ndarray | None]:
    """Measure how near real pictures come to those that the model learned from; no test picture is looked at."""
    check = Check(name=COPY, by=BUNDLED)
    if not config.copy_percentile:
        return check.model_copy(update={"withheld": "copy_percentile is 0"}), None, None, None
    records = real_pictures(here)
    learned = records["sha256"].isin(seen.get("generator", ())).to_numpy()
    if not learned.any():
        why = f"no picture that the model learned from is in {' or '.join(real.ref for real in here)}"
        return check.model_copy(update={"withheld": why}), None, None, None
    extract = FeatureExtractor(workspace, BUNDLED, device=device, through_px=size_px)
    found = extract(list(records["path"]), records["sha256"].tolist(), progress)
    readable = np.array([row not in found.unreadable for row in range(len(records))])
    features, learned = found.values[readable], learned[readable]
    groups = records["group"].to_numpy(str)[readable]
    near = nearest_of_reals(features, groups, features[learned], groups[learned], config.copy_percentile)
    if np.isnan(near):
        why = f"it takes {KID_FROM} real pictures in groups of their own to say how near is too near"
        return check.model_copy(update={"withheld": why}), None, None, None
    return check.model_copy(update={"least": near}), extract, features[learned], groups[learned]
