"""How hard the drawn leaves are: a classifier at the draft preset against a color histogram, on the test split.

Prints JSON. The claims: the classifier's macro-F1 lies between 0.55 and 0.95, and the better of two histogram
classifiers (logistic regression, random forest) stays at least 0.10 below it. About four minutes on two cores.

    python -m benchmarks.rendered_difficulty [--seeds 3]
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from leafcore.data.configs import RenderConfig
from leafcore.data.datasets import render_dataset
from leafcore.data.manifest import Dataset, load
from leafcore.data.pixels import image_pixels
from leafcore.measure.scores import macro_f1, predicted_labels
from leafcore.progress import Progress
from leafcore.train.checkpointing import read_weights, weights_path
from leafcore.train.classifier import Classifier, LabelledImages
from leafcore.train.configs import ClassifierConfig
from leafcore.train.loop import fit
from leafcore.workspace import Workspace

BINS = 8  # per channel


def classifier_score(dataset: Dataset, workspace: Workspace, seed: int, quiet: Progress) -> float:
    """Return the macro-F1 on the test split of a classifier at the draft preset."""
    config = ClassifierConfig.build({"dataset": dataset.ref, "seed": seed}, preset="draft")
    with torch.random.fork_rng(), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(seed)
        classifier = Classifier.from_config(config, workspace, torch.device("cpu"), quiet)
        best = fit(classifier, Progress(Path(folder))).best_epoch
        _, networks = read_weights(weights_path(Path(folder), best))
    classifier.net.load_state_dict(networks["classifier"])
    records = dataset.select(split="test")
    pixels = image_pixels(workspace, dataset.paths(records), config.size_px, quiet)
    test = LabelledImages([pixels], dataset.classes().encode(list(records["labels"])))
    return macro_f1(test.targets, predicted_labels(classifier.predict(test), not dataset.classes().exclusive))


def histogram_scores(dataset: Dataset, workspace: Workspace, quiet: Progress) -> dict[str, float]:
    """Return the macro-F1 on the test split of two classifiers that see an RGB histogram and nothing else."""
    parts = {}
    for split in ("train", "test"):
        records = dataset.select(split=split)
        pixels = image_pixels(workspace, dataset.paths(records), 128, quiet)
        parts[split] = (histograms(pixels), dataset.classes().encode(list(records["labels"])))
    models = {
        "logistic_regression": make_pipeline(
            StandardScaler(), MultiOutputClassifier(LogisticRegression(max_iter=2000))
        ),
        "random_forest": RandomForestClassifier(300, class_weight="balanced", random_state=0),
    }
    (x, y), (test_x, test_y) = parts["train"], parts["test"]
    return {name: macro_f1(test_y, model.fit(x, y).predict(test_x)) for name, model in models.items()}


def histograms(pixels: np.ndarray) -> np.ndarray:
    """Return (N, BINS^3) shares of pixels per color cell."""
    cells = (pixels // (256 // BINS)).astype(int)
    index = (cells[..., 0] * BINS + cells[..., 1]) * BINS + cells[..., 2]
    return np.stack([np.bincount(picture.ravel(), minlength=BINS**3) / picture.size for picture in index])


def main() -> None:
    """Draw the dataset, train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as root:
        workspace, quiet = Workspace(root), Progress(Path(root))
        render_dataset(RenderConfig.build({"name": "sample-leaves"}, preset="draft"), workspace, quiet)
        dataset = load(workspace, "sample-leaves")
        scores = [classifier_score(dataset, workspace, seed, quiet) for seed in range(seeds)]
        histogram = histogram_scores(dataset, workspace, quiet)
    mean = float(np.mean(scores))
    answer = {
        "dataset": dataset.ref,
        "test_images": len(dataset.select(split="test")),
        "classifier_macro_f1": [round(score, 3) for score in scores],
        "classifier_mean": round(mean, 3),
        "histogram_macro_f1": {name: round(score, 3) for name, score in histogram.items()},
        "gap": round(mean - max(histogram.values()), 3),
        "in_range": 0.55 <= mean <= 0.95,
        "gap_at_least_0.10": mean - max(histogram.values()) >= 0.10,
    }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
