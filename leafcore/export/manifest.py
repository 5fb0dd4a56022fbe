"""The manifest of an export: a row per picture with all that is known of it, blank where the store does not know."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from leafcore.data.manifest import Dataset
from leafcore.runs import Run

COLUMNS = (
    "file",  # path in the ZIP
    "id",  # run/file of a synthetic picture, as its PNG says; dataset/image of a real one
    "sha256",  # of the file
    "phash",  # perceptual hash, 16 hex digits
    "labels",
    "label_rule",  # how the labels were decided
    "synthetic",  # True or False
    "split",
    "source",
    "source_sha256",
    "source_labels",
    "group",
    "chain",  # JSON: the models it went through in order, each with run, epoch, the weights' SHA-256
    "masks",
    "mask_threshold",
    "seed",
    "filter_scores",  # JSON: what let it pass
    "dataset",
    "run",
    "config_hash",
    "code_version",
    "libraries",
    "gpu",
    "driver",
    "created",  # UTC: when the run that made it ended
    "source_license",
    "weights_license",
)
RENAMED = {"votes": "filter_scores"}  # a teacher's votes are what its pictures were kept by


def synthetic_row(row: Mapping[str, Any], run: Run, created: str, mask_threshold: float | None) -> dict[str, Any]:
    """Return the row of a synthetic picture: its ledger's, whole, and what its run knows.

    Args:
        row: Of the synthetic set's manifest.
        run: The run that made the set.
        created: See `created`.
        mask_threshold: Delta of the mask set that it names; None for none.
    """
    known = {RENAMED.get(key, key): value for key, value in row.items() if key not in {"file", "sha256"}}
    return {
        **known,
        "id": f"{run.id}/{row['file']}",
        "synthetic": True,
        "mask_threshold": "" if mask_threshold is None else mask_threshold,
        "created": created,
    }


def created(run: Run) -> str:
    """Return when a run ended, in UTC; when it was asked for, if it has not."""
    return datetime.fromtimestamp(run.status_written().finished or run.record.created, UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


def real_row(record: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return the row of a real picture."""
    return {
        "id": f"{dataset.ref}/{record['image']}",
        "phash": record["phash"],
        "labels": record["labels"],
        "label_rule": "the dataset's",
        "synthetic": False,
        "split": record["split"],
        "source": record["image"],
        "source_sha256": record["sha256"],
        "source_labels": record["labels"],
        "group": record["group"],
        "dataset": dataset.ref,
        "source_license": dataset.card.license,
    }


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return every manifest's columns, then those that only these rows have."""
    own = dict.fromkeys(key for row in rows for key in row)
    return [*COLUMNS, *(key for key in own if key not in COLUMNS)]


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a CSV table, line by line, so that it need never be whole in memory."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
