"""What runs are called in lists."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from leafcore.config import Config
from leafcore.data.labels import words
from leafcore.train.configs import RECIPES

OF_A_DATASET = {"health", "split", "scarce", "write", "embed", "masks", "evaluate", "probes", "quality", "realfake"}


def run_title(kind: str, named: str, config: Config) -> str:
    """Return what a run is called in lists: "LeafGAN healthy -> rust".

    Args:
        kind: Its kind.
        named: What that is called, see `jobs.Kind`.
        config: Its settings.
    """
    values = config.model_dump()
    if kind in RECIPES:
        pair = f" {words(values['a'])} → {words(values['b'])}" if "b" in values else ""
        of = pair or _listed(values.get("labels", ())) or f": {values['dataset'].partition('@')[0]}"
        return f"{RECIPES[kind].title}{of}"
    if kind == "preflight":
        recipe = RECIPES[values["recipe"]]
        return f"Check: {run_title(values['recipe'], recipe.title, recipe.config.build(values['settings']))}"
    if kind == "synthesize":
        made_of = f" from {words(values['source'])}" if values["source"] else ""
        makers = ", then ".join(_name(ref) for ref in (values["checkpoint"], *values["chain"]) if ref)
        by = f"a plan of {len(values['plan'])} parts" if values["plan"] else makers
        return f"{values['count']} synthetic pictures{made_of}{f' by {by}' if by else ''}"
    if kind == "pseudo-label":
        return f"Pseudo-labels from {values['min_confidence']:.0%}"
    if kind == "scarcity":
        return f"Scarcity study: {values['dataset'].partition('@')[0]}, at most {values['limit']} per class"
    if kind == "reproduce":
        return f"{named}: {PurePath(values['picture']).name}"
    if kind in {"import", "render", "adopt"}:
        return f"{named}: {values['name']}"
    if kind in OF_A_DATASET:
        return f"{named}: {values['dataset'].partition('@')[0]}"
    if kind == "predict":
        of = f"{values['dataset'].partition('@')[0]}, {values['split']}" if values["dataset"] else ""
        return f"{named}: {of or PurePath(values['path']).name}"
    if kind in {"score", "export", "report"}:
        return f"{named}: {_name(values['run'])}"
    if kind == "write-weights":
        return f"{named}: {values['model'].partition('#')[0]}"
    return named


def _name(ref: str) -> str:
    """Return what people call a checkpoint or a step of a chain: no hash, no way it is used, no date of a run.

    >>> _name("20261122-003901-995-leafgan-bbce@20#1d62b0ed79f3:0.7:leaf")
    'leafgan-bbce@20'
    """
    return re.sub(r"^\d{8}-\d{6}-\d{3}-", "", re.split("[#:]", ref)[0])


def _listed(labels: Sequence[str]) -> str:
    """Return label sets as a title names them: the first two, and how many more."""
    more = f" and {len(labels) - 2} more" if len(labels) > 2 else ""
    return f" {', '.join(labels[:2])}{more}" if labels else ""
