"""What an export will hold, said before it is made: how many pictures, how large, under which licences."""

import json
from collections import Counter
from pathlib import Path

from pydantic import BaseModel

from leafcore.data.kaggle import kaggle_source
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.errors import DatasetError
from leafcore.export.configs import Content, ExportConfig, FormatName
from leafcore.export.formats import FORMATS
from leafcore.export.material import Item, Material, gather
from leafcore.workspace import Workspace

NONE_STATED = "none stated"
_SILENT = {"", NONE_STATED, "unknown"}


class License(BaseModel):
    """Under which terms something may be used: what was recorded, never what is likely.

    Attributes:
        of: What it is the licence of.
        text: As it was recorded; "none stated" if nothing was.
        origin: Where that comes from, with the rules that hold there; empty if nobody knows.
    """

    of: str
    text: str
    origin: str = ""

    @property
    def is_stated(self) -> bool:
        """Whether anybody said under which terms."""
        return self.text != NONE_STATED


class Contents(BaseModel):
    """What an export holds.

    Attributes:
        run: The run that made the synthetic set.
        format: How it is laid out.
        content: Whether real pictures are among them.
        images: Pictures in all.
        synthetic: How many of these are synthetic.
        real: How many are real, all of the train split.
        unlabelled: How many have no labels.
        masked: How many have a mask in it; only where the format takes masks.
        bytes: The pictures' size; the tables add about two kilobytes for each.
        licenses: Of the pictures and of the weights.
        warnings: What whoever gets it must know.
        left_out: Synthetic pictures of the run that are not in it, for people rejected them or gave too few stars.
        review: Changes with what people say of the set, see `Review.digest`.
    """

    run: str
    format: FormatName
    content: Content
    images: int
    synthetic: int
    real: int
    unlabelled: int
    masked: int
    bytes: int
    licenses: tuple[License, ...]
    warnings: tuple[str, ...]
    left_out: int = 0
    review: str = ""

    @property
    def is_licensed(self) -> bool:
        """Whether all terms are stated."""
        return all(license.is_stated for license in self.licenses)


def plan_export(config: ExportConfig, workspace: Workspace) -> Contents:
    """Return what an export would hold; nothing is written.

    Raises:
        NotFoundError: See `material.gather`.
        DatasetError: The format cannot hold it.
    """
    return contents_of(config, gather(config, workspace))


def contents_of(config: ExportConfig, material: Material) -> Contents:
    """Return what an export of this material holds.

    Raises:
        DatasetError: The format cannot hold it: it has no place for a picture.
    """
    items = material.items
    places = [FORMATS[config.format].place(item) for item in items]
    if len(set(places)) < len(places):
        raise DatasetError(f"run: {config.run} names a picture twice; synthesize the set again.")
    synthetic = sum(item.is_synthetic for item in items)
    return Contents(
        run=config.run,
        format=config.format,
        content=config.content,
        images=len(items),
        synthetic=synthetic,
        real=len(items) - synthetic,
        unlabelled=sum(not item.labels for item in items),
        masked=sum(item.mask is not None for item in items),
        bytes=sum(item.bytes for item in items),
        licenses=(*_of_pictures(material), *_of_weights(items)),
        warnings=tuple(_warnings(items)),
        left_out=material.left_out,
        review=material.review,
    )


def _of_pictures(material: Material) -> list[License]:
    """Return the licences of the real pictures that are there, were translated, or were learned from."""
    found = []
    for ref, dataset in material.datasets.items():
        recorded = {str(item.row["source_license"]) for item in material.items if item.row["dataset"] == ref}
        texts = sorted({_said(text) for text in recorded - {""}}) or [_said(dataset.card.license if dataset else "")]
        origin = _origin(dataset) if dataset else "not in this workspace"
        found += [License(of=f"pictures of {ref}", text=text, origin=origin) for text in texts]
    if not all(item.row["dataset"] for item in material.items):  # a model from elsewhere that says nothing of it
        found.append(License(of="pictures that the models learned from", text=NONE_STATED))
    return found


def _of_weights(items: list[Item]) -> list[License]:
    names: dict[str, dict[str, None]] = {}
    for chain, license in dict.fromkeys(
        (str(item.row["chain"]), str(item.row["weights_license"])) for item in items if item.is_synthetic
    ):
        steps = (str(step["checkpoint"]) for step in json.loads(chain))
        names.setdefault(_said(license), {}).update(dict.fromkeys(steps))
    return [License(of=f"weights of {', '.join(used)}", text=text) for text, used in names.items()]


def _said(text: str) -> str:
    return NONE_STATED if text.strip().lower() in _SILENT else text.strip()


def _origin(dataset: Dataset) -> str:
    """Return where a dataset was fetched; of a folder only its name, for the rest of its path is nobody's business."""
    source = kaggle_source(Path(dataset.card.source)) if dataset.card.source.startswith("kaggle:") else None
    if source is None:
        return Path(dataset.card.source).name
    return f"{source.url}, whose {'rules' if source.is_competition else 'terms'} apply"


def _warnings(items: list[Item]) -> list[str]:
    """Return what an export is stamped with: sources that no generator should have seen, labels that nobody knows."""
    splits = Counter(str(item.row["split"]) for item in items if item.is_synthetic and item.row["split"] != "train")
    found = [
        f"{count} synthetic pictures are made of {split} pictures: whatever learns from them must not be judged by the "
        f"{split} split."
        for split, count in sorted(splits.items())
    ]
    reasons = dict.fromkeys(str(item.row.get("override", "")) for item in items if item.is_synthetic)
    found += [f"The reason that was given for that: {reason}" for reason in reasons if reason]
    unlabelled = sum(not item.labels for item in items)
    return [*found, f"{unlabelled} pictures have no labels: nobody knows what they show."] if unlabelled else found


def composition(items: list[Item]) -> dict[str, tuple[int, int]]:
    """Return how many real and how many synthetic pictures show what, in words, sorted."""
    counts = Counter((words(item.labels) or "no labels", item.is_synthetic) for item in items)
    return {shown: (counts[shown, False], counts[shown, True]) for shown in sorted({shown for shown, _ in counts})}
