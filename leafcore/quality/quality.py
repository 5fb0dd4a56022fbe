"""The verb that measures synthetic sets against real pictures: per class and over all, in one network or two."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leafcore.checkpoints import open_checkpoint
from leafcore.data.manifest import Dataset, load
from leafcore.data.seen import load_seen
from leafcore.data.set_titles import set_titles
from leafcore.data.sides import common_side
from leafcore.data.synthetic_sets import SyntheticSet, open_synthetic_set
from leafcore.errors import DatasetError
from leafcore.files import write_bytes
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.measured import Score
from leafcore.measure.witness import Witness, open_witness_of_chain
from leafcore.nets.backbones import BUNDLED, INCEPTION, has_weights
from leafcore.progress import Progress
from leafcore.quality.configs import AUTO, NO_JUDGE, QualityConfig
from leafcore.quality.measuring import measure
from leafcore.quality.pictures import Pictures, Reference, look, name_all
from leafcore.quality.result import ALL, REAL, TABLE, Cell, QualityResult, flat
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace

TRAIN, VAL = "train", "val"  # beside the ids of the sets, what tables of pictures are called


@dataclass(frozen=True)
class Trial:
    """What a judge may be asked.

    Attributes:
        witness: The judge, tried on real pictures.
        objections: By set, why it is not asked about it; under `REAL` if about none.
    """

    witness: Witness
    objections: dict[str, str]

    @property
    def is_trusted(self) -> bool:
        """Whether it names real pictures rightly often enough."""
        return REAL not in self.objections

    @property
    def judge_right(self) -> Score | None:
        """How many real validation pictures it names rightly."""
        return Score(**self.witness.accuracy.model_dump()) if self.witness.accuracy else None


def quality(config: QualityConfig, workspace: Workspace, progress: Progress) -> QualityResult:
    """Measure synthetic sets, and real train pictures as a yardstick beside them.

    Raises:
        InputError: A name is unknown, a set shows what the dataset has no picture of, or a split is empty.
        DiskFull: There is no room for the features.
        Stopped: Somebody asked to stop; the features so far are kept.
    """
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    sets = {run_id: open_synthetic_set(workspace, run_id) for run_id in config.synthetic}
    shows = {run_id: _label_sets(pictures, dataset) for run_id, pictures in sets.items()}
    tables = _real_tables(dataset, sets, shows, progress)
    tables |= {run_id: _table(pictures.manifest, pictures.paths()) for run_id, pictures in sets.items()}
    size_px = config.size_px or common_side(dataset, list(sets.values()))
    trial = _try(config, workspace, dataset, sets, tables, size_px)
    if trial.is_trusted:
        _let_name(trial.witness, tables, size_px, config.batch_size, progress)
    cells: list[Cell] = []
    for backbone in _backbones(config):
        looked = _look(config, workspace, backbone, tables, size_px, progress)
        progress.phase("measuring")
        cells += _measured(config, backbone, looked, shows, progress)
    result = QualityResult(
        dataset=dataset.ref,
        reals=config.reals,
        size_px=size_px,
        titles={REAL: "Real train pictures", **set_titles(workspace, sets)},
        features=tuple(dict.fromkeys(cell.features for cell in cells)),
        judge=trial.witness.name,
        judge_right=trial.judge_right,
        seen=_seen_reals(sets, tables[VAL], progress),
        cells=[_objected(cell, trial.objections) for cell in cells],
        seed=config.seed,
    )
    buffer = io.StringIO()
    pd.DataFrame(flat(result)).to_csv(buffer, index=False)
    write_bytes(progress.folder / TABLE, buffer.getvalue().encode())
    return result


# --- what is looked at ------------------------------------------------------------------------------------------------


def _label_sets(pictures: SyntheticSet, dataset: Dataset) -> set[str]:
    """Return what a set shows; of one without labels, what its generator learned of, or anything."""
    if pictures.has_labels:
        return set(pictures.manifest["labels"])
    learned = dataset.records["sha256"].isin(load_seen(pictures.folder).get("generator", ()))
    return set(dataset.records.loc[learned, "labels"]) or set(dataset.label_sets)


def _real_tables(
    dataset: Dataset, sets: Mapping[str, SyntheticSet], shows: Mapping[str, set[str]], progress: Progress
) -> dict[str, pd.DataFrame]:
    """Return the train and validation pictures of what sets show; of sets without labels, of what there are some.

    Raises:
        DatasetError: There is no validation picture of a label set, or of anything that a set without labels may show.
    """
    there = set(dataset.select(split="val")["labels"])
    for run_id, label_sets in shows.items():
        missing = ", ".join(sorted(label_sets - there))
        if missing and (sets[run_id].has_labels or there.isdisjoint(label_sets)):
            raise DatasetError(
                f"dataset: {dataset.ref} has no validation picture of {missing}; "
                "choose the dataset that the sets were made for, or split it again."
            )
        if missing:
            progress.warn(
                f"{run_id} is held against validation pictures of {', '.join(sorted(label_sets & there))}: there is "
                f"none of {missing}, which it may show too; split the dataset again to have some."
            )
    label_sets = set().union(*shows.values())
    chosen = dataset.records[dataset.records["labels"].isin(label_sets)]
    splits = {split: chosen[chosen["split"] == split] for split in (TRAIN, VAL)}
    return {split: _table(records, dataset.paths(records)) for split, records in splits.items()}


def _table(records: pd.DataFrame, paths: list[Path]) -> pd.DataFrame:
    columns = records[["sha256", "labels", "group"]].astype(str)
    return columns.assign(path=[str(path) for path in paths], called="").reset_index(drop=True)


def _backbones(config: QualityConfig) -> list[str]:
    if config.backbone != AUTO:
        return [config.backbone]
    return [BUNDLED, INCEPTION] if has_weights(INCEPTION) else [BUNDLED]


def _look(
    config: QualityConfig,
    workspace: Workspace,
    backbone: str,
    tables: Mapping[str, pd.DataFrame],
    size_px: int,
    progress: Progress,
) -> dict[str, Pictures]:
    """Return all pictures as one network sees them."""
    device = resolve_device(config.device)
    extract = FeatureExtractor(workspace, backbone, pretrained=config.pretrained, device=device, through_px=size_px)
    looked: dict[str, Pictures] = {}
    for name, table in tables.items():
        progress.phase(f"looking at {f'real {name} pictures' if name in {TRAIN, VAL} else name}")
        looked[name] = look(extract, table, progress, config.batch_size)
    return looked


# --- the judge --------------------------------------------------------------------------------------------------------


def _try(
    config: QualityConfig,
    workspace: Workspace,
    dataset: Dataset,
    sets: Mapping[str, SyntheticSet],
    tables: Mapping[str, pd.DataFrame],
    size_px: int,
) -> Trial:
    """Try the judge on real validation pictures; one that gave a set its labels says nothing new of it."""
    device = resolve_device(config.device)
    judge = NO_JUDGE if config.judge == AUTO else config.judge  # chosen when the run was queued
    witness = open_witness_of_chain(workspace, dataset, judge, set(tables[VAL]["labels"]), size_px, device)
    objection = witness.interpret([], []).withheld
    if objection:
        return Trial(witness, {REAL: objection, **dict.fromkeys(sets, objection)})
    weights = open_checkpoint(workspace, config.judge).card.weights_sha256
    taught = {run_id for run_id, pictures in sets.items() if weights in _teachers(pictures)}
    return Trial(witness, dict.fromkeys(taught, f"{witness.name} itself gave this set its labels"))


def _teachers(pictures: SyntheticSet) -> set[str]:
    """Return the SHA-256 of the weights that gave a set its labels."""
    if not pictures.has_teacher:
        return set()
    return {vote["weights_sha256"] for votes in pictures.manifest["votes"] for vote in json.loads(votes)}


def _let_name(
    witness: Witness, tables: dict[str, pd.DataFrame], size_px: int, batch_size: int, progress: Progress
) -> None:
    """Let the judge name all pictures but the real train ones, from which it learned."""
    progress.phase("judging")
    total = sum(len(table) for name, table in tables.items() if name != TRAIN)
    before = 0
    for name in [name for name in tables if name != TRAIN]:

        def report(done: int, before: int = before) -> None:
            progress.report(before + done, total)
            progress.raise_if_stopped()

        called = name_all(witness, [Path(path) for path in tables[name]["path"]], size_px, batch_size, report)
        tables[name] = tables[name].assign(called=called)
        before += len(called)


def _objected(cell: Cell, objections: Mapping[str, str]) -> Cell:
    """Return a cell without the judge's word where it is not to be asked."""
    why = objections.get(cell.set)
    if not why:
        return cell
    scores = {key: score for key, score in cell.scores.items() if key != "agreement"}
    return cell.model_copy(update={"scores": scores, "withheld": {**cell.withheld, "agreement": why}})


