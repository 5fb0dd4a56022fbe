"""Synthetic sets: what a `synthesize` run made, or a `pseudo-label` run labelled, and where each picture comes from.

```
runs/<id>/
  images/         the pictures; each PNG carries its own recipe
  steps/          what the steps of a chain made on the way, if that was asked for; no pictures of the set
  rows.jsonl      the ledger: a row per picture, appended as it is written
  manifest.csv    the ledger as a table, without what verification rejected
  rejected.csv    the same of what it rejected, and why
  labels.csv      image,labels
  review.jsonl    what people kept, rejected and rated, see `review.py`; the tables above do not change with it
```
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from leafcore.data.review import Review, read_review
from leafcore.errors import DatasetError, NotFoundError
from leafcore.runs import Run, list_runs, open_run
from leafcore.workspace import Workspace

MAKERS = ("synthesize", "pseudo-label")  # the kinds of run whose folder is a synthetic set
REJECTED = "rejected.csv"
STEPS = "steps"  # the folder of what was made on the way
PNG_KEY = "leaf-workbench"  # the iTXt entry that holds a picture's recipe


class ChainStep(BaseModel):
    """One model that a picture went through: a translation, or a generator that made it from noise.

    Attributes:
        checkpoint: Its name.
        recipe: How it was trained.
        run: Which run trained it.
        epoch: Its weights are of.
        weights_sha256: The hash of their file.
        back: Of a translation, whether it was from B to A.
        strength: How much of what it made was blended with what it was given, from 0 to 1.
        where: Of a translation: "leaf", inside the mask only, or "all".
        file: Of what it made, in the set's `steps` folder; empty if that was not kept, or is the picture itself.
    """

    model_config = ConfigDict(frozen=True)

    checkpoint: str
    recipe: str
    run: str
    epoch: int
    weights_sha256: str
    back: bool = False
    strength: float = 1.0
    where: str = ""
    file: str = ""


class Provenance(BaseModel):
    """Where one synthetic picture comes from.

    Attributes:
        file: Its name in the synthetic set's `images` folder.
        labels: Its label set.
        label_rule: How the labels were decided.
        source: The source picture's path in its dataset; empty, as all about it, if it was made from noise.
        source_sha256: Its hash.
        source_labels: Its label set.
        group: Its group, which the synthetic picture inherits; one of its own if it has no source.
        split: Its split.
        override: Why pictures of a split that judges were translated; empty if none were.
        dataset: `name@version`.
        chain: The translations in order, or the generator.
        masks: The mask set, for translations that change the leaf only; "exact" if masks came with the
            dataset, "none" if no translation wanted any.
        size_px: Side of the picture.
        method: How a chain made pictures of that side: at the size of training, enlarged, or in tiles.
        precision: How the translations computed: "fp32" or "bf16"; empty if there were none.
        seed: Of this picture.
        run: The run that made it.
        config_hash: Of the run's settings.
        code_version: Of the code that made it.
        source_license: Of the source picture.
        weights_license: Of the weights.
        truncation: Of the latent vector, in standard deviations; 0 for none.
        prompt: What was to be drawn, if it was drawn from words.
        negative: What was not wanted, in words.
        strength: How much of its source was drawn anew, if it was drawn from words over one; else 0.
        lora_strength: How much of what LoRA learned was added.
        guidance: How strongly a diffusion model kept to the class or the prompt; 0 of models of other kinds.
        sampler: Of a diffusion model: how noise was taken away; "none" of other kinds.
        sampling_steps: Of a diffusion model: in how many steps; 0 of other kinds.
        libraries: What computed it, with versions; empty, as the two after it, in sets that are older than these.
        gpu: On which GPU; "none" for a CPU.
        driver: Of the GPU.
        batch: How many pictures were computed at once, on which the last bit of a sum may hang; 0 in older sets.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    labels: str
    label_rule: str
    source: str
    source_sha256: str
    source_labels: str
    group: str
    split: str
    dataset: str
    chain: tuple[ChainStep, ...]
    size_px: int
    seed: int
    run: str
    config_hash: str
    code_version: str
    source_license: str
    weights_license: str
    masks: str = "none"
    method: str = ""
    override: str = ""
    truncation: float = 0.0
    prompt: str = ""
    negative: str = ""
    strength: float = 0.0
    lora_strength: float = 1.0
    guidance: float = 0.0
    sampler: str = "none"
    sampling_steps: int = 0
    precision: str = ""
    libraries: str = ""
    gpu: str = ""
    driver: str = ""
    batch: int = 0
    synthetic: bool = True


class Vote(BaseModel):
    """What a classifier says of a picture.

    Attributes:
        teacher: What the classifier is called.
        weights_sha256: Of its weights file.
        labels: The label set that it gives.
        probability: That the picture has exactly these labels, from 0 to 1.
    """

    model_config = ConfigDict(frozen=True)

    teacher: str
    weights_sha256: str
    labels: str
    probability: float


