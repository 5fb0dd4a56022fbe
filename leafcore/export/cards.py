"""The two texts that travel with an export: its data card and its licences. What nobody recorded is left blank."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from leafcore.data.manifest import Dataset
from leafcore.export.contents import Contents, composition
from leafcore.export.formats import FORMATS
from leafcore.export.material import Material

BLANK = "____"

# "Model info sheet" on leakage: Kapoor & Narayanan 2023, "Leakage and the reproducibility crisis in machine-learning-
# based science", Patterns 4(9). Answered here as far as a set of pictures can.
LEAKAGE = (
    ("L1.1", "Is the test set kept apart?"),
    ("L1.2", "Is preprocessing fitted without the test set?"),
    ("L1.3", "Are features selected without the test set?"),
    ("L1.4", "Are duplicates kept on one side?"),
    ("L2", "Is every feature legitimate for the claim?"),
    ("L3.1", "Does the test set come after the training set in time?"),
    ("L3.2", "Are training and test samples independent?"),
    ("L3.3", "Is the test set drawn from the population of the claim?"),
)


def licenses_text(contents: Contents) -> str:
    """Return LICENSES.md."""
    lines = ["# Licences", "", "As they were recorded. Nothing is assumed: where nobody stated one, it says so.", ""]
    for license in contents.licenses:
        lines += [f"## {license.of[0].upper()}{license.of[1:]}", "", f"Licence: {license.text}"]
        lines += [f"Origin: {license.origin}"] if license.origin else []
        lines += [] if license.is_stated else ["Ask whoever holds the rights before you pass these pictures on."]
        lines += [""]
    return "\n".join(lines)


def data_card(contents: Contents, material: Material) -> str:
    """Return DATA_CARD.md."""
    return "\n".join(
        [
            f"# Data card: {material.run.record.title}",
            "",
            *(f"> **Warning.** {warning}\n" for warning in contents.warnings),
            "## What is here",
            "",
            f"{contents.images} pictures, {contents.synthetic} of them synthetic, as {FORMATS[contents.format].title}. "
            f"{_real_words(contents)}",
            "",
            *_markdown(("shows", "real", "synthetic"), _composition(material)),
            "",
            "## How the synthetic pictures were made",
            "",
            *_making(contents, material),
            "",
            "## Where the real pictures come from",
            "",
            *(line for ref, dataset in material.datasets.items() for line in _dataset_lines(ref, dataset)),
            "",
            "## Known limits",
            "",
            *_limits(contents, material),
            "",
            "## Intended use",
            "",
            "Training and studying classifiers of leaf diseases, beside real pictures.",
            "Not for field diagnosis without validation.",
            "",
            "## Leakage",
            "",
            *_markdown(("", "question", "answer"), _leakage(contents, material)),
            "",
            "`manifest.csv` has a row for each picture, `LICENSES.md` the terms, `SHA256SUMS` the checksums.",
            "`python -m leafcore verify` checks the ZIP; `sha256sum -c SHA256SUMS` what was unpacked.",
            "",
        ]
    )


def _real_words(contents: Contents) -> str:
    if contents.content == "synthetic":
        return "No real picture is here."
    return f"The {contents.real} real ones are the train split; validation and test pictures are left out."


def _composition(material: Material) -> list[tuple[str, str, str]]:
    return [(shown, str(real), str(made)) for shown, (real, made) in composition(material.items).items()]


def _making(contents: Contents, material: Material) -> list[str]:
    """Return the ways in which pictures were made and labelled, each once."""
    rows = [item.row for item in material.items if item.is_synthetic]
    chains = dict.fromkeys(str(row["chain"]) for row in rows)
    steps = dict.fromkeys(" → ".join(map(_step, json.loads(c))) for c in chains)
    how = [
        f"Models, in order: {_each(steps)}.",
        f"Labels: {_each(str(row['label_rule']) for row in rows)}.",
        f"Masks: {_each(_masks_words(material, str(row.get('masks', ''))) for row in rows)}.",
        f"Size: {_each(_size(row) for row in rows)}. Run `{material.run.id}`, "
        f"code {_each(str(row['code_version']) for row in rows)}.",
    ]
    if contents.format == "coco":
        how.append(_leaves_words(contents))
    if material.left_out:
        how.append(f"Left out in review: {material.left_out} pictures that people rejected, or gave too few stars.")
    if any("min_confidence" in row for row in rows):
        least = _each(str(row["min_confidence"]) for row in rows)
        how.append(
            f"Kept: those of whose labels a classifier was at least {least} sure; `filter_scores` has its votes."
        )
    return [f"- {line}" for line in how]


def _leaves_words(contents: Contents) -> str:
    """Return how many pictures have a mask, and what stands for it in the others."""
    lack = contents.images - contents.masked
    said = f"Leaf masks in `annotations.json`: {contents.masked} of {contents.images} pictures, each its source's"
    return f"{said}; the {lack} without one have an empty mask and the whole picture as box." if lack else f"{said}."


def _size(row: Mapping[str, Any]) -> str:
    return f"{row['size_px']} px" + (f", {row['method']}" if row.get("method") else "")


def _step(one: dict[str, Any]) -> str:
    """Return a model with its recipe, and how it was applied where that is not as it was trained."""
    options = [one["recipe"], "B to A" if one.get("back") else "", "leaf only" if one.get("where") == "leaf" else ""]
    strength = one.get("strength", 1.0)
    said = ", ".join([option for option in options if option] + ([f"strength {strength:g}"] if strength != 1 else []))
    return f"{one['checkpoint']} ({said})"


def _masks_words(material: Material, named: str) -> str:
    card = material.mask_sets[named].card if named in material.mask_sets else None
    return f"{named} (delta {card.delta:g})" if card else named or BLANK


def _dataset_lines(ref: str, dataset: Dataset | None) -> Iterator[str]:
    yield f"- Dataset `{ref}`{'' if dataset else ', which is not in this workspace'}."
    if dataset is not None:
        split = ", ".join(f"{name} {value}" for name, value in dataset.card.settings.items() if value not in ("", None))
        yield f"- Split by group (leaf, plant, duplicates){f': {split}' if split else ''}."
    yield f"- Where, when and by whom they were taken: {BLANK}"


def _limits(contents: Contents, material: Material) -> list[str]:
    """Return what follows from how the pictures were made, and no more."""
    has_sources = any(item.is_synthetic and item.row["source"] for item in material.items)
    limits = ["A synthetic picture shows what a model has learned of a disease, and no other symptom."]
    if has_sources:
        limits.append("A translated leaf has its source's shape, light and background, and shares its source's group.")
    limits.append("Synthetic pictures are squashed to a square, not cropped.")
    if contents.unlabelled:
        limits.append(f"{contents.unlabelled} pictures have no labels.")
    return [f"- {limit}" for limit in [*limits, f"Judged by an expert: {BLANK}"]]


def _leakage(contents: Contents, material: Material) -> list[tuple[str, str, str]]:
    known = {"L1.1": _kept_apart(contents)}
    datasets = [dataset for dataset in material.datasets.values() if dataset is not None]
    if datasets:
        sides = pd.concat([one.records.groupby("group")["split"].nunique() for one in datasets])
        known["L3.2"] = f"{len(sides)} groups, {(sides > 1).sum()} in two splits; a synthetic picture has its source's."
    return [(number, question, known.get(number, BLANK)) for number, question in LEAKAGE]


def _kept_apart(contents: Contents) -> str:
    if any("must not be judged" in warning for warning in contents.warnings):
        return "No; see the warning above."
    return "No picture here is of the validation or test split, nor made of one."


def _each(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts)) or BLANK


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
