"""What goes into an export: its pictures with everything known of each, looked up before a byte is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leafcore.data.layouts import flat_names
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import MaskSet, mask_files, newest_mask_set, open_mask_set
from leafcore.data.review import read_review
from leafcore.data.synthetic_sets import SyntheticSet, open_synthetic_set, open_whole_set
from leafcore.errors import LeafError, NotFoundError
from leafcore.export.configs import ExportConfig
from leafcore.export.manifest import created, real_row, synthetic_row
from leafcore.runs import Run, open_run
from leafcore.workspace import Workspace

NO_MASKS = ("", "none", "exact")  # what a row's `masks` says where it names no mask set


@dataclass(frozen=True)
class Item:
    """A picture of an export.

    Attributes:
        name: What its file is called; no two of an export are, whatever the case of their letters.
        path: Where it lies now.
        bytes: Its size.
        sha256: What the file must hash to; empty if nobody knows.
        width: In px.
        height: In px.
        mask: The file of its leaf's mask; None if it has none.
        row: Its row of the manifest, but for `file` and `sha256`.
    """

    name: str
    path: Path
    bytes: int
    sha256: str
    width: int
    height: int
    mask: Path | None
    row: dict[str, Any]

    @property
    def labels(self) -> str:
        """Its label set; empty if nobody knows what it shows."""
        return str(self.row["labels"])

    @property
    def is_synthetic(self) -> bool:
        """Whether no camera took it."""
        return bool(self.row["synthetic"])


@dataclass(frozen=True)
class Material:
    """Everything an export is made of.

    Attributes:
        run: The run that made the synthetic set.
        datasets: By `name@version`, every dataset that the pictures name; None if it is not in this workspace.
        mask_sets: By run, every mask set that they name and that is still there.
        items: The synthetic pictures in their manifest's order, then the real ones in theirs.
        left_out: Synthetic pictures that people rejected, or that have too few stars.
        review: What people said of the set, see `Review.digest`.
    """

    run: Run
    datasets: dict[str, Dataset | None]
    mask_sets: dict[str, MaskSet]
    items: list[Item]
    left_out: int = 0
    review: str = ""


def gather(config: ExportConfig, workspace: Workspace) -> Material:
    """Look up what an export is made of; of the pictures, only the sizes of files are read.

    Raises:
        NotFoundError: There is no such run, it made no synthetic set, a picture of it is gone, or the real pictures
            are asked for and their dataset is not here.
        DatasetError: Review left none of its pictures.
    """
    run = open_run(workspace, config.run)
    review = read_review(run.folder)  # before the pictures: what is said meanwhile makes the export an old one
    whole, pictures = open_whole_set(workspace, run.id), open_synthetic_set(workspace, run.id, stars=config.stars)
    rows: list[dict[str, Any]] = [
        {str(key): value for key, value in row.items()} for row in pictures.manifest.to_dict("records")
    ]
    if review.digest():
        rows = [{**row, **review.of(row["file"]).model_dump(include={"verdict", "stars"})} for row in rows]
    datasets = {ref: _dataset(workspace, ref) for ref in sorted({str(row["dataset"]) for row in rows} - {""})}
    mask_sets = dict(_mask_sets(workspace, {str(row["masks"]) for row in rows if "masks" in row}))
    reals = [_required(datasets, config.run)] if config.content == "merged" else []
    names = flat_names(
        [f"{run.id}-{row['file']}" for row in rows] + [str(image) for one in reals for image in one.records["image"]]
    )
    wants_masks = config.format == "coco"
    masks = _masks_of_sources(workspace, datasets, rows) if wants_masks else {}
    when = created(run)
    thresholds = {name: one.card.delta for name, one in mask_sets.items()}
    items = [
        _synthetic_item(name, path, size, row, run, when, masks, thresholds)
        for name, path, size, row in zip(names, pictures.paths(), _sizes(pictures), rows, strict=False)
    ]
    for dataset in reals:
        named = next(iter(mask_sets), "")
        real_masks = _masks(workspace, dataset, set(dataset.records["image"]), named) if wants_masks else {}
        items += _real_items(dataset, names[len(rows) :], real_masks)
    left_out = len(whole.files) - len(pictures.files)
    return Material(run, datasets, mask_sets, items, left_out, review.digest())


def _dataset(workspace: Workspace, ref: str) -> Dataset | None:
    try:
        return load(workspace, ref)
    except LeafError:  # weights from elsewhere name the dataset that they learned from, there
        return None


def _required(datasets: dict[str, Dataset | None], run_id: str) -> Dataset:
    """Return the one dataset that all pictures are made for."""
    found = list(datasets.values())
    if len(found) != 1 or found[0] is None:
        named = ", ".join(datasets) or "none"
        raise NotFoundError(
            f"content: the pictures of {run_id} can be merged with one dataset of this workspace, and they name "
            f"{named}; export the synthetic ones only, or import the dataset."
        )
    return found[0]


def _mask_sets(workspace: Workspace, named: set[str]) -> Iterator[tuple[str, MaskSet]]:
    for run_id in sorted(named - set(NO_MASKS)):
        try:
            yield run_id, open_mask_set(workspace, run_id)
        except LeafError:  # deleted since: its threshold and its masks stay blank
            continue


def _masks_of_sources(
    workspace: Workspace, datasets: dict[str, Dataset | None], rows: list[dict[str, Any]]
) -> dict[tuple[str, str, str], Path]:
    """Return the masks that the translations used, or else that came with the dataset: by dataset, masks and source.

    A translation does not move a leaf, so the mask of its source is its own, also where the translation needed none:
    then the dataset's newest mask set has it.
    """
    sources: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row["source"]:
            sources.setdefault((str(row["dataset"]), str(row.get("masks", ""))), set()).add(str(row["source"]))
    found = {}
    for (ref, named), images in sources.items():
        dataset = datasets[ref]
        masks = _masks(workspace, dataset, images, named)
        if dataset is not None and named in NO_MASKS:
            masks |= _masks(workspace, dataset, images - masks.keys(), newest_mask_set(workspace, dataset))
        found.update({(ref, named, image): file for image, file in masks.items()})
    return found


def _masks(workspace: Workspace, dataset: Dataset | None, images: set[str], named: str) -> dict[str, Path]:
    """Return the masks that there are of some pictures: of a mask set, or those that came with the dataset."""
    if dataset is None:
        return {}
    try:
        files = mask_files(workspace, dataset, sorted(images), "" if named in NO_MASKS else named)
    except LeafError:  # the mask set was deleted since
        return {}
    return {image: file for image, file in files.items() if file is not None and file.exists()}


def _synthetic_item(
    name: str,
    path: Path,
    size: int,
    row: dict[str, Any],
    run: Run,
    when: str,
    masks: dict[tuple[str, str, str], Path],
    thresholds: dict[str, float],
) -> Item:
    named = str(row.get("masks", ""))
    return Item(
        name=name,
        path=path,
        bytes=size,
        sha256=str(row.get("sha256", "")),
        width=row["size_px"],
        height=row["size_px"],
        mask=masks.get((str(row["dataset"]), named, str(row["source"]))),
        row=synthetic_row(row, run, when, thresholds.get(named)),
    )


def _sizes(pictures: SyntheticSet) -> list[int]:
    """Return the size of each picture's file.

    Raises:
        NotFoundError: Some are gone.
    """
    sizes, gone = [], []
    for path in pictures.paths():
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            gone.append(path)
    if gone:
        raise NotFoundError(
            f"run: {len(gone)} of the {len(pictures.manifest)} pictures of {pictures.id} are gone, first: {gone[0]}; "
            "synthesize them again."
        )
    return sizes


def _real_items(dataset: Dataset, names: list[str], masks: dict[str, Path]) -> list[Item]:
    """Return the real pictures of the train split.

    Args:
        dataset: Whose pictures they are.
        names: A name for each picture of all splits: what one is called does not hang on the others' split.
        masks: By picture, of those that have one.
    """
    is_drawn = dataset.card.format == "rendered"  # then the manifest has the hash of what was drawn, not of the file
    return [
        Item(
            name=name,
            path=dataset.root / record["image"],
            bytes=int(record["bytes"]),
            sha256="" if is_drawn else record["sha256"],
            width=int(record["width"]),
            height=int(record["height"]),
            mask=masks.get(record["image"]),
            row=real_row(record, dataset),
        )
        for name, record in zip(names, dataset.rows(), strict=True)
        if record["split"] == "train"
    ]