# --- measuring --------------------------------------------------------------------------------------------------------


def _measured(
    config: QualityConfig,
    backbone: str,
    looked: Mapping[str, Pictures],
    shows: Mapping[str, set[str]],
    progress: Progress,
) -> list[Cell]:
    """Return the cells of one network: of each class, and of all together where a set shows several or any."""
    named = {run_id: set(looked[run_id].labels.tolist()) for run_id in shows}
    mixed = [run_id for run_id, labels in shows.items() if len(labels) > 1 or "" in named[run_id]]
    classes = sorted(set().union(*named.values()) - {""})
    plan = [(labels, [run_id for run_id in shows if labels in named[run_id]]) for labels in classes]
    plan = [(ALL, mixed), *plan] if mixed else plan
    cells: list[Cell] = []
    total = sum(len(runs) + 1 for _, runs in plan)
    for labels, runs in plan:
        fakes = {run_id: looked[run_id] if labels == ALL else looked[run_id].of({labels}) for run_id in runs}
        count = config.count or min(len(one) for one in fakes.values())
        every = set().union(*(shows[run_id] for run_id in runs)) if labels == ALL else {labels}
        rows = [(REAL, looked[TRAIN].of(every), every)]
        rows += [(run_id, fakes[run_id], shows[run_id] if labels == ALL else every) for run_id in runs]
        for name, pictures, label_sets in rows:
            with_train = config.reals != VAL and name != REAL
            against = Reference.of(looked[TRAIN], looked[VAL], label_sets, with_train=with_train, seed=config.seed)
            cells.append(_cell(config, backbone, name, labels, pictures.drawn(count, config.seed), against))
            progress.report(len(cells), total)
            progress.raise_if_stopped()
    return cells


def _cell(config: QualityConfig, backbone: str, name: str, labels: str, pictures: Pictures, against: Reference) -> Cell:
    logits_of = backbone if config.pretrained and backbone in {BUNDLED, INCEPTION} else ""
    scores, withheld = measure(pictures, against, logits_of=logits_of, seed=config.seed, is_real=name == REAL)
    return Cell(
        set=name,
        labels=labels,
        features=backbone if config.pretrained else f"{backbone}, untrained",
        fakes=len(pictures),
        reals=len(against.reals),
        scores=scores,
        withheld=withheld,
    )


def _seen_reals(sets: Mapping[str, SyntheticSet], val: pd.DataFrame, progress: Progress) -> dict[str, int]:
    """Return by set how many of the validation pictures a model behind it has learned from; warns of any."""
    found: dict[str, int] = {}
    for run_id, pictures in sets.items():
        count = int(val["sha256"].isin(load_seen(pictures.folder).get("generator", ())).sum())
        if count:
            found[run_id] = count
            progress.warn(f"{count} of {len(val)} validation pictures were seen by the generator of {run_id}.")
    return found
