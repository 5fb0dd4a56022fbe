"""Reads that many reruns share. Each is keyed by what would change it: a version, a hash, a file's time and size."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from leafcore import alike, files, images
from leafcore.access import signed
from leafcore.checkpoints import Checkpoint, epochs, list_checkpoints
from leafcore.data import manifest
from leafcore.data.manifest import Dataset
from leafcore.data.scan import keep_thumbnail, thumbnail_file
from leafcore.data.synthetic_sets import SyntheticSet, open_whole_set
from leafcore.errors import DatasetError
from leafcore.files import read_json
from leafcore.latent_tools import ask_for_pictures
from leafcore.naming import Named, ask_for_labels
from leafcore.pick.scores import Direction, ScoreResult, newest_scores
from leafcore.questions import (
    DrawQuestion,
    ExplainQuestion,
    LookQuestion,
    NoiseQuestion,
    PhotoQuestion,
    PredictQuestion,
    PreviewQuestion,
    Question,
    SampleQuestion,
    answer_file,
)
from leafcore.runs import Run, list_runs
from leafcore.sampling import Sample
from leafcore.sampling import sample as ask_for_sample
from leafcore.train.configs import RECIPES, is_generative
from ui.curves import Curves
from ui.service import warm_worker, workspace


def dataset(ref: str) -> Dataset:
    """Return a dataset; a version never changes, so it is read once. Its card may: the pictures may have moved."""
    name, _, version = manifest.pin(workspace(), ref).partition("@")
    card = workspace().dataset(name) / f"{version}.json"
    return _dataset(f"{name}@{version}", card.stat().st_mtime_ns)


@st.cache_resource(max_entries=8, show_spinner=False)
def _dataset(ref: str, modified_ns: int) -> Dataset:
    del modified_ns
    return manifest.load(workspace(), ref)


def dataset_names() -> list[str]:
    """Return the names of all datasets."""
    return manifest.list_datasets(workspace())


def runs_of(*kinds: str, state: str = "done") -> list[Run]:
    """Return the runs of some kinds in a state, newest first."""
    return [run for run in list_runs(workspace()) if run.kind in kinds and run.status().state == state]


def dataset_of(run: Run) -> str:
    """Return the name of the dataset that a run is about, or that it brought in; empty if it names none."""
    settings = run.record.settings
    return str(settings.get("dataset") or settings.get("name") or "").partition("@")[0]


def newest_health(dataset: Dataset) -> Run | None:
    """Return the newest finished look at a version or one that it was edited from; None if nobody looked."""
    return alike.newest_health(workspace(), dataset)


def trained_runs(*recipes: str) -> list[Run]:
    """Return the runs of some recipes (all if none is named) that have saved weights, newest first."""
    wanted = recipes or tuple(RECIPES)
    return [run for run in list_runs(workspace()) if run.kind in wanted and epochs(run.folder)]


def gans() -> list[Run]:
    """Return runs of translations and noise models that have saved an epoch or are at work on one, newest first."""
    trained = list_runs(workspace())
    return [
        run
        for run in trained
        if is_generative(run.kind) and (epochs(run.folder) or preview_epochs(run) or _is_at_work(run))
    ]


def _is_at_work(run: Run) -> bool:
    return run.status().state in {"running", "stopping"}


def lflseg_models(dataset: str = "") -> dict[str, str]:
    """Return LFLSeg models by what a config calls them, with a title for people: checkpoints, then runs.

    Args:
        dataset: A dataset's name or version: one's own models of it that are done come before all others, the newest
            first, since what knows these leaves should be what one begins with.
    """
    named, own = {}, {}
    wanted = dataset.partition("@")[0]
    for part in list_checkpoints(workspace(), "lflseg"):
        named[part.name] = part.name
        trained = str(part.card.description.get("dataset", "")).partition("@")[0]
        if wanted and trained == wanted and not part.shipped:
            own[part.name] = part.card.created
    for run in trained_runs("lflseg"):
        named[run.id] = f"{run.record.title}, run of {when(run)}"
        if wanted and str(run.record.settings["dataset"]).partition("@")[0] == wanted and run.status().state == "done":
            own[run.id] = run.record.created
    return {name: named[name] for name in sorted(named, key=lambda name: -own.get(name, 0.0))}


def classifiers() -> dict[str, str]:
    """Return classifiers by what a config calls them, with a title for people: checkpoints, then runs that are done."""
    named = {part.name: part.name for part in list_checkpoints(workspace(), "classifier")}
    return named | {
        run.id: f"{run.record.title}, run of {when(run)}" for run in runs_of("classifier") if epochs(run.folder)
    }


def translators() -> dict[str, Checkpoint]:
    """Return promoted and shipped translators by name."""
    return {part.name: part for part in list_checkpoints(workspace()) if part.is_translator}


def noise_models() -> dict[str, Checkpoint]:
    """Return promoted and shipped models that make pictures from noise, by name."""
    return {part.name: part for part in list_checkpoints(workspace()) if part.is_noise_model}


def prompt_models() -> dict[str, Checkpoint]:
    """Return promoted models that draw from a prompt, by name."""
    return {part.name: part for part in list_checkpoints(workspace()) if part.is_prompt_model}


def when(run: Run) -> str:
    """Return when a run was submitted, for people."""
    return moment(run.record.created)


def title(run: Run) -> str:
    """Return what a run is called among others: its title, and when it was submitted."""
    return f"{run.record.title} · {when(run)}"


def titles(runs: Iterable[Run]) -> dict[str, str]:
    """Return what runs are called, by id, for a choice among them."""
    return {run.id: title(run) for run in runs}


def moment(seconds: float) -> str:
    """Return a time, in seconds since 1970, as the visitor's clock shows it."""
    zone = st.context.timezone or "UTC"
    return pd.Timestamp(seconds, unit="s", tz="UTC").tz_convert(zone).strftime("%d %b %H:%M")


