"""Masks of a set that deserve a look: empty, full, far from the exact ones, or of what may be no whole leaf."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from leafcore.masks.configs import EMPTY, FULL

LISTED = 96  # pictures of each sort that are named
LEAST = 10  # pictures whose masks fit worst that are named


class Outliers(BaseModel):
    """Pictures, by their names in the manifest; of each sort the worst 96.

    Attributes:
        empty: Masks under 2 % of their picture, the emptiest first.
        full: Masks over 98 % of their picture, the fullest first.
        not_whole: What LFLSeg takes for a part of a leaf, or for something else, and for which.
        least_overlap: Intersection over union with the exact masks of the ten pictures where it is least; no test
            picture is among them.
    """

    model_config = ConfigDict(frozen=True)

    empty: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    not_whole: dict[str, str] = {}
    least_overlap: dict[str, float] = {}


def find_outliers(areas: Mapping[str, float], classes: Mapping[str, str], overlaps: Mapping[str, float]) -> Outliers:
    """Return the pictures whose masks deserve a look.

    Args:
        areas: By picture, the share of it that is leaf, 0 to 1.
        classes: By picture, what LFLSeg takes it for.
        overlaps: By picture, the intersection over union with its exact mask; no test picture.
    """
    by_area = sorted(areas, key=lambda image: areas[image])
    worst = sorted(overlaps, key=lambda image: overlaps[image])[:LEAST]
    odd = [image for image, name in classes.items() if name != "full leaf"]
    return Outliers(
        empty=tuple(image for image in by_area if areas[image] < EMPTY)[:LISTED],
        full=tuple(image for image in reversed(by_area) if areas[image] > FULL)[:LISTED],
        not_whole={image: classes[image] for image in odd[:LISTED]},
        least_overlap={image: round(overlaps[image], 4) for image in worst},
    )
