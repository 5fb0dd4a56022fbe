"""The verb that lets machines tell synthetic sets from photographs, each set for itself."""

import numpy as np
import pandas as pd
from pydantic import ValidationError

from leafcore.data.manifest import Dataset, load
from leafcore.data.set_titles import set_titles
from leafcore.data.sides import common_side, enlarged
from leafcore.data.synthetic_sets import SyntheticSet, open_synthetic_set
from leafcore.files import read_json, write_json
from leafcore.measure.features import FeatureExtractor
from leafcore.progress import Progress
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.machines import fine_tune, probe, tell
from leafcore.realfake.material import Sides, choose_sides, decode, evened, is_fake, names_of
from leafcore.realfake.result import RESULT, Machine, RealFakeResult, SetTold
from leafcore.train.device import resolve_device
from leafcore.workspace import Workspace


def realfake(config: RealFakeConfig, workspace: Workspace, progress: Progress) -> RealFakeResult:
    """Train a linear probe and a network per set to tell it from photographs, and judge them on held-out pictures.

    A resumed run keeps the sets that are judged.

    Raises:
        InputError: A name is unknown, or no picture can be read.
        DiskFull: There is no room for the result.
        Stopped: Somebody asked to stop; the sets so far stay.
    """
    progress.phase("loading")
    dataset = load(workspace, config.dataset)
    sets = [open_synthetic_set(workspace, run_id) for run_id in config.synthetic]
    size_px = config.size_px or common_side(dataset, sets)
    blurred = enlarged(dataset, sets, size_px)
    if blurred:
        progress.warn(blurred)
    device = resolve_device(config.device)
    extract = FeatureExtractor(
        workspace, config.backbone, pretrained=config.pretrained, device=device, through_px=size_px
    )
    config = config.model_copy(update={"size_px": size_px})
    found = RealFakeResult(
        dataset=dataset.ref, size_px=size_px, quality=config.quality, backbone=config.backbone, warning=blurred
    )
    judged, titles = _judged_before(progress), set_titles(workspace, config.synthetic)
    for pictures in sets:
        told = judged.get(pictures.id) or _tell(config, dataset, pictures, titles[pictures.id], extract, progress)
        found.sets.append(told)
        write_json(progress.folder / RESULT, found.model_dump(mode="json"))
    return found


def _judged_before(progress: Progress) -> dict[str, SetTold]:
    """Return what this run found before it was stopped."""
    try:
        found = RealFakeResult.model_validate(read_json(progress.folder / RESULT))
    except (FileNotFoundError, ValidationError, ValueError):
        return {}
    return {told.set: told for told in found.sets}


def _tell(
    config: RealFakeConfig,
    dataset: Dataset,
    pictures: SyntheticSet,
    title: str,
    extract: FeatureExtractor,
    progress: Progress,
) -> SetTold:
    """Let the machines tell one set from photographs, at the side in `config`."""
    sides = choose_sides(dataset, pictures, config)
    if sides.too_few:
        return SetTold(set=pictures.id, title=title, withheld=f"Nothing can be told: {sides.too_few}.")
    progress.phase(f"decoding {title}")
    learn_pictures, learn_rows = _decode(sides.learn, title, config, progress)
    pictures_judged, rows = _decode(sides.judge, title, config, progress)
    few = Sides(learn_rows, rows).too_few
    if few:
        return SetTold(set=pictures.id, title=title, withheld=f"Nothing can be told: {few} that can be read.")
    learn, fake = (learn_pictures, is_fake(learn_rows)), is_fake(rows)
    progress.phase(f"fitting the probe, {title}")
    probable: dict[Machine, np.ndarray] = {
        "probe": probe(extract, learn, pictures_judged, batch_size=config.batch_size)
    }
    progress.raise_if_stopped()
    if config.epochs:
        progress.phase(f"fine-tuning, {title}")
        probable["cnn"] = fine_tune(config, learn, pictures_judged, resolve_device(config.device), progress)
    mean = np.mean(list(probable.values()), axis=0)
    return SetTold(
        set=pictures.id,
        title=title,
        labels=tuple(sorted(set(rows["labels"]) - {""})),
        learned=len(learn_rows) // 2,
        judged=int(fake.sum()),
        told={name: tell(values, fake) for name, values in probable.items()},
        suspicion=dict(zip(names_of(rows.loc[fake, "path"].tolist()), mean[fake].round(3).tolist(), strict=True)),
    )


def _decode(
    table: pd.DataFrame, title: str, config: RealFakeConfig, progress: Progress
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the pictures of one side that can be read, as many of a kind as of the other, and their rows."""
    pictures, rows = decode(table, config, progress)
    kept = evened(rows)
    if len(rows) < len(table):
        lost, fakes = len(table) - len(rows), int(is_fake(table).sum() - is_fake(rows).sum())
        progress.warn(
            f"{title}: {lost} of {len(table)} pictures cannot be read (photographs {lost - fakes}, synthetic {fakes}); "
            f"left out too, so that there are as many of each kind: {int((~kept).sum())}."
        )
    return pictures[kept], rows[kept].reset_index(drop=True)