# --- pictures ---------------------------------------------------------------------------------------------------------


def thumbnail(path: Path, sha256: str) -> bytes:
    """Return a small JPEG of a picture, kept in the workspace's cache; a grey square if it cannot be read."""
    kept = thumbnail_file(workspace(), sha256)
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        pass
    try:
        return keep_thumbnail(kept, images.open_rgb(path))
    except DatasetError:
        return images.encode_jpeg(np.full((128, 128, 3), 128, np.uint8))


@st.cache_data(max_entries=512, show_spinner=False)
def square(path: str, size_px: int) -> np.ndarray:
    """Return a picture squashed to a square, (S, S, 3) uint8; a grey one if it cannot be read."""
    try:
        return images.load_square(Path(path), size_px)
    except DatasetError:
        return np.full((size_px, size_px, 3), 128, np.uint8)


@st.cache_data(max_entries=16, show_spinner=False)
def fitted(path: str, side_px: int) -> np.ndarray:
    """Return a picture whose longer side is at most `side_px`, (H, W, 3) uint8; grey if it cannot be read."""
    try:
        image = images.open_rgb(Path(path))
    except DatasetError:
        return np.full((side_px, side_px, 3), 128, np.uint8)
    image.thumbnail((side_px, side_px), reducing_gap=2.0)
    return np.asarray(image)


@st.cache_data(max_entries=64, show_spinner=False)
def _picture(path: str, modified_ns: int) -> np.ndarray:
    del modified_ns
    return np.asarray(images.open_rgb(Path(path)))


def picture(path: Path) -> np.ndarray:
    """Return a picture as it is, (H, W, 3) uint8, read again when its file changes."""
    return _picture(str(path), path.stat().st_mtime_ns)


# --- runs -------------------------------------------------------------------------------------------------------------


def curves(run: Run) -> dict[str, pd.Series]:
    """Return all scalars of a run by step, NaN where one was not finite."""
    return _curves(str(run.folder)).read()


@st.cache_resource(max_entries=16, show_spinner=False)
def _curves(folder: str) -> Curves:
    return Curves(Path(folder) / "metrics.jsonl")


