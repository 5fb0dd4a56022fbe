"""Mending a dataset in bulk: from what was found to the decisions that set it right. Nothing is written here."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd

from leafcore.data.groups import merge_alike
from leafcore.data.labels import is_healthy, label_set, split_labels
from leafcore.data.manifest import SPLITS, Dataset, Decision

Pairs = Sequence[tuple[str, str]]  # of pictures, by their paths below the root


def clusters(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return which pictures pairs connect, directly or through others; each cluster sorted, and the clusters too."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array(list(pairs), dtype=object).reshape(-1, 2)
    if not len(ends):
        return []
    code, images = pd.factorize(ends.ravel(), sort=True)
    first, second = code.reshape(-1, 2).T
    links = coo_array((np.ones(len(ends), dtype=int), (first, second)), shape=(len(images), len(images)))
    _, component = connected_components(links, directed=False)
    members = pd.Series(images).groupby(component, sort=False)
    return sorted(tuple(cluster) for _, cluster in members)


def keep_both(first: str, second: str) -> Decision:
    """Decide that two pictures may both stay, although they are alike."""
    return Decision(image=first, action="keep", why=f"like {second}")


def undecided(dataset: Dataset, pairs: Pairs) -> list[tuple[str, str]]:
    """Return the pairs of which a person has not said, by `keep_both`, that both may stay."""
    kept = {(one.image, one.why) for one in dataset.card.decisions if one.action == "keep"}
    return [pair for pair in pairs if (pair[0], keep_both(*pair).why) not in kept]


def keep_one(dataset: Dataset, pairs: Pairs) -> list[Decision]:
    """Keep one picture of each cluster and exclude its copies.

    The one in train stays before those in validation and test, for models may have learnt from it already; then the one
    with more pixels; then the one whose name sorts first. Clusters whose labels disagree are left for a person.
    """
    records = _of(dataset, pairs)
    decisions = []
    for cluster in clusters(pairs):
        members = records.loc[list(cluster)]
        if members["labels"].nunique() == 1:
            kept = _preferred(members)
            decisions += [_exclude(image, f"same photograph as {kept}") for image in cluster if image != kept]
    return decisions


def exclude_conflicts(pairs: Pairs) -> list[Decision]:
    """Exclude every picture of every cluster."""
    return [
        _exclude(image, f"same file as {_another(cluster, image)}, other labels")
        for cluster in clusters(pairs)
        for image in cluster
    ]


def unite_labels(dataset: Dataset, pairs: Pairs) -> list[Decision]:
    """Keep one picture of each cluster, as `keep_one` chooses it, under all labels that the cluster has.

    Healthy gives way to a disease: no leaf has both.
    """
    records = _of(dataset, pairs)
    decisions = []
    for cluster in clusters(pairs):
        members = records.loc[list(cluster)]
        kept = _preferred(members)
        names = {name for labels in members["labels"] for name in split_labels(labels)}
        sick = {name for name in names if not is_healthy(name)}
        why = f"same file as {_another(cluster, kept)}"
        decisions.append(Decision(image=kept, action="relabel", labels=label_set(sick or names), why=why))
        decisions += [_exclude(image, f"same file as {kept}") for image in cluster if image != kept]
    return decisions


def exclude_odd(dataset: Dataset, trait: str) -> list[Decision]:
    """Exclude the pictures whose file is odd in one way, a word of `data/traits.py`."""
    records = dataset.records
    odd = records.loc[records["traits"].str.split().map(lambda traits: trait in traits), "image"]
    return [_exclude(image, trait) for image in odd]


def one_side(dataset: Dataset, alike: Pairs = ()) -> list[Decision]:
    """Put pictures that belong together into one group and on one side of the split, where they are on several.

    A group goes wholly to train if any of its pictures is there, else to validation: what a model may have learnt from
    never becomes a test picture. Groups that lie on one side stay as they are.

    Args:
        dataset: The version to mend.
        alike: Pairs that show the same photograph; the same file is known to by its hash.
    """
    records = dataset.records.reset_index(drop=True)
    row = pd.Series(records.index, index=records["image"])
    group = merge_alike(records, [(int(row[one]), int(row[other])) for one, other in alike])
    side = records["split"].map({name: rank for rank, name in enumerate(SPLITS)}).astype(int)
    best = side.groupby(group).transform("min")
    divided = best != side.groupby(group).transform("max")
    changed = records[divided & ((side != best) | (group != records["group"]))]
    return [
        Decision(
            image=image,
            action="move",
            split=SPLITS[best[index]] if side[index] != best[index] else "",
            group=group[index] if group[index] != old else "",
            why="on two sides of the split",
        )
        for index, image, old in zip(changed.index, changed["image"], changed["group"], strict=True)
    ]


def to_train(dataset: Dataset, images: Collection[str], why: str) -> list[Decision]:
    """Move pictures, and all of their groups, to train.

    Args:
        dataset: The version to mend.
        images: Those to move.
        why: What was found.
    """
    records = dataset.records
    groups = records.loc[records["image"].isin(images), "group"]
    moved = records[records["group"].isin(groups) & (records["split"] != "train")]
    return [Decision(image=image, action="move", split="train", why=why) for image in moved["image"]]


def _of(dataset: Dataset, pairs: Pairs) -> pd.DataFrame:
    """Return the records of some pairs by image; of a million, a table of the few is made first."""
    records = dataset.records
    return records[records["image"].isin([image for pair in pairs for image in pair])].set_index("image")


def _preferred(members: pd.DataFrame) -> str:
    """Return the picture of a cluster that stays; the members' index is their path."""
    rank = members["split"].map({name: number for number, name in enumerate(SPLITS)})
    pixels = members["width"].astype("int64") * members["height"]
    order = pd.DataFrame({"rank": rank, "pixels": -pixels, "name": members.index})
    return str(order.sort_values(["rank", "pixels", "name"])["name"].iloc[0])


def _another(cluster: Sequence[str], image: str) -> str:
    return next(other for other in cluster if other != image)


def _exclude(image: str, why: str) -> Decision:
    return Decision(image=image, action="exclude", why=why)
