"""The layouts of an export: where each picture goes, and the tables that its format wants beside them."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from leafcore.data.labels import split_labels
from leafcore.data.layouts import is_folder_name
from leafcore.errors import DatasetError
from leafcore.export.configs import FormatName
from leafcore.export.manifest import table
from leafcore.export.material import Item
from leafcore.images import load_mask

UNLABELLED = "unlabelled"  # the folder of pictures of which nobody knows what they show

Tables = Iterator[tuple[str, Iterator[str]]]  # path in the ZIP, and the text in pieces


@dataclass(frozen=True)
class Format:
    """A layout.

    Attributes:
        title: What a person calls it.
        place: Where in the ZIP a picture goes, with forward slashes.
        tables: What else the format wants.
    """

    title: str
    place: Callable[[Item], str]
    tables: Callable[[Sequence[Item]], Tables]


# --- a folder per class -----------------------------------------------------------------------------------------------


def class_of(item: Item) -> str:
    """Return the class of a picture where it can have but one: its labels with plus signs between them.

    Raises:
        DatasetError: A label cannot be a folder's name.
    """
    name = "+".join(split_labels(item.labels)) or UNLABELLED
    if not is_folder_name(name):
        raise DatasetError(f"format: {name!r} cannot be the name of a folder; choose csv, coco or hf.")
    return name


def _no_tables(items: Sequence[Item]) -> Tables:
    del items
    yield from ()


# --- a table ----------------------------------------------------------------------------------------------------------


def _train_csv(items: Sequence[Item]) -> Tables:
    """`image,labels`, as Plant Pathology 2021 has it: the rows can be appended to the competition's own."""
    yield "train.csv", table(["image", "labels"], ({"image": item.name, "labels": item.labels} for item in items))


# --- COCO -------------------------------------------------------------------------------------------------------------


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return a mask as COCO's uncompressed RLE: the lengths of runs down the columns, background first.

    The format is that of `pycocotools` (Lin et al. 2014, "Microsoft COCO").

    Args:
        mask: (H, W) bool.
    """
    flat = mask.ravel(order="F")
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], turns, [flat.size]])
    lengths: list[int] = np.diff(ends).tolist()
    return [0, *lengths] if flat[0] else lengths


def _coco(items: Sequence[Item]) -> Tables:
    yield "annotations.json", _coco_json(items)


def _coco_json(items: Sequence[Item]) -> Iterator[str]:
    """Yield the annotations piece by piece: a picture, and for each of its labels its leaf."""
    labels = sorted({label for item in items for label in split_labels(item.labels)})
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    info = {"description": "Leaf Workbench; see DATA_CARD.md", "version": "1.0"}
    categories = [{"id": number, "name": label, "supercategory": "leaf"} for label, number in numbers.items()]
    yield f'{{"info": {json.dumps(info)}, "licenses": [], "categories": {json.dumps(categories)}, "images": ['
    for number, item in enumerate(items, start=1):
        image = {
            "id": number, "file_name": f"images/{item.name}", "width": item.width, "height": item.height,
            "synthetic": item.is_synthetic,
        }  # fmt: skip
        yield ("" if number == 1 else ",\n") + json.dumps(image)
    yield '],\n"annotations": ['
    count = 0
    for number, item in enumerate(items, start=1):
        shape = _leaf(item) if item.labels else {}
        for label in split_labels(item.labels):
            count += 1
            one = {"id": count, "image_id": number, "category_id": numbers[label], "iscrowd": 0, **shape}
            yield ("" if count == 1 else ",\n") + json.dumps(one)
    yield "]}\n"


def _leaf(item: Item) -> dict[str, Any]:
    """Return where a picture's leaf is; if it has no mask, no pixel is known to be leaf and the box is the picture."""
    size = (item.height, item.width)
    mask = np.zeros(size, dtype=bool) if item.mask is None else _fitted(load_mask(item.mask), size)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = [0, 0, item.width, item.height]
    if rows.size:
        left, top = int(columns[0]), int(rows[0])
        box = [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]
    rle = {"size": list(size), "counts": run_lengths(mask)}
    return {"segmentation": rle, "area": int(mask.sum()), "bbox": box}


def _fitted(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if mask.shape == size:
        return mask
    return np.asarray(Image.fromarray(mask).resize((size[1], size[0]), Image.Resampling.NEAREST))


# --- Hugging Face -----------------------------------------------------------------------------------------------------


def _metadata(items: Sequence[Item]) -> Tables:
    yield "train/metadata.jsonl", map(_metadata_line, items)


def _metadata_line(item: Item) -> str:
    told = {
        "file_name": item.name, "label": item.labels, "labels": split_labels(item.labels),
        "synthetic": item.is_synthetic, "id": item.row["id"], "license": item.row.get("source_license", ""),
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False) + "\n"


FORMATS: dict[FormatName, Format] = {
    "imagefolder": Format("ImageFolder", lambda item: f"train/{class_of(item)}/{item.name}", _no_tables),
    "csv": Format("CSV + images", lambda item: f"train_images/{item.name}", _train_csv),
    "coco": Format("COCO", lambda item: f"images/{item.name}", _coco),
    "hf": Format("Hugging Face", lambda item: f"train/{item.name}", _metadata),
}
