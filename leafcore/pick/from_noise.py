"""What the epochs of a model that makes pictures from noise are worth: each makes the same latent vectors."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from leafcore.checkpoints import Checkpoint
from leafcore.data.learned import learned_pictures
from leafcore.data.manifest import load
from leafcore.images import mosaic
from leafcore.latent import NoiseModel
from leafcore.measure.distances import FID_FROM, KID_FROM, covered, fid, kid, nearest, nearest_of_reals
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.interpretation import Interpretation, effective_classes
from leafcore.measure.witness import open_witness
from leafcore.noise import noise_facts
from leafcore.pick.configs import AUTO, NO_JUDGE, ScoreConfig
from leafcore.pick.judges import newest_judge
from leafcore.pick.material import choose_backbone, reference_features
from leafcore.pick.recommend import recommend
from leafcore.pick.scores import EpochScores, Score, ScoreResult
from leafcore.pick.yardstick import share, too_few
from leafcore.progress import Progress
from leafcore.runs import Run
from leafcore.workspace import Workspace

MOST_MADE = 1000  # pictures per epoch, unless more are asked for
SHOWN = 16  # in the run's picture


class FromNoise:
    """What every epoch of a noise model is held against, and how.

    A class-conditional model makes the classes in the shares that the real pictures have, so that a distance to those
    says nothing of shares that were never asked for.

    Args:
        config: What is asked.
        workspace: Where datasets and judges are.
        run: The training run.
        weights: Of one of its epochs.
        device: Where to compute.
        progress: Who watches.

    Attributes:
        count: Pictures that every epoch makes.
        depends_on: A hash of all that the scores of a picture depend on.

    Raises:
        InputError: Something named does not exist or does not fit, or a split is empty.
        Stopped: Somebody asked to stop.
    """

    def __init__(
        self,
        config: ScoreConfig,
        workspace: Workspace,
        run: Run,
        weights: Checkpoint,
        device: torch.device,
        progress: Progress,
    ) -> None:
        self._config, self._device, self._facts = config, device, noise_facts(weights)
        settings, size_px = run.record.settings, self._facts.size_px
        dataset = load(workspace, settings["dataset"])
        learned, _ = learned_pictures(dataset, settings["labels"])
        backbone = choose_backbone(config)
        self._extract = FeatureExtractor(
            workspace, backbone, pretrained=config.pretrained, device=device, through_px=size_px
        )
        progress.phase("looking at real pictures")
        records = dataset.records[dataset.records["labels"].isin(learned)]
        known, features = reference_features(self._extract, dataset, records, config, progress)
        in_train, in_val = (known["split"] == "train").to_numpy(), (known["split"] == "val").to_numpy()
        enough = in_val.sum() >= KID_FROM
        held = in_val if enough else in_val | in_train
        self._reals, self._train = features[held], features[in_train]
        group, looked = known["group"].to_numpy(str), in_val | in_train
        self._near = nearest_of_reals(features[looked], group[looked], features[in_train], group[in_train])

        real_labels = known["labels"].to_numpy(str)[held]
        self.count = config.count or min(max(FID_FROM, len(real_labels)), MOST_MADE)
        shuffled = np.random.default_rng(config.seed).permutation(real_labels)
        self._made_as = np.resize(shuffled, self.count) if self._facts.classes else np.full(self.count, "")
        self._judge_labels = list(self._facts.makes or learned)
        self._witness = open_witness(workspace, weights, self._choose_judge(workspace, dataset.ref), size_px, device)
        self._withheld = self._too_little()
        self._facts_of_result = {
            "dataset": dataset.ref,
            "features": backbone if config.pretrained else f"{backbone}, untrained",
            "reals": "val" if enough else "train and val",
        }
        rows = [known["image"].tolist(), known["split"].tolist(), self._made_as.tolist()]
        parts = ["noise", self._facts_of_result, size_px, self._witness.name, self._withheld, *rows]
        self.depends_on = hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _choose_judge(self, workspace: Workspace, dataset: str) -> str:
        if self._config.judge != AUTO:
            return self._config.judge
        found = newest_judge(workspace, dataset, self._judge_labels)
        return found.ref if found else NO_JUDGE

    def _too_little(self) -> dict[str, str]:
        """Return the measures that cannot be taken, and why."""
        reals = len(self._reals)
        reasons = too_few(self.count, reals)
        if reals < KID_FROM:
            reasons["coverage"] = f"from {KID_FROM} real pictures; there are {reals}"
        if math.isnan(self._near):
            reasons["near_copies"] = f"from {KID_FROM} real pictures in groups of their own"
        objection = self._witness.interpret([], []).withheld
        if objection:
            reasons["agreement" if self._facts.makes else "classes"] = objection
        return reasons

    # --- an epoch -----------------------------------------------------------------------------------------------------

    def score(self, checkpoint: Checkpoint, progress: Progress, report: Callable[[int], None]) -> EpochScores:
        """Make an epoch's pictures, and measure them.

        Args:
            checkpoint: The epoch's weights.
            progress: Shown the first pictures; asked whether to stop after every batch.
            report: Told how many pictures are done.

        Raises:
            Stopped: Somebody asked to stop.
        """
        model = NoiseModel(checkpoint, self._device)
        features: list[np.ndarray] = []
        called: list[str] = []
        made_as: list[str] = []
        for label, indices in self._batches():
            pictures = model.sample(self._config.seed, indices, label, batch_size=len(indices))
            features.append(self._extract.of(pictures))
            called += self._witness.name_all(pictures)
            made_as += model.facts.labels_of(indices, label)
            if len(made_as) == len(indices):
                progress.sample(mosaic(list(pictures[:SHOWN])))
            report(len(made_as))
            progress.raise_if_stopped()
        found = self._witness.interpret(called, made_as)
        scores = self._measure(np.concatenate(features), called, made_as, found)
        return EpochScores(epoch=checkpoint.card.epoch, scores=scores, interpretation=found)

    def _batches(self) -> Iterator[tuple[str, Sequence[int]]]:
        """Yield a label set and the numbers of some pictures to make of it, until all are made."""
        size = self._config.batch_size
        for label in sorted(set(self._made_as.tolist())):
            numbers = np.flatnonzero(self._made_as == label).tolist()
            yield from ((label, numbers[start : start + size]) for start in range(0, len(numbers), size))

    def _measure(
        self, features: np.ndarray, called: Sequence[str], made_as: Sequence[str], found: Interpretation
    ) -> dict[str, Score]:
        """Return every measure that is not withheld."""
        taken: dict[str, Callable[[], Score]] = {
            "kid": lambda: self._kid(features),
            "fid": lambda: Score(value=fid(features, self._reals), n=len(features)),
            "coverage": lambda: share(covered(features, self._reals).tolist()),
            "near_copies": lambda: share((nearest(features, self._train) < self._near).tolist()),
        }
        if self._facts.makes:
            hits = [one == other for one, other in zip(called, made_as, strict=False)]
            taken["agreement"] = lambda: share(hits)
        else:
            taken["classes"] = lambda: Score(value=effective_classes(found.counts), n=len(called))
        return {key: measure() for key, measure in taken.items() if key not in self._withheld}

    def _kid(self, features: np.ndarray) -> Score:
        value, sd = kid(features, self._reals, seed=self._config.seed)
        return Score(value=value, sd=sd, n=len(features))

    def result(self, scored: list[EpochScores]) -> ScoreResult:
        """Return what the epochs so far are worth, and which one to use."""
        choice, accuracy = recommend(scored, ""), self._witness.accuracy
        right = {} if accuracy is None else {"any label set": Score(**accuracy.model_dump())}
        return ScoreResult(
            run=self._config.run,
            direction=self._config.direction,
            from_noise=True,
            split="val",
            **self._facts_of_result,
            real_count=len(self._reals),
            judge=self._witness.name,
            judged_right=right,
            sources=self.count,
            seed=self._config.seed,
            epochs=scored,
            withheld=self._withheld,
            recommended=choice.epoch,
            reason=choice.reason,
        )
