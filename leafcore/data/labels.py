"""Label sets: what a picture shows, written as one string.

A label set is the sorted names of its labels with single spaces between them: `"healthy"`, `"frog_eye_leaf_spot rust"`.
It is the notation of Plant Pathology 2021's `train.csv`, sorts and counts as a string, and one label is a special case.
"""

import re
from collections.abc import Iterable

from leafcore.errors import DatasetError


def label_set(labels: str | Iterable[str]) -> str:
    """Return labels as a label set.

    Args:
        labels: Names, or one string with spaces, commas or plus signs between them.

    Returns:
        The distinct names, sorted, with a space between them; empty if there are none.
    """
    names = re.split(r"[\s,+]+", labels.strip()) if isinstance(labels, str) else labels
    return " ".join(sorted({name for name in names if name}))


def label_sets(value: object) -> object:
    """Return several label sets, each once; what is neither text with commas nor a list stays for others to refuse.

    >>> label_sets("scab+rust, healthy,")
    ('rust scab', 'healthy')
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return value
    return tuple(dict.fromkeys(label_set(str(part)) for part in parts if str(part).strip()))


def split_labels(labels: str) -> tuple[str, ...]:
    """Return the names in a label set."""
    return tuple(labels.split())


def label_name(text: str) -> str:
    """Turn a folder's or column's name into a label, which holds no space, comma or plus sign."""
    return re.sub(r"[\s,+]+", "_", text.strip())


def words(labels: str) -> str:
    """Return a label set for people.

    >>> words("frog_eye_leaf_spot rust")
    'frog eye leaf spot + rust'
    """
    return " + ".join(name.replace("___", " ").replace("_", " ") for name in split_labels(labels))


def is_healthy(label: str) -> bool:
    """Whether a label says that nothing is wrong: "healthy", "Apple___healthy", but not "unhealthy"."""
    return re.search(r"(?<![a-z])healthy$", label.lower()) is not None


def union(source: str, targets: Iterable[str]) -> str:
    """Return the label set of a picture after translations.

    Args:
        source: The label set of the source picture.
        targets: The label set of each translation's target domain, in order.

    Returns:
        All labels together; "healthy" is dropped as soon as anything else is there, unless the last step heals.

    >>> union("healthy", ["rust", "frog_eye_leaf_spot"])
    'frog_eye_leaf_spot rust'
    >>> union("scab", ["healthy"])
    'healthy'
    """
    current = set(split_labels(source))
    for target in targets:
        added = set(split_labels(target))
        if added and all(is_healthy(label) for label in added):
            current = added
        else:
            current = {label for label in current if not is_healthy(label)} | added
    return label_set(current)


def require_known(labels: str, known: Iterable[str], where: str) -> str:
    """Return labels as a label set that occurs.

    Args:
        labels: What the user asked for, see `label_set`.
        known: The label sets that occur.
        where: What was searched, for the message.

    Raises:
        DatasetError: No picture has exactly these labels.
    """
    wanted = label_set(labels)
    known = sorted(known)
    if wanted not in known:
        names = ", ".join(name.replace(" ", "+") for name in known)
        raise DatasetError(f"label: got {labels!r}, expected one of the label sets of {where}: {names}.")
    return wanted
