"""Several target domains in one go: a run for each."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from leafcore.data.labels import label_set


def per_target(values: Mapping[str, Any], targets: Sequence[str]) -> list[dict[str, Any]]:
    """Return the settings of each run.

    With several targets a name to promote under gets the pair behind it, so that each run has its own.

    Args:
        values: The settings that the runs share; `a` as the config's default says if it is missing.
        targets: The label sets to translate to; one that is named twice counts once.

    >>> per_target({"a": "healthy", "promote_as": "field"}, ["rust", "scab rust"])[1]
    {'a': 'healthy', 'promote_as': 'field-healthy-to-rust-scab', 'b': 'rust scab'}
    """
    distinct = list(dict.fromkeys(label_set(target) for target in targets))
    runs = [{**values, "b": target} for target in distinct]
    name = values.get("promote_as")
    if name and len(runs) > 1:
        for run in runs:
            pair = f"{label_set(run.get('a', 'healthy'))}-to-{run['b']}"
            run["promote_as"] = f"{name}-{re.sub(r'[^A-Za-z0-9._-]+', '-', pair)}"
    return runs
