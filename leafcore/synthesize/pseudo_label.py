"""The verb that lets a teacher label pictures from noise (Lee 2013, "Pseudo-Label", ICML workshop)."""

import json
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from leafcore.checkpoints import Checkpoint, open_checkpoint
from leafcore.data.ledger import Ledger
from leafcore.data.manifest import load
from leafcore.data.seen import load_seen, merge, playing, save_seen
from leafcore.data.synthetic_sets import PseudoLabelled, SyntheticSet, Vote, open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.files import require_space
from leafcore.images import load_square, mosaic
from leafcore.measure.judge import Judge
from leafcore.progress import Progress
from leafcore.runs import code_version
from leafcore.synthesize.configs import PseudoLabelConfig
from leafcore.synthesize.teachers import require_teacher, require_unlabelled
from leafcore.synthesize.votes import Votes
from leafcore.synthesize.written import Writer
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

SHOWN = 36  # in the run's picture
TEACHERS = (("teacher", "labels", "probability"), ("co_teacher", "co_labels", "co_probability"))


class PseudoLabelResult(BaseModel):
    """What a teacher accepted.

    Attributes:
        count: Pictures in the set.
        labels: Their label set; empty if they have several.
        size_px: Their side.
        made: Accepted pictures by label set.
        rejected: The others, by the label set that the teacher gave them.
        min_confidence: The probability from which pictures were accepted.
    """

    count: int
    labels: str
    size_px: int
    made: dict[str, int]
    rejected: dict[str, int]
    min_confidence: float


def pseudo_label(config: PseudoLabelConfig, workspace: Workspace, progress: Progress) -> PseudoLabelResult:
    """Label pictures, and write those that the teacher is sure of as a synthetic set; the votes on all are kept.

    A resumed run writes only what is missing. A stop keeps what exists, with its manifest.

    Raises:
        InputError: A name is unknown, a teacher knows other labels than the dataset, or the pictures have labels.
        DatasetError: No picture passes; the votes stay.
        DiskFull: There is no room; what exists stays, with its manifest.
        Stopped: Somebody asked to stop.
    """
    progress.phase("loading")
    pictures = open_synthetic_set(workspace, config.run)
    require_unlabelled(pictures)
    dataset = load(workspace, config.dataset)
    teachers = {name: open_checkpoint(workspace, ref) for name, ref in _named(config).items()}
    for name, teacher in teachers.items():
        require_teacher(teacher, dataset, name)
    taught = [playing(teacher.seen(), "teacher") for teacher in teachers.values()]
    save_seen(progress.folder, merge(load_seen(pictures.folder), *taught))

    progress.phase("labelling")
    votes = Votes(_vote(config, pictures, teachers, progress))
    votes.save(progress.folder)
    counts = votes.counts(config.min_confidence, list(dataset.label_sets))
    kept = votes.table[votes.accepted(config.min_confidence)]
    if kept.empty:
        raise DatasetError(_nothing_passes(config, votes))
    for labels in counts.index[counts["accepted"] == 0]:
        progress.warn(f"No picture called {labels} passes {config.min_confidence:g}.")

    progress.phase("writing pictures")
    _write(config, pictures, kept, teachers, progress)
    made = {str(labels): int(count) for labels, count in counts["accepted"].items() if count}
    return PseudoLabelResult(
        count=len(kept),
        labels=next(iter(made)) if len(made) == 1 else "",
        size_px=int(pictures.manifest["size_px"].iloc[0]),
        made=made,
        rejected={str(labels): int(count) for labels, count in counts["rejected"].items() if count},
        min_confidence=config.min_confidence,
    )


def _named(config: PseudoLabelConfig) -> dict[str, str]:
    return {name: ref for name, *_ in TEACHERS if (ref := getattr(config, name))}


def _vote(
    config: PseudoLabelConfig, pictures: SyntheticSet, teachers: dict[str, Checkpoint], progress: Progress
) -> pd.DataFrame:
    """Return what the teachers say of every picture, see `Votes`."""
    device, size_px = resolve_device(config.device), int(pictures.manifest["size_px"].iloc[0])
    judges = {name: Judge(teacher, device) for name, teacher in teachers.items()}
    columns: dict[str, list[Any]] = {"file": pictures.manifest["file"].tolist()}
    paths = pictures.paths()
    for start in range(0, len(paths), config.batch_size):
        batch = [load_square(path, size_px) for path in paths[start : start + config.batch_size]]
        for name, labels, probability in TEACHERS:
            if name in judges:
                said, sure = judges[name].tell(batch)
                columns.setdefault(labels, []).extend(said)
                columns.setdefault(probability, []).extend(sure.tolist())
        progress.report(start + len(batch), len(paths))
        progress.raise_if_stopped()
    return pd.DataFrame(columns)


def _nothing_passes(config: PseudoLabelConfig, votes: Votes) -> str:
    agreed = votes.table[votes.accepted(0.0)]
    if agreed.empty:
        return f"co_teacher: the two teachers agree on none of the {len(votes.table)} pictures of {config.run}."
    surest = agreed.iloc[int(agreed["probability"].to_numpy().argmax())]
    return (
        f"min_confidence: none of the {len(votes.table)} pictures of {config.run} passes {config.min_confidence:g}; "
        f"the surest is {surest['labels']} with {surest['probability']:.2f}. Lower it, or train the generator or the "
        "teacher for longer."
    )


def _write(
    config: PseudoLabelConfig,
    pictures: SyntheticSet,
    kept: pd.DataFrame,
    teachers: dict[str, Checkpoint],
    progress: Progress,
) -> None:
    """Write the accepted pictures that are not there yet, each with its new recipe inside."""
    sources = {str(row["file"]): row for row in pictures.manifest.to_dict("records")}
    ledger = Ledger(progress.folder)
    there = ledger.files
    require_space(progress.folder, sum(path.stat().st_size for path in pictures.paths()))
    shown: list[np.ndarray] = []
    try:
        with Writer(ledger, progress.folder) as writer:
            for done, row in enumerate(kept.to_dict("records"), start=1):
                said = {str(key): value for key, value in row.items()}
                source = {str(key): value for key, value in sources[said["file"]].items()}
                picture = load_square(pictures.folder / "images" / said["file"], source["size_px"])
                if len(shown) < SHOWN:
                    shown.append(picture)
                if said["file"] not in there:
                    writer.write(_labelled(config, source, said, teachers, progress), picture)
                progress.report(done, len(kept))
                progress.raise_if_stopped()
    finally:
        ledger.write_tables()
    progress.sample(mosaic(shown))


def _labelled(
    config: PseudoLabelConfig,
    source: dict[str, Any],
    said: dict[str, Any],
    teachers: dict[str, Checkpoint],
    progress: Progress,
) -> PseudoLabelled:
    """Return the recipe of a picture with the labels that it got."""
    votes = [
        Vote(
            teacher=teachers[name].name,
            weights_sha256=teachers[name].card.weights_sha256,
            labels=said[labels],
            probability=said[probability],
        )
        for name, labels, probability in TEACHERS
        if name in teachers
    ]
    kept = {key: value for key, value in source.items() if key in PseudoLabelled.model_fields}
    new = {
        "file": said["file"],
        "labels": said["labels"],
        "label_rule": "a classifier's, where it is sure",
        "chain": json.loads(source["chain"]),
        "dataset": config.dataset,
        "run": progress.folder.name,
        "config_hash": config.digest(),
        "code_version": code_version(),
        "votes": votes,
        "min_confidence": config.min_confidence,
    }
    return PseudoLabelled.model_validate({**kept, **new})
