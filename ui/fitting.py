"""How well thresholds fit masks of reference: the dataset's exact ones, and those corrected by hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import streamlit as st

from leafcore.data.mask_sets import Refinement
from leafcore.errors import DatasetError
from leafcore.images import load_mask
from leafcore.masks.configs import DELTA
from leafcore.masks.corrections import Correction
from leafcore.masks.tuning import DELTAS, REFERENCE_SIDE, boundary_curve, overlap_curve
from leafcore.measure.stats import group_means
from ui import cached
from ui.heat import Heat, Looks
from ui.mask_tiles import mask_of

SCORES = ("IoU", "boundary F")


def fit_scores(looks: Looks, heat: Heat, corrections: Mapping[str, Correction]) -> dict[str, np.ndarray]:
    """Return how well plain masks fit those of reference at every delta.

    Args:
        looks: Whose pictures.
        heat: Those that are judged.
        corrections: By picture; a corrected mask is a reference where there is no exact one.

    Returns:
        By name of the score, (3, 101): mean, low, high of a bootstrap over groups; empty without a reference.
    """
    curves, groups = [], []
    for row, cam in zip(heat.rows, heat.maps, strict=True):
        path, said = looks.dataset.root / row["mask"], corrections.get(row["image"])
        if not row["mask"] and said is None:
            continue
        try:
            key = (row["image"], looks.lflseg.card.weights_sha256)
            if row["mask"]:
                curves.append(_exact_curves(str(path), path.stat().st_mtime_ns, key, cam))
            elif said is not None:
                photo = str(looks.dataset.root / row["image"])
                curves.append(_corrected_curves(photo, said.model_dump_json(), key, cam))
        except (DatasetError, FileNotFoundError):  # a mask that went after the import: one reference less
            continue
        groups.append(row["group"])
    if not curves:
        return {}
    by_score = np.stack(curves, axis=1)  # (2, N, 101)
    return {name: _means(part, tuple(groups)) for name, part in zip(SCORES, by_score, strict=True)}


def best_delta(scores: Mapping[str, np.ndarray]) -> float:
    """Return the delta whose mean intersection over union is greatest."""
    return float(DELTAS[int(scores["IoU"][0].argmax())])


@st.cache_data(max_entries=1024, show_spinner=False)
def _exact_curves(path: str, modified_ns: int, key: tuple[str, str], _cam: np.ndarray) -> np.ndarray:
    del modified_ns, key
    return _curves(_cam, load_mask(Path(path), REFERENCE_SIDE))


@st.cache_data(max_entries=1024, show_spinner=False)
def _corrected_curves(photo: str, said: str, key: tuple[str, str], _cam: np.ndarray) -> np.ndarray:
    picture = cached.square(photo, REFERENCE_SIDE)
    correction = Correction.model_validate_json(said)
    return _curves(_cam, mask_of(picture, _cam, DELTA, Refinement(), correction, "@".join((*key, "reference"))))


def _curves(cam: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return a picture's (2, 101) scores, in the order of `SCORES`."""
    return np.stack([overlap_curve(cam, reference), boundary_curve(cam, reference)])


@st.cache_data(max_entries=16, show_spinner=False)
def _means(curves: np.ndarray, groups: tuple[str, ...]) -> np.ndarray:
    return group_means(curves, groups)
