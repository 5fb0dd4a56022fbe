"""The verb that compares classifiers: arms x seeds, each cell trained alike, all judged on one test split."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from leafcore.data import leaks
from leafcore.errors import DatasetError
from leafcore.evaluate.arms import Material, load_material
from leafcore.evaluate.cells import JUDGING, Cell, cell_name, load_cell
from leafcore.evaluate.comparison import Circumstances, compare
from leafcore.evaluate.configs import EvaluateConfig
from leafcore.evaluate.openings import count_opening
from leafcore.evaluate.overlap import find_overlap
from leafcore.evaluate.plans import Plan
from leafcore.evaluate.result import Comparison, Planned, PlannedArm, read_planned
from leafcore.evaluate.surroundings import note_environment
from leafcore.evaluate.training import CellProgress, train_cell
from leafcore.files import write_atomic, write_json
from leafcore.progress import Progress
from leafcore.workspace import Workspace


def evaluate(config: EvaluateConfig, workspace: Workspace, progress: Progress) -> Comparison:
    """Train a classifier per arm and seed for the same number of steps, and compare them on the test split.

    A resumed run keeps the cells that are finished and goes on within the one that was not.

    Raises:
        InputError: A name is unknown, a split is empty, a synthetic set was reviewed since this began, or a cell was
            judged on another test split.
        DiskFull: A save did not fit.
        Stopped: Somebody asked to stop; the cells so far stay.
    """
    progress.phase("loading")
    note_environment(progress.folder, config.device, config.precision)
    material = load_material(config, workspace, progress)
    whole = leaks.check(material.dataset, material.seen_behind(range(len(material.seen))))
    if not whole.is_clean:
        progress.warn(f"The verdict will be withheld: {whole.explain()}.")

    overlap, warning = find_overlap(workspace, material.dataset)
    if warning:
        progress.warn(warning)

    def open_test() -> int:
        return count_opening(workspace, material.dataset, progress.folder.name)

    seeds = tuple(config.seed + index for index in range(config.seeds))
    write_plan(progress.folder, material, seeds)
    cells = _train(config, material, seeds, progress, open_test)
    progress.phase("comparing")
    circumstances = Circumstances(whole, leaks_of_arms(material), open_test(), config.seed, overlap)
    comparison = compare(material, cells, circumstances)
    write_json(progress.folder / "comparison.json", comparison.model_dump(mode="json"))
    return comparison


def leaks_of_arms(material: Material) -> dict[str, leaks.LeakReport]:
    """Return what stands behind each arm that learns from synthetic pictures."""
    return {
        plan.id: leaks.check(material.dataset, material.seen_behind(plan.sets)) for plan in material.plans if plan.sets
    }


def write_plan(folder: Path, material: Material, seeds: tuple[int, ...]) -> None:
    """Write down which arms are to come, of which pictures, and which will judge them, in order.

    Raises:
        DatasetError: The comparison began with other synthetic pictures.
    """
    begun = read_planned(folder)
    _require_same(begun.material if begun is not None else {}, material.fingerprints)
    arms = {
        plan.id: PlannedArm(
            title=plan.title,
            train_images=len(material.train[plan.id]),
            synthetic_images=len(material.shares[plan.id].synthetic),
        )
        for plan in material.plans
    }
    planned = Planned(arms=arms, seeds=seeds, material=dict(material.fingerprints))
    write_json(folder / "arms.json", planned.model_dump(mode="json"))
    records = material.test_records[JUDGING].reset_index(drop=True)
    write_atomic(folder / "test.parquet", lambda file: records.to_parquet(file, index=False))


def _require_same(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to go on where classifiers of one arm would have learned from different pictures."""
    for run_id, was in before.items():
        if now[run_id] != was:
            raise DatasetError(
                f"synthetic: {run_id} holds other pictures than when this comparison began, for it was reviewed since; "
                "start a new comparison, or take the review back and resume."
            )


def _train(
    config: EvaluateConfig,
    material: Material,
    seeds: tuple[int, ...],
    progress: Progress,
    before_test: Callable[[], object],
) -> dict[str, list[Cell]]:
    """Return each arm's classifiers, a seed of all arms after another; those that are there are not trained again."""
    order = [(plan, seed) for seed in seeds for plan in material.plans]
    cells: dict[str, list[Cell]] = {plan.id: [] for plan in material.plans}
    for number, (plan, seed) in enumerate(order):
        progress.phase(f"{plan.title}, seed {seed}")
        name = cell_name(plan.id, seed)
        watch = CellProgress(progress, name, number * config.steps, len(order) * config.steps)
        cells[plan.id].append(_cell(config, material, plan, seed, watch, before_test))
    return cells


def _cell(
    config: EvaluateConfig,
    material: Material,
    plan: Plan,
    seed: int,
    progress: CellProgress,
    before_test: Callable[[], object],
) -> Cell:
    file = progress.folder / "test.npz"
    cell = load_cell(file)
    if cell is None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            cell = train_cell(config, material, plan, seed, progress, before_test)
        cell.save(file)
        progress.drop_state()
    return cell
