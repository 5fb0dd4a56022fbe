"""The verb that draws the map of a dataset, and finds which pictures are alike and which labels are suspect."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from leafcore.data.duplicates import likeness, perceptual_hash, small
from leafcore.data.labels import label_set, split_labels
from leafcore.data.manifest import Dataset, Skipped, load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.embedding import EMBEDDING, LOWEST_COSINE, MOST_PAIRS, PAIRS, REAL, SUSPECT, EmbedConfig, EmbedResult
from leafcore.errors import DatasetError
from leafcore.files import write_atomic
from leafcore.images import open_rgb
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.neighbors import similar_pairs
from leafcore.measure.projection import principal_components, project, unit_length
from leafcore.measure.suspects import judge_labels
from leafcore.progress import Progress
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

COMPONENTS = 256  # of the features; as good as all at finding flipped labels, and a tenth of the time


def embed(config: EmbedConfig, workspace: Workspace, progress: Progress) -> EmbedResult:
    """Write `embedding.parquet` and `pairs.parquet`, see `embedding.py`; the dataset stays as it is.

    Raises:
        NotFoundError: There is no such dataset, or a run made no synthetic set.
        ConfigError: timm knows no such backbone, or there is no such device.
        CheckpointError: The backbone's weights are not on this machine.
        DatasetError: None of the photographs can be read.
        Stopped: Somebody asked to stop; the features so far stay in the cache.
    """
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    device = resolve_device(config.device)
    extract = FeatureExtractor(workspace, config.backbone, pretrained=config.pretrained, device=device)
    pictures = _pictures(workspace, dataset, config.synthetic)
    progress.phase("looking at pictures")
    seen = extract(pictures["path"].tolist(), pictures["sha256"].tolist(), progress, batch_size=config.batch_size)
    skipped = tuple(Skipped(image=pictures["image"].iloc[row], reason=why) for row, why in seen.unreadable.items())
    if skipped:
        progress.warn(f"{len(skipped)} pictures cannot be read, first: {skipped[0].image}: {skipped[0].reason}")
    readable = ~pictures.index.isin(list(seen.unreadable))
    table, features = pictures[readable].reset_index(drop=True), seen.values[readable]
    if not (table["source"] == REAL).any():
        raise DatasetError(f"dataset: no picture of {dataset.ref} can be read; first: {skipped[0].reason}")

    pairs = _pairs(dataset, table, features, progress)
    components = principal_components(features, COMPONENTS, seed=config.seed)
    table = _judged(table, components, dataset, config.seed, progress)
    progress.phase("drawing the map")  # a minute or two, in which scikit-learn reports nothing
    table[["x", "y"]] = project(components, seed=config.seed)
    progress.raise_if_stopped()
    _write(progress.folder / "embedding.parquet", table, EMBEDDING)
    _write(progress.folder / "pairs.parquet", pairs, PAIRS)
    real = table["source"] == REAL
    return EmbedResult(
        dataset=dataset.ref,
        images=int(real.sum()),
        synthetic=int((~real).sum()),
        pairs=len(pairs),
        suspects=int((table["suspect"] >= SUSPECT).sum()),
        reused=seen.reused,
        skipped=skipped,
    )


def _pictures(workspace: Workspace, dataset: Dataset, synthetic: tuple[str, ...]) -> pd.DataFrame:
    """Return every picture to look at: the first five columns of `EMBEDDING`, `group` and `path`."""
    columns = ["image", "sha256", "labels", "split", "group"]
    parts = [dataset.records[columns].assign(source=REAL, path=_objects(dataset.paths(dataset.records)))]
    for run_id in dict.fromkeys(synthetic):
        made = open_synthetic_set(workspace, run_id)
        renamed = made.manifest.rename(columns={"file": "image"})[columns]
        parts.append(renamed.assign(source=made.id, path=_objects(made.paths())))
    return pd.concat(parts, ignore_index=True)


def _objects(paths: list[Path]) -> np.ndarray:
    return np.array(paths, dtype=object)


def _judged(
    table: pd.DataFrame, components: np.ndarray, dataset: Dataset, seed: int, progress: Progress
) -> pd.DataFrame:
    """Return the table with `suggested`, `confidence` and `suspect` of the photographs."""
    progress.phase("judging labels")
    real = (table["source"] == REAL).to_numpy()
    given = [set(split_labels(labels)) for labels in table.loc[real, "labels"]]
    targets = np.array([[label in labels for label in dataset.labels] for labels in given])

    def report(done: int, total: int) -> None:
        progress.report(done, total)
        progress.raise_if_stopped()

    judgement = judge_labels(
        components[real],
        targets,
        table.loc[real, "group"].to_numpy(),
        multi_label=dataset.is_multi_label,
        seed=seed,
        report=report,
    )
    names = np.array(dataset.labels)
    judged = table.assign(suggested="", confidence=np.nan, suspect=np.nan)
    judged.loc[real, "suggested"] = [label_set(names[row].tolist()) for row in judgement.suggested]
    judged.loc[real, "confidence"] = judgement.confidence
    judged.loc[real, "suspect"] = judgement.suspect
    return judged


def _pairs(dataset: Dataset, table: pd.DataFrame, features: np.ndarray, progress: Progress) -> pd.DataFrame:
    """Return the pairs of photographs that may be one, columns as in `PAIRS`."""
    progress.phase("comparing")
    real = np.flatnonzero(table["source"] == REAL)
    images = table["image"].to_numpy()[real]
    first, second, cosines = similar_pairs(
        unit_length(features[real]),
        table["sha256"].to_numpy(dtype=str)[real],
        lowest=LOWEST_COSINE,
        most=MOST_PAIRS,
        report=progress.report,
    )
    progress.raise_if_stopped()
    if len(cosines) == MOST_PAIRS:
        progress.warn(f"Only the {MOST_PAIRS} most similar pairs are kept, down to a cosine of {cosines[-1]:.3f}.")
    progress.phase("comparing thumbnails")
    rows = np.union1d(first, second)
    traces: dict[int, tuple[np.ndarray, str]] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        looks = pool.map(partial(_trace, dataset.root), images[rows])
        for done, (row, trace) in enumerate(zip(rows.tolist(), looks, strict=True), start=1):
            if trace is not None:
                traces[row] = trace
            progress.report(done, len(rows))
            if progress.should_stop:
                pool.shutdown(cancel_futures=True)
                progress.raise_if_stopped()
    found = [
        (images[one], images[other], cosine, likeness(traces[one][0], traces[other][0]), _distance(traces, one, other))
        for one, other, cosine in zip(first.tolist(), second.tolist(), cosines.tolist(), strict=True)
        if one in traces and other in traces
    ]
    return pd.DataFrame(found, columns=list(PAIRS))


def _trace(root: Path, image: str) -> tuple[np.ndarray, str] | None:
    """Return a picture's thumbnail and its perceptual hash; None if it has gone since its features were taken."""
    try:
        picture = open_rgb(root / image)
    except DatasetError:
        return None
    return small(picture), perceptual_hash(picture)


def _distance(traces: dict[int, tuple[np.ndarray, str]], one: int, other: int) -> int:
    return (int(traces[one][1], 16) ^ int(traces[other][1], 16)).bit_count()


def _write(path: Path, table: pd.DataFrame, columns: dict[str, str]) -> None:
    typed = table[list(columns)].astype(columns)
    write_atomic(path, lambda file: typed.to_parquet(file, index=False))