class PseudoLabelled(Provenance):
    """Where a synthetic picture comes from whose labels a classifier gave.

    Attributes:
        votes: The teacher's, whose labels the picture has, then the co-teacher's, if there was one.
        min_confidence: The probability from which the teacher's labels were accepted.
    """

    votes: tuple[Vote, ...]
    min_confidence: float


class Verified(Provenance):
    """Where a synthetic picture comes from that was verified; see `synthesize/verification.py`.

    Attributes:
        called: The label set that the judge gives; empty without one.
        leafness: LFLSeg's probability of one full leaf, from 0 to 1; None if it was not asked.
        train_distance: To the nearest training picture, 1 - cosine of features, from 0 to 2; None if not measured.
        change: Of a translation: from its source, on the leaf where that is known, in % of the range.
        background_change: The same outside the leaf; None where no mask is known.
        contrast: Of a translation: standard deviation of its brightness, in % of the range.
        twin: The earlier picture of the run that looks the same; empty for none.
        failed: What it failed, see `synthesize/verdicts.py`; empty if it was accepted.
        why: The same in words.
    """

    called: str = ""
    leafness: float | None = None
    train_distance: float | None = None
    change: float | None = None
    background_change: float | None = None
    contrast: float | None = None
    twin: str = ""
    failed: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class SyntheticSet:
    """A folder of synthetic pictures.

    Attributes:
        id: The run that made it.
        folder: The run's folder.
        manifest: A row per picture, columns as in `Provenance` and `sha256`; all text but the numbers `size_px` and
            `seed`; `chain` holds JSON.
    """

    id: str
    folder: Path
    manifest: pd.DataFrame

    @property
    def has_sources(self) -> bool:
        """Whether its pictures are translations of photographs."""
        return bool((self.manifest["source"] != "").any())

    @property
    def has_teacher(self) -> bool:
        """Whether a classifier gave its pictures their labels."""
        return "votes" in self.manifest

    @property
    def has_labels(self) -> bool:
        """Whether it is known what all of its pictures show."""
        return not bool((self.manifest["labels"] == "").any())

    @property
    def files(self) -> list[str]:
        """The names of its pictures, in the manifest's order."""
        return [str(file) for file in self.manifest["file"]]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 over the hashes of its pictures, in order; a review that rejects some changes it."""
        return hashlib.sha256("\n".join(self.manifest["sha256"].astype(str)).encode()).hexdigest()

    def review(self) -> Review:
        """Return what people say of its pictures.

        Raises:
            DatasetError: See `read_review`.
        """
        return read_review(self.folder)

    def admitted(self, stars: int = 0) -> "SyntheticSet":
        """Return the set without what people rejected, maybe empty.

        Args:
            stars: How many a picture needs at least.
        """
        review = self.review()
        rows = [review.admits(file, stars) for file in self.files]
        return replace(self, manifest=self.manifest[rows].reset_index(drop=True))

    def rejected(self) -> pd.DataFrame:
        """Return the rows of the pictures that were made, but failed verification: text, as in `Verified`."""
        try:
            return pd.read_csv(self.folder / REJECTED, dtype=str, keep_default_na=False)
        except FileNotFoundError:
            return self.manifest.iloc[:0]

    def paths(self) -> list[Path]:
        """Return the pictures, in the manifest's order."""
        return [self.folder / "images" / str(name) for name in self.manifest["file"]]


def open_synthetic_set(workspace: Workspace, run_id: str, *, stars: int = 0) -> SyntheticSet:
    """Return the synthetic set that a run made, without what people rejected.

    Args:
        workspace: Where the run is.
        run_id: The run.
        stars: How many a picture needs at least.

    Raises:
        NotFoundError: There is no such run, or it made no synthetic pictures.
        DatasetError: People admit none of them.
    """
    whole = open_whole_set(workspace, run_id)
    admitted = whole.admitted(stars)
    if admitted.manifest.empty:
        wanted = f" or has fewer than {stars} stars" if stars else ""
        raise DatasetError(
            f"run: each of the {len(whole.manifest)} pictures of {run_id} was rejected in review{wanted}; keep some of "
            "them on the Studio page, or with `leafcore review`."
        )
    return admitted


def open_whole_set(workspace: Workspace, run_id: str) -> SyntheticSet:
    """Return the synthetic set that a run made, with what people rejected.

    Raises:
        NotFoundError: There is no such run, or it made no synthetic pictures.
    """
    run = open_run(workspace, run_id)
    try:
        manifest = pd.read_csv(run.folder / "manifest.csv", dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise NotFoundError(
            f"synthetic: run {run_id} is a {run.kind} run in state {run.status().state} and holds no synthetic "
            "pictures; expected the id of a synthesize run."
        ) from None
    return SyntheticSet(run.id, run.folder, manifest.astype({"size_px": "int64", "seed": "int64"}))


def synthetic_runs(workspace: Workspace, dataset: str) -> list[Run]:
    """Return the runs that are done making synthetic pictures for a dataset, any version of it, newest first."""
    runs = [run for run in list_runs(workspace) if run.kind in MAKERS]
    return [run for run in runs if _name(run.record.settings["dataset"]) == dataset and run.status().state == "done"]


def _name(ref: str) -> str:
    return ref.partition("@")[0]
