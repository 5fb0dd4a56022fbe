"""What a dataset looks like in each layout: which file goes where, and what its tables say. Nothing is written here."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from leafcore.data.folders import DOMAIN_LABELS
from leafcore.data.labels import label_set, split_labels
from leafcore.data.listing import pictures_below
from leafcore.data.manifest import SPLITS, Dataset
from leafcore.data.tables import CASSAVA_MAP, ONE_HOT_2020, OPTIONAL
from leafcore.errors import DatasetError
from leafcore.images import SUFFIXES

GRID = 3  # a partial leaf is one cell of a 3 x 3 grid
LFLSEG_FOLDERS = ("full_leaf", "partial_leaf", "non_leaf")  # LFLSeg's labels 0, 1 and 2, in LeafGAN's own words
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.|\.$')  # in a folder's name, on some system


@dataclass(frozen=True)
class Piece:
    """A file of a layout.

    Attributes:
        to: Its path below the target, with forward slashes.
        source: What it is copied from.
        sha256: What it must hash to; empty if nobody knows.
        cell: Which of nine cells of the picture it is, 0 to 8; None for the whole file, byte for byte.
    """

    to: str
    source: Path
    sha256: str = ""
    cell: int | None = None


@dataclass(frozen=True)
class Plan:
    """All files of a layout.

    Attributes:
        pieces: What is copied or cut.
        texts: Tables and lists by path.
        images: How many of the dataset's pictures are there.
        masks: How many masks.
    """

    pieces: list[Piece]
    texts: dict[str, str] = field(default_factory=dict)
    images: int = 0
    masks: int = 0


@dataclass(frozen=True)
class Wanted:
    """What a layout is asked for.

    Attributes:
        dataset: The version.
        target: Where it will be.
        a, b: The label sets of two domains.
        masks: A mask per picture, by the picture's path; empty for none.
        nonleaf: The folder of pictures without a leaf.
        seed: Chooses which leaves are cut.
    """

    dataset: Dataset
    target: Path
    a: str = ""
    b: str = ""
    masks: dict[str, Path] = field(default_factory=dict)
    nonleaf: Path | None = None
    seed: int = 0


def is_folder_name(name: str) -> bool:
    """Whether a folder may be called so on every system."""
    return not _UNSAFE.search(name)


def flat_names(images: Sequence[str]) -> list[str]:
    """Return a name per picture that needs no folder: its own, or where two have the same, its path with dashes.

    Names that differ in their case only are the same, for on some systems they are.
    """
    own = [PurePosixPath(image).name for image in images]
    often = Counter(name.lower() for name in own)
    names = [
        name if often[name.lower()] == 1 else image.replace("/", "--") for name, image in zip(own, images, strict=True)
    ]
    taken: set[str] = set()
    for index, name in enumerate(names):
        path, number = PurePosixPath(name), 1
        while name.lower() in taken:
            number += 1
            name = f"{path.stem}-{number}{path.suffix}"
        taken.add(name.lower())
        names[index] = name
    return names


# --- layouts ----------------------------------------------------------------------------------------------------------


def folders(wanted: Wanted) -> Plan:
    """A folder per class.

    Raises:
        DatasetError: A picture has several labels, a label cannot be a folder's name, or a file has no known ending.
    """
    dataset, records = wanted.dataset, wanted.dataset.records
    _require_single(dataset, "folders")
    _require_endings(dataset, records, "folders", SUFFIXES)
    for label in dataset.labels:
        if not is_folder_name(label):
            raise DatasetError(f"layout: {label!r} cannot be the name of a folder; choose plant-pathology-2021.")
    names = [
        f"{label}/{name}" for label, name in zip(records["labels"], flat_names(list(records["image"])), strict=True)
    ]
    return Plan(_pieces(dataset, records, names), images=len(records))


def plant_pathology_2021(wanted: Wanted) -> Plan:
    """`train.csv` with `image,labels` and a folder `train_images`; any label set, any kind of picture."""
    records = wanted.dataset.records
    names = flat_names(list(records["image"]))
    table = pd.DataFrame({"image": names, "labels": list(records["labels"])})
    return _table_plan(wanted.dataset, "train_images", names, table)


def plant_pathology_2020(wanted: Wanted) -> Plan:
    """`train.csv` with `image_id` and a column of 0 and 1 per label, and a folder `images` of JPEGs.

    Raises:
        DatasetError: A picture is no JPEG: the table leaves the ending out. Or a label is called like another column.
    """
    dataset, records = wanted.dataset, wanted.dataset.records
    _require_endings(dataset, records, "plant-pathology-2020", {".jpg", ".jpeg"})
    columns = [*ONE_HOT_2020, *(label for label in dataset.labels if label not in ONE_HOT_2020)]
    taken = [label for label in columns if label in {"image_id", *OPTIONAL}]
    if taken:
        raise DatasetError(
            f"layout: the label {taken[0]!r} is a column of plant-pathology-2020; choose another layout."
        )
    stems = [PurePosixPath(name).stem for name in flat_names([_as_jpg(image) for image in records["image"]])]
    shown = [set(split_labels(labels)) for labels in records["labels"]]
    table = pd.DataFrame({"image_id": stems} | {label: [int(label in labels) for labels in shown] for label in columns})
    return _table_plan(dataset, "images", [f"{stem}.jpg" for stem in stems], table)


def cassava(wanted: Wanted) -> Plan:
    """`train.csv` with `image_id,label`, where a JSON file says what each number means, and a folder `train_images`.

    Raises:
        DatasetError: A picture has several labels.
    """
    dataset, records = wanted.dataset, wanted.dataset.records
    _require_single(dataset, "cassava")
    numbers = {label: number for number, label in enumerate(dataset.labels)}
    names = flat_names(list(records["image"]))
    table = pd.DataFrame({"image_id": names, "label": [numbers[label] for label in records["labels"]]})
    plan = _table_plan(dataset, "train_images", names, table)
    plan.texts[CASSAVA_MAP] = json.dumps({str(number): label for label, number in numbers.items()}, ensure_ascii=False)
    return plan


def domains(wanted: Wanted) -> Plan:
    """`trainA trainB valA valB testA testB`, as CycleGAN and LeafGAN read them, and folders of masks: `trainA_mask`.

    LeafGAN looks for a mask under its picture's own name, so a mask is called `leaf.jpg` beside `leaf.jpg` and is the
    PNG it was made as: what reads pictures goes by their content.

    Raises:
        DatasetError: No picture has one of the label sets, or none of it is in the train split.
    """
    dataset = wanted.dataset
    labels = {"A": label_set(wanted.a), "B": label_set(wanted.b)}
    plan = Plan([], {DOMAIN_LABELS: json.dumps(labels, ensure_ascii=False)})
    masks: list[Piece] = []
    for letter, split in ((letter, split) for letter in labels for split in SPLITS):
        records = dataset.select(split=split, labels=labels[letter])
        if split == "train" and records.empty:
            raise DatasetError(f"{letter.lower()}: {labels[letter]!r} has no train picture in {dataset.ref}.")
        _require_endings(dataset, records, "domains", SUFFIXES)
        names = _distinct_stems(list(records["image"]))
        plan.pieces.extend(_pieces(dataset, records, [f"{split}{letter}/{name}" for name in names]))
        masks += [
            Piece(f"{split}{letter}_mask/{name}", wanted.masks[image])
            for name, image in zip(names, records["image"], strict=True)
            if image in wanted.masks
        ]
    return Plan([*plan.pieces, *masks], plan.texts, images=len(plan.pieces), masks=len(masks))


def lflseg(wanted: Wanted) -> Plan:
    """What LeafGAN's LFLSeg is trained with: full leaves, parts of them, other things, and a list of each split.

    A ninth of the leaves of each split, drawn at random, are cut into nine as well, so that there are as many parts as
    leaves. The pictures without a leaf are divided in proportion to the leaves.

    Raises:
        DatasetError: The folder holds no picture without a leaf.
    """
    dataset, records = wanted.dataset, wanted.dataset.records
    others = pictures_below(wanted.nonleaf) if wanted.nonleaf else []
    if not others:
        raise DatasetError(f"nonleaf: {wanted.nonleaf} holds no picture; expected a folder of pictures without a leaf.")
    rng = np.random.default_rng(wanted.seed)
    full = flat_names(list(records["image"]))
    pieces = _pieces(dataset, records, [f"{LFLSEG_FOLDERS[0]}/{name}" for name in full])
    splits = list(records["split"])
    for split in sorted(set(splits)):
        rows = [row for row, own in enumerate(splits) if own == split]
        cut = rng.permutation(rows)[: -(-len(rows) // GRID**2)]
        for row, cell in ((int(row), cell) for row in sorted(cut) for cell in range(GRID**2)):
            name = f"{LFLSEG_FOLDERS[1]}/{PurePosixPath(full[row]).stem}-{row}-{cell + 1}.png"
            pieces.append(Piece(name, pieces[row].source, cell=cell))
            splits.append(split)
    below = [str(path.relative_to(wanted.nonleaf or path)).replace("\\", "/") for path in others]
    pieces += [Piece(f"{LFLSEG_FOLDERS[2]}/{name}", path) for name, path in zip(flat_names(below), others, strict=True)]
    spread = (np.arange(len(others)) + 0.5) * len(records) / len(others)
    in_proportion = sorted(records["split"])
    splits += [in_proportion[int(row)] for row in rng.permutation(spread)]
    return Plan(pieces, _lflseg_lists(wanted.target, pieces, splits), images=len(records))


def _lflseg_lists(target: Path, pieces: Sequence[Piece], splits: Sequence[str]) -> dict[str, str]:
    """Return the lists that LFLSeg's own training reads: a path, a comma, a space, a label."""
    lists = {f"{split}.txt": "" for split in SPLITS}
    for piece, split in zip(pieces, splits, strict=True):
        label = LFLSEG_FOLDERS.index(piece.to.partition("/")[0])
        lists[f"{split}.txt"] += f"{target / piece.to}, {label}\n"
    return lists


