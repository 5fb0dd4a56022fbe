"""How unbalanced a dataset is."""

from collections.abc import Mapping, Sequence

import pandas as pd

from leafcore.data.labels import split_labels
from leafcore.data.manifest import SPLITS, Dataset
from leafcore.errors import ConfigError

ORDERS = ("most first", "rarest first", "by name")


def counts_by_label_set(dataset: Dataset) -> pd.DataFrame:
    """Return how many pictures each label set has.

    Returns:
        Index: label sets, most pictures first; columns: train, val, test, total.
    """
    table = dataset.records.groupby(["labels", "split"], observed=True).size().unstack(fill_value=0)
    table = table.reindex(columns=list(SPLITS), fill_value=0)
    table["total"] = table.sum(axis=1)
    return table.sort_values(["total", "labels"], ascending=[False, True])


def counts_by_label(dataset: Dataset) -> pd.DataFrame:
    """Return how many pictures show each label, alone or among others; a picture of two labels counts in both.

    Returns:
        Index: labels, most pictures first; columns: train, val, test, total.
    """
    return per_label(counts_by_label_set(dataset))


def per_label(sets: pd.DataFrame) -> pd.DataFrame:
    """Return a table of label sets as one of labels, most pictures first; what has two labels counts in both."""
    labels = sorted({label for labels in sets.index for label in split_labels(str(labels))})
    rows = {label: sets.loc[[label in split_labels(str(labels)) for labels in sets.index]].sum() for label in labels}
    return pd.DataFrame(rows).T.rename_axis("label").sort_values("total", ascending=False, kind="stable")


def with_synthetic(sets: pd.DataFrame, made: Mapping[str, int]) -> pd.DataFrame:
    """Return a table of label sets with a column `synthetic`; `total` stays what there is of real pictures.

    Args:
        sets: As `counts_by_label_set` returns it.
        made: Synthetic pictures per label set; some of these may have no real picture.
    """
    every = [*sets.index, *sorted(made.keys() - set(sets.index))]
    return sets.reindex(every, fill_value=0).assign(synthetic=[made.get(str(labels), 0) for labels in every])


def arranged(counts: pd.DataFrame, parts: Sequence[str], order: str) -> pd.DataFrame:
    """Return a table of counts in an order.

    Args:
        counts: Index: label sets or labels.
        parts: The columns whose sum is compared.
        order: One of `ORDERS`; where counts are equal the table's order stays.

    Raises:
        ConfigError: There is no such order.
    """
    if order not in ORDERS:
        raise ConfigError(f"order: got {order!r}, expected one of {', '.join(ORDERS)}.")
    if order == "by name":
        return counts.sort_index()
    shown = counts[list(parts)].sum(axis=1).sort_values(ascending=order == "rarest first", kind="stable")
    return counts.loc[shown.index]


def imbalance_ratio(dataset: Dataset) -> float:
    """Return the largest label set's size over the smallest's."""
    sizes = dataset.label_sets.values()
    return max(sizes) / min(sizes)


def effective_number(counts: pd.Series, beta: float = 0.999) -> pd.Series:
    """Return what each count is worth: the hundredth picture of a class adds less than the tenth.

    (1 - beta^n) / (1 - beta), Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples", equation 2.

    Args:
        counts: Pictures per class.
        beta: How much a further picture repeats, 0 (all alike) to 1 (each new).
    """
    return (1.0 - beta**counts) / (1.0 - beta)


def cooccurrence(dataset: Dataset) -> pd.DataFrame:
    """Return how many pictures show two labels together; on the diagonal, how many show a label at all.

    Returns:
        Index and columns: labels, sorted.
    """
    table = pd.DataFrame(0, index=list(dataset.labels), columns=list(dataset.labels))
    for labels, count in dataset.label_sets.items():
        names = list(split_labels(labels))
        table.loc[names, names] += count
    return table


def summary(dataset: Dataset) -> dict[str, object]:
    """Return the balance as plain values: what the command line and the API answer."""
    sets = counts_by_label_set(dataset)
    return {
        "dataset": dataset.ref,
        "label_policy": dataset.card.label_policy,
        "images": len(dataset.records),
        "groups": int(dataset.records["group"].nunique()),
        "imbalance_ratio": round(imbalance_ratio(dataset), 2),
        "label_sets": {str(name): {k: int(v) for k, v in row.items()} for name, row in sets.iterrows()},
        "labels": {str(name): int(n) for name, n in counts_by_label(dataset)["total"].items()},
        "skipped": len(dataset.card.skipped),
    }