def size_bytes(run: Run) -> int:
    """Return what a run's folder takes on the disk; of one that runs, as it was up to half a minute ago."""
    status = run.status()
    return _size_bytes(str(run.folder), status.state, status.finished or (status.heartbeat or 0.0) // 30)


@st.cache_data(max_entries=4096, show_spinner=False)
def _size_bytes(folder: str, state: str, moment: float) -> int:
    del state, moment
    return files.size_bytes(Path(folder))


def preview_epochs(run: Run) -> list[int]:
    """Return the epochs that a run has drawn samples of."""
    return sorted(int(path.stem) for path in (run.folder / "previews").glob("*.jpg"))


def preview(run: Run, epoch: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return what an epoch's sample sheet shows, and the sheet."""
    facts: dict[str, Any] = read_json(run.folder / "previews" / f"{epoch:04d}.json")
    return facts, picture(run.folder / "previews" / f"{epoch:04d}.jpg")


def preview_address(run: Run, epoch: int) -> str:
    """Return where a browser finds an epoch's sample sheet; another address when it was drawn anew."""
    drawn = (run.folder / "previews" / f"{epoch:04d}.jpg").stat().st_mtime_ns
    return signed(f"/api/runs/{run.id}/previews/{epoch}?drawn={drawn}")


def scores(run: Run, direction: Direction) -> ScoreResult | None:
    """Return the newest scores of a run's epochs in a direction, or None."""
    return newest_scores(workspace(), run.id, direction)


def synthetic_set(run: Run) -> SyntheticSet:
    """Return the synthetic set of a run that is done, with what people rejected."""
    return _synthetic_set(str(run.folder), (run.folder / "manifest.csv").stat().st_mtime_ns)


@st.cache_resource(max_entries=8, show_spinner=False)
def _synthetic_set(folder: str, modified_ns: int) -> SyntheticSet:
    del modified_ns
    return open_whole_set(workspace(), Path(folder).name)


@st.cache_data(max_entries=64, show_spinner=False)
def steps_of(chain: str) -> list[dict[str, Any]]:
    """Return the steps that a manifest's `chain` names, in order."""
    steps: list[dict[str, Any]] = json.loads(chain)
    return steps


# --- answers of the warm worker ---------------------------------------------------------------------------------------


def is_answered(question: Question) -> bool:
    """Whether a question was answered before, so that the answer costs nothing."""
    return answer_file(workspace(), question).exists()


def look(question: LookQuestion) -> tuple[np.ndarray, np.ndarray]:
    """Return heat maps (N, h, w) in [0, 1] and class probabilities (N, 3)."""
    with np.load(warm_worker().ask(question)) as answer:
        return answer["maps"], answer["probabilities"]


def explained(question: ExplainQuestion) -> np.ndarray:
    """Return what in each picture speaks for a class, (N, h, w) in [0, 1]."""
    with np.load(warm_worker().ask(question)) as answer:
        maps: np.ndarray = answer["maps"]
        return maps


def preview_chain(question: PreviewQuestion) -> np.ndarray:
    """Return the sources and what each step makes of them, (steps + 1, N, S, S, 3) uint8."""
    with np.load(warm_worker().ask(question)) as answer:
        steps: np.ndarray = answer["steps"]
        return steps


def look_at_photo(question: PhotoQuestion) -> tuple[np.ndarray, np.ndarray]:
    """Return the heat map (h, w) in [0, 1] of an uploaded photo, and its class probabilities (3,)."""
    with np.load(warm_worker().ask(question)) as answer:
        return answer["map"], answer["probabilities"]


def labels_of(question: PredictQuestion) -> Named:
    """Return what a classifier says of an uploaded photo."""
    return ask_for_labels(workspace(), warm_worker(), question)


def sample(question: SampleQuestion) -> Sample:
    """Return pictures from noise; what a page draws again was asked for once."""
    return _sample(question.model_dump_json())


@st.cache_data(max_entries=32, show_spinner=False)
def _sample(question: str) -> Sample:
    return ask_for_sample(workspace(), warm_worker(), SampleQuestion.model_validate_json(question), "studio")


def drawn(question: DrawQuestion) -> np.ndarray:
    """Return what a prompt's model draws, (N, S, S, 3) uint8; over sources, those first."""
    with np.load(warm_worker().ask(question)) as answer:
        pictures: np.ndarray = answer["pictures"]
        return pictures


def noise_pictures(question: NoiseQuestion) -> np.ndarray:
    """Return an interpolation, (steps, S, S, 3) uint8, or a class grid, (classes, columns, S, S, 3) uint8."""
    return ask_for_pictures(warm_worker(), question)
