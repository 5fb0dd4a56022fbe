"""Tables of predictions: our own, and as competitions want them handed in. Free of torch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from leafcore.data.classes import Classes
from leafcore.data.labels import is_healthy, split_labels
from leafcore.data.tables import CASSAVA_MAP, ONE_HOT_2020
from leafcore.errors import ConfigError
from leafcore.predict.configs import Layout

LABELS_2021 = ("complex", "frog_eye_leaf_spot", "healthy", "powdery_mildew", "rust", "scab")


def own_table(
    images: Sequence[str], probabilities: np.ndarray, label_sets: Sequence[str], classes: Classes
) -> pd.DataFrame:
    """Return `image,labels` and a column with the probability of each class, to six digits.

    Args:
        images: What each picture is called.
        probabilities: (N, classes) in [0, 1].
        label_sets: What each was named.
        classes: In the order of the columns.
    """
    columns = {name: np.round(probabilities[:, index], 6) for index, name in enumerate(classes.names)}
    return pd.DataFrame({"image": list(images), "labels": list(label_sets), **columns})


def submission(
    layout: Layout,
    images: Sequence[str],
    probabilities: np.ndarray,
    label_sets: Sequence[str],
    classes: Classes,
    numbers: Mapping[str, int],
) -> pd.DataFrame:
    """Return a table as a competition wants it.

    - plant-pathology-2021: `image,labels`, labels with spaces between them.
    - plant-pathology-2020: `image_id` without its ending, and the probability of each class.
    - cassava: `image_id,label`, the label as a number.

    Args:
        layout: Whose; or our own.
        images: What each picture is called; competitions get the last part.
        probabilities: (N, classes) in [0, 1].
        label_sets: What each was named.
        classes: In the order of the columns.
        numbers: Cassava's number of each class.

    Raises:
        ConfigError: See `require_layout`.
    """
    require_layout(layout, classes, numbers)
    names = [PurePosixPath(image).name for image in images]
    if layout == "plant-pathology-2021":
        return pd.DataFrame({"image": names, "labels": list(label_sets)})
    if layout == "plant-pathology-2020":
        columns = {name: np.round(probabilities[:, classes.names.index(name)], 6) for name in ONE_HOT_2020}
        return pd.DataFrame({"image_id": [PurePosixPath(name).stem for name in names], **columns})
    if layout == "cassava":
        return pd.DataFrame({"image_id": names, "label": [numbers[labels] for labels in label_sets]})
    return own_table(images, probabilities, label_sets, classes)


def require_layout(layout: Layout, classes: Classes, numbers: Mapping[str, int]) -> None:
    """Refuse a layout that cannot hold what a classifier says.

    Raises:
        ConfigError: Plant Pathology has no such class, or in 2020 one that the classifier does not know; or for Cassava
            it names several labels of a picture, or one without a number.
    """
    known = {"plant-pathology-2020": ONE_HOT_2020, "plant-pathology-2021": LABELS_2021}.get(layout)
    if known:
        told = classes.names if layout == "plant-pathology-2020" else _single(classes)
        extra = [name for name in dict.fromkeys(told) if name not in known]
        if extra:
            raise ConfigError(
                f"layout: {layout} knows {', '.join(known)}, but the classifier also names {', '.join(sorted(extra))}; "
                "choose own, or a classifier of the competition's classes."
            )
    if layout == "plant-pathology-2020":
        missing = [name for name in ONE_HOT_2020 if name not in classes.names]
        if missing:
            raise ConfigError(
                f"layout: plant-pathology-2020 wants a probability of {', '.join(missing)}, but the classifier tells "
                f"apart {', '.join(classes.names)}; choose own."
            )
    if layout == "cassava":
        if not classes.exclusive:
            raise ConfigError("layout: cassava wants one label per picture, but the classifier names several.")
        missing = [name for name in classes.names if name not in numbers]
        if missing:
            raise ConfigError(
                f"layout: cassava wants numbers, and {CASSAVA_MAP} beside the pictures that the classifier learned "
                f"from gives none for {', '.join(missing)}; put it there, or choose own."
            )


def _single(classes: Classes) -> set[str]:
    """Return the labels that classes are made of, which may be combinations."""
    return {label for name in classes.names for label in split_labels(name)}


def require_names(layout: Layout, images: Sequence[str]) -> None:
    """Refuse pictures that a competition could not tell apart, for it gets the last part of their names only.

    Args:
        layout: Whose.
        images: What each picture is called.

    Raises:
        ConfigError: Two of them end alike.
    """
    seen: dict[str, str] = {}
    for image in images if layout != "own" else ():
        path = PurePosixPath(image)
        name = path.stem if layout == "plant-pathology-2020" else path.name
        if name in seen:
            raise ConfigError(
                f"layout: {layout} wants names that differ, but {seen[name]} and {image} are both {name}; rename one, "
                "or choose own."
            )
        seen[name] = image


def fallback_of(classes: Classes, label_sets: Sequence[str]) -> str:
    """Return what a picture counts as that cannot be read: healthy if there is that class, else the most frequent one.

    Args:
        classes: What the classifier tells apart.
        label_sets: What the other pictures were named; at least one.
    """
    healthy = [name for name in classes.names if is_healthy(name)]
    return healthy[0] if healthy else Counter(label_sets).most_common(1)[0][0]
