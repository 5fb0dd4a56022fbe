"""What an `embed` run made: where each picture lies on the map, which pictures are alike, which labels are suspect.

```
runs/<id>/
  embedding.parquet     a row per picture, columns as in `EMBEDDING`
  pairs.parquet         a row per pair of real pictures that may show the same photograph, columns as in `PAIRS`
```

Free of torch, so that pages and other verbs can read it; the verb itself is in `embed.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, field_validator

from leafcore.config import Config, DistinctNames, setting
from leafcore.data.manifest import Dataset, Skipped
from leafcore.errors import NotFoundError
from leafcore.runs import Run, list_runs
from leafcore.workspace import Workspace

KIND = "embed"
BUNDLED = "tf_efficientnet_lite0"

# From this cosine on two photographs count as one. Of 60 orchard photographs it finds 97 % when mirrored or cropped
# by 5 %, and 73 % when cropped by 10 %, none of which the perceptual hash finds. It finds few that are turned, cropped
# by 20 %, or saved again; the last are the hash's.
MIN_COSINE = 0.94
LOWEST_COSINE = 0.9  # of the pairs that are kept, for a threshold to move in
MOST_PAIRS = 20_000  # that are kept, the most alike
SUSPECT = 0.8  # from here on a label is counted as suspect: it finds 66 % of the labels flipped in orchard photographs
REAL = "real"  # the source of a photograph; a synthetic picture's is the id of the run that made it

EMBEDDING = {
    "image": "string",  # path below the dataset's root; of a synthetic picture its file in the run's `images` folder
    "sha256": "string",  # as in the dataset or the synthetic set
    "source": "string",  # "real", or the id of the synthesize run
    "labels": "string",  # the label set it was given
    "split": "string",  # train, val or test; of a synthetic picture that of its source
    "x": "float32",  # where it lies on the map
    "y": "float32",
    "suggested": "string",  # the label set that the other pictures speak for; empty for a synthetic picture
    "confidence": "float32",  # out-of-fold probability of the given labels, 0 to 1; NaN for a synthetic picture
    "suspect": "float32",  # how suspicious the given labels are, 0 to 1, 1 the most; NaN for a synthetic picture
}
PAIRS = {
    "first": "string",  # path of a real picture
    "second": "string",  # path of another, later in the dataset; never the same file
    "cosine": "float32",  # of their features, from `LOWEST_COSINE` to 1
    "likeness": "float32",  # correlation of their thumbnails, -1 to 1; see data/duplicates.py
    "distance": "int16",  # how many of 64 bits of their perceptual hashes differ
}


class EmbedConfig(Config):
    """Settings of `embed`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    dataset: str = setting(..., "Dataset to draw the map of: every picture, in all splits.", ref="dataset")
    synthetic: DistinctNames = setting(
        (), "Synthetic sets to draw beside it: ids of synthesize runs.", ref="synthetics", max_length=32
    )
    backbone: str = setting(BUNDLED, "Features: any timm model; the default, also called lite0, needs no download.")
    pretrained: bool = setting(True, "Use ImageNet weights; without them the features mean little.", advanced=True)
    batch_size: int = setting(32, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    seed: int = setting(0, "Seed of the map and of the folds.", ge=0, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    @field_validator("backbone", mode="before")
    @classmethod
    def _short_name(cls, value: object) -> object:
        return BUNDLED if value == "lite0" else value


class EmbedResult(BaseModel):
    """What was found; the tables are files beside it.

    Attributes:
        dataset: `name@version`.
        images: Photographs on the map.
        synthetic: Synthetic pictures on the map.
        pairs: Rows of `pairs.parquet`.
        suspects: Photographs whose `suspect` is 0.8 or more.
        reused: Pictures whose features were there from an earlier run.
        skipped: Pictures that cannot be read, and why; they are in neither table.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    images: int
    synthetic: int
    pairs: int
    suspects: int
    reused: int
    skipped: tuple[Skipped, ...] = ()


def newest_embedding(workspace: Workspace, refs: Sequence[str]) -> Run | None:
    """Return the newest finished `embed` run over one of some dataset versions, or None.

    Args:
        workspace: Where to look.
        refs: `name@version` each, such as `data.edits.lineage` returns: what was seen before an edit still holds for
            what is left.
    """
    done = (run for run in list_runs(workspace, KIND) if run.status().state == "done")
    return next((run for run in done if run.record.settings["dataset"] in refs), None)


def read_embedding(run: Run) -> pd.DataFrame:
    """Return the map of a run, columns as in `EMBEDDING`.

    Raises:
        NotFoundError: The run made none, or it is gone.
    """
    return _read(run, "embedding.parquet")


def read_pairs(run: Run) -> pd.DataFrame:
    """Return the pairs of a run, columns as in `PAIRS`, the most alike by cosine first.

    Raises:
        NotFoundError: The run made none, or they are gone.
    """
    return _read(run, "pairs.parquet")


def as_of(table: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return a map for a version that was edited since: without what was excluded, labels and splits as they are now.

    Args:
        table: Columns as in `EMBEDDING`.
        dataset: The version it was made of, or one edited from it.
    """
    now = dataset.records.set_index("image")
    synthetic = table["source"] != REAL
    left = table[synthetic | table["image"].isin(now.index)].reset_index(drop=True)
    real = left["source"] == REAL
    for column in ("labels", "split"):
        left.loc[real, column] = left.loc[real, "image"].map(now[column])
    return left


def _read(run: Run, name: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(run.folder / name)
    except FileNotFoundError:
        raise NotFoundError(
            f"run: {run.id} is {run.kind} in state {run.status().state} and has no {name}; expected a done embed run."
        ) from None
