"""The two machines: a linear probe on the features of a frozen network, and the network itself, fine-tuned."""

import numpy as np
import torch

from leafcore.data.classes import Classes
from leafcore.data.transforms import load_size
from leafcore.images import resize_square
from leafcore.measure.features import FeatureExtractor
from leafcore.measure.stats import exact_interval
from leafcore.progress import Progress
from leafcore.realfake.configs import RealFakeConfig
from leafcore.realfake.material import FAKE, REAL
from leafcore.realfake.result import Told
from leafcore.train.classifier import Classifier, LabelledImages
from leafcore.train.configs import ClassifierConfig

CLASSES = Classes((REAL, FAKE), exclusive=True)
STRENGTH = 0.1  # inverse L2 penalty of the probe: there are more features than pictures


def probe(
    extract: FeatureExtractor, learn: tuple[np.ndarray, np.ndarray], judged: np.ndarray, *, batch_size: int
) -> np.ndarray:
    """Fit a logistic regression on frozen features (Alain and Bengio 2016, arXiv 1610.01644).

    Args:
        extract: The frozen network.
        learn: (N, S, S, 3) uint8 pictures, and (N,) bool, whether each is synthetic.
        judged: (M, S, S, 3) uint8.
        batch_size: Pictures per forward pass.

    Returns:
        (M,) how probable it is that each is synthetic.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def features(pictures: np.ndarray) -> np.ndarray:
        starts = range(0, len(pictures), batch_size)
        return np.concatenate([extract.of(pictures[start : start + batch_size]) for start in starts])

    machine = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000))
    machine.fit(features(learn[0]), learn[1])
    probable: np.ndarray = machine.predict_proba(features(judged))[:, 1]
    return probable


def fine_tune(
    config: RealFakeConfig,
    learn: tuple[np.ndarray, np.ndarray],
    judged: np.ndarray,
    device: torch.device,
    progress: Progress,
) -> np.ndarray:
    """Train a classifier for a fixed number of epochs, so that no picture is needed to choose one; see `probe`.

    Half of what it learned from is synthetic, so what it says of the middle one of those counts as 0.5: a network that
    took few steps ranks well long before its probabilities are any good.

    Raises:
        Stopped: Somebody asked to stop.
    """
    bigger = np.stack([resize_square(picture, load_size(config.size_px)) for picture in learn[0]])
    pictures = LabelledImages([bigger], CLASSES.encode([FAKE if fake else REAL for fake in learn[1]]))
    settings = ClassifierConfig(
        dataset=config.dataset,
        backbone=config.backbone,
        pretrained=config.pretrained,
        epochs=config.epochs,
        batch_size=min(config.batch_size, len(bigger)),
        size_px=config.size_px,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        machine = Classifier(settings, pictures, pictures, CLASSES, device, keep_best=False)
        total = config.epochs * machine.steps_per_epoch
        for step in range(1, total + 1):
            machine.step(machine.next_batch())
            if step % machine.steps_per_epoch == 0:
                machine.scheduler.step()
            progress.report(step, total)
            progress.raise_if_stopped()
    middle = float(np.median(_log_odds(machine, learn[0])))
    probable: np.ndarray = 1 / (1 + np.exp(middle - _log_odds(machine, judged)))
    return probable


def _log_odds(machine: Classifier, pictures: np.ndarray) -> np.ndarray:
    """Return how much likelier a machine thinks each of (N, S, S, 3) uint8 pictures synthetic than real, (N,)."""
    said = machine.predict(LabelledImages([pictures], np.zeros((len(pictures), 2), np.float32)))
    fake = np.clip(said[:, CLASSES.names.index(FAKE)].astype(float), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(fake / (1 - fake)))


def tell(probable: np.ndarray, fake: np.ndarray) -> Told:
    """Return how well a machine told pictures apart.

    Args:
        probable: (N,) how probable it says that each is synthetic.
        fake: (N,) bool, whether it is; some are, some are not.
    """
    from sklearn.metrics import roc_auc_score

    hits = int(((probable > 0.5) == fake).sum())
    interval = exact_interval(hits, len(fake))
    return Told(
        hits=hits,
        n=len(fake),
        accuracy=interval.value,
        low=interval.low,
        high=interval.high,
        auroc=float(roc_auc_score(fake, probable)),
    )