LAYOUTS: dict[str, Callable[[Wanted], Plan]] = {
    "folders": folders,
    "plant-pathology-2021": plant_pathology_2021,
    "plant-pathology-2020": plant_pathology_2020,
    "cassava": cassava,
    "domains": domains,
    "lflseg": lflseg,
}


# --- what several have in common --------------------------------------------------------------------------------------


def _pieces(dataset: Dataset, records: pd.DataFrame, names: Sequence[str]) -> list[Piece]:
    is_drawn = dataset.card.format == "rendered"  # then the manifest has the hash of what was drawn, not of the file
    hashes = [""] * len(records) if is_drawn else list(records["sha256"])
    return [Piece(*piece) for piece in zip(names, dataset.paths(records), hashes, strict=True)]


def _table_plan(dataset: Dataset, folder: str, names: Sequence[str], table: pd.DataFrame) -> Plan:
    """Return a table, with what belongs together and how it is split in two columns more, and a folder of pictures."""
    records = dataset.records
    whole = table.assign(group=list(records["group"]), split=list(records["split"]))
    pieces = _pieces(dataset, records, [f"{folder}/{name}" for name in names])
    return Plan(pieces, {"train.csv": whole.to_csv(index=False, lineterminator="\n")}, images=len(records))


def _require_single(dataset: Dataset, layout: str) -> None:
    several = {labels: count for labels, count in dataset.label_sets.items() if " " in labels}
    if several:
        raise DatasetError(
            f"layout: {layout} holds one label per picture, but {sum(several.values())} pictures of {dataset.ref} have "
            f"several, such as {next(iter(several))!r}; choose plant-pathology-2021 or plant-pathology-2020."
        )


def _require_endings(dataset: Dataset, records: pd.DataFrame, layout: str, known: "set[str] | frozenset[str]") -> None:
    others = [image for image in records["image"] if PurePosixPath(image).suffix.lower() not in known]
    if others:
        raise DatasetError(
            f"layout: {layout} holds {', '.join(sorted(known))} files, but {len(others)} pictures of {dataset.ref} are "
            f"others, first: {others[0]}; choose plant-pathology-2021."
        )


def _as_jpg(image: str) -> str:
    return PurePosixPath(image).with_suffix(".jpg").as_posix()


def _distinct_stems(images: Sequence[str]) -> list[str]:
    """Return flat names of which no two differ in their ending only, for a mask is found by its picture's stem."""
    endings = [PurePosixPath(image).suffix for image in images]
    stems = [PurePosixPath(name).stem for name in flat_names([_as_jpg(image) for image in images])]
    return [stem + ending for stem, ending in zip(stems, endings, strict=True)]
