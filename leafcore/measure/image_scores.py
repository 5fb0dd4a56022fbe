"""Scores of a whole set of generated pictures: how far from real ones, how sure and varied; with how many they took."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from leafcore.measure.distances import FID_FROM, IS_FROM, KID_FROM, fid, inception_score, kid
from leafcore.measure.features import FeatureExtractor
from leafcore.nets.backbones import BUNDLED, IMAGENET, build_backbone, closed_form_head
from leafcore.progress import Progress
from leafcore.workspace import Workspace


class ImageScore(BaseModel):
    """One score, with its standard deviation if it has one."""

    model_config = ConfigDict(frozen=True)

    value: float
    sd: float | None = None


class ImageScores(BaseModel):
    """What a set of generated pictures is worth.

    Attributes:
        backbone: The frozen network, with ImageNet weights, in whose features and classes everything was measured.
        reals: Which real pictures the distances are to.
        real_count: How many they are.
        fakes: How many generated pictures there are.
        scores: By name: "inception_score", "fid", "kid".
        withheld: By name, why a score is not told.
    """

    model_config = ConfigDict(frozen=True)

    backbone: str
    reals: str
    real_count: int
    fakes: int
    scores: dict[str, ImageScore] = {}
    withheld: dict[str, str] = {}


def withheld_for(fakes: int, reals: int) -> dict[str, str]:
    """Return why a score is not told of so few pictures, by its name; empty if there are enough."""
    both = min(fakes, reals)
    needs = {"inception_score": (IS_FROM, fakes), "fid": (FID_FROM, both), "kid": (KID_FROM, both)}
    there = f"there are {fakes} generated and {reals} real ones"
    return {name: f"from {least} pictures; {there}" for name, (least, count) in needs.items() if count < least}


def score_images(
    workspace: Workspace,
    fakes: tuple[Sequence[Path], Sequence[str]],
    reals: tuple[Sequence[Path], Sequence[str]],
    *,
    reals_are: str,
    size_px: int,
    device: torch.device,
    progress: Progress,
    seed: int = 0,
) -> ImageScores:
    """Score generated pictures by the bundled backbone, which needs no download; nothing of too few.

    Args:
        workspace: Whose cache keeps features.
        fakes: The generated pictures' files, and their SHA-256.
        reals: The same of the real ones.
        reals_are: Which those are, for people.
        size_px: The side of the generated pictures; real ones are made as small first, so that both are as sharp.
        device: Where to compute.
        progress: Told of the pictures that are looked at.
        seed: Of KID's folds and the inception score's splits.

    Raises:
        DatasetError: None of the pictures of a side can be read.
        DiskFull: There is no room for the features.
        Stopped: Somebody asked to stop; the features so far are kept.
    """
    withheld = withheld_for(len(fakes[0]), len(reals[0]))
    found = ImageScores(
        backbone=BUNDLED, reals=reals_are, real_count=len(reals[0]), fakes=len(fakes[0]), withheld=withheld
    )
    if len(withheld) == 3:
        return found
    extract = FeatureExtractor(workspace, device=device, through_px=size_px)
    made, real = (_readable(extract(*side, progress).values) for side in (fakes, reals))
    scores: dict[str, ImageScore] = {}
    if "inception_score" not in withheld:
        mean, spread = inception_score(imagenet_logits(made), seed=seed)
        scores["inception_score"] = ImageScore(value=mean, sd=spread)
    if "fid" not in withheld:
        scores["fid"] = ImageScore(value=fid(made, real))
    if "kid" not in withheld:
        mean, spread = kid(made, real, seed=seed)
        scores["kid"] = ImageScore(value=mean, sd=spread)
    return found.model_copy(update={"scores": scores})


@torch.inference_mode()
def imagenet_logits(features: np.ndarray, backbone: str = BUNDLED) -> np.ndarray:
    """Return what a backbone's own head says of its features.

    Args:
        features: (N, D) float32.
        backbone: What it is called; see `build_backbone`.

    Returns:
        (N, 1000) float32 logits of ImageNet's classes.
    """
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn only to be replaced
        network = build_backbone(backbone, IMAGENET, pretrained=True).eval()
    logits: np.ndarray = closed_form_head(network)(torch.from_numpy(features)).numpy()
    return logits


def _readable(features: np.ndarray) -> np.ndarray:
    rows: np.ndarray = features[~np.isnan(features).any(1)]
    return rows
