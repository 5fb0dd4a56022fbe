"""The tables of a report, in long form: a row per number, as statistics programs want them."""

import pandas as pd

from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.overlap import Overlap
from leafcore.evaluate.result import Comparison, Estimate, McNemar
from leafcore.report.facts import Facts
from leafcore.report.generators import cells_table, families_table
from leafcore.report.realism import realism_tables

SCORES = ("precision", "recall", "f1", "auroc", "average_precision")
AGAINST_REST = ("true_positive", "false_positive", "false_negative", "true_negative")
ALL_RIGHT = "(all labels right)"


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """Return every table by its name; unknown numbers are empty."""
    found = facts.found
    return {
        "arms": arms_table(found),
        "labels": labels_table(found),
        "differences": differences_table(found),
        "seeds": seeds_table(facts),
        "significance": significance_table(facts),
        "cochran": pd.DataFrame(
            [{"seed": s, **q.model_dump()} for s, q in zip(facts.seeds, found.cochran, strict=False)]
        ),
        **({"pairwise": pairwise_table(facts)} if found.pairwise else {}),
        "confusion": confusion_table(found),
        "against_rest": against_rest_table(found),
        "validation": validation_table(facts),
        "calibration": calibration_table(found),
        "predictions": predictions_table(facts),
        **({"parts": parts_table(found)} if found.arms[BASELINE].parts else {}),
        **({"overlap": overlap_table(found.overlap)} if found.overlap and found.overlap.images else {}),
        **({"generators": cells_table(facts), "families": families_table(facts)} if found.crossed else {}),
        **({"probes": probes_table(facts)} if facts.probes else {}),
        **realism_tables(facts.realism),
    }


def _ends(name: str, estimate: Estimate | None) -> dict[str, float]:
    given = estimate or Estimate(value=float("nan"))
    return {name: given.value, f"{name}_low": given.low, f"{name}_high": given.high}


def arms_table(found: Comparison) -> pd.DataFrame:
    """Return a row per arm."""
    return pd.DataFrame(
        {
            "arm": arm,
            "title": score.title,
            "train_images": score.train_images,
            "synthetic_images": score.synthetic_images,
            "left_out": score.left_out,
            **_ends("macro_f1", score.macro_f1),
            **_ends("micro_f1", score.micro.f1 if score.micro else None),
            **_ends("subset_accuracy", score.subset_accuracy),
            **_ends("difference", found.differences.get(arm, {}).get("macro")),
            **_ends("calibration_error", score.calibration.error if score.calibration else None),
        }
        for arm, score in found.arms.items()
    )


def labels_table(found: Comparison) -> pd.DataFrame:
    """Return a row per arm and label."""
    rows = []
    for arm, score in found.arms.items():
        for label, told in score.labels.items():
            numbers = {key: value for name in SCORES for key, value in _ends(name, getattr(told, name)).items()}
            rows.append({"arm": arm, "label": label, "test_images": told.support, **numbers})
    return pd.DataFrame(rows)


def differences_table(found: Comparison) -> pd.DataFrame:
    """Return a row per arm and label: F1 of the arm minus that of the baseline."""
    return pd.DataFrame(
        {
            "arm": arm,
            "label": label,
            **_ends("difference", estimate),
            "star": label in found.arms[arm].labels and found.has_star(arm, label),
        }
        for arm, each in found.differences.items()
        for label, estimate in each.items()
    )


def seeds_table(facts: Facts) -> pd.DataFrame:
    """Return a row per classifier."""
    rows = []
    for arm, score in facts.found.arms.items():
        validated = score.val_seeds or (float("nan"),) * len(score.seeds)
        for seed, test, val in zip(facts.seeds, score.seeds, validated, strict=False):
            rows.append({"arm": arm, "seed": seed, "macro_f1_test": test, "macro_f1_val": val})
    return pd.DataFrame(rows)


def parts_table(found: Comparison) -> pd.DataFrame:
    """Return a row per arm and day, and per arm and camera, of test pictures: how often all labels were right."""
    return pd.DataFrame(
        {"arm": arm, "by": by, "part": part, "n": one.n, **_ends("right", one.right)}
        for arm, score in found.arms.items()
        for by, parts in score.parts.items()
        for part, one in parts.items()
    )


def overlap_table(overlap: Overlap) -> pd.DataFrame:
    """Return a row per arm: macro-F1 with and without the test pictures that overlap with train or validation."""
    return pd.DataFrame(
        {
            "arm": arm,
            "test_images": overlap.test_images,
            "left": overlap.left,
            **_ends("macro_f1", score.every),
            **_ends("macro_f1_left", score.left),
            **_ends("drop", score.drop),
            **_ends("difference_left", score.difference),
        }
        for arm, score in overlap.arms.items()
    )


def significance_table(facts: Facts) -> pd.DataFrame:
    """Return a row per test of McNemar: arm against baseline, of one seed, of all labels or of one."""

    def row(arm: str, seed: int, label: str, test: McNemar) -> dict[str, object]:
        return {"arm": arm, "seed": seed, "label": label, **test.model_dump(), "odds_ratio": test.odds_ratio}

    rows = []
    for arm, tests in facts.found.significance.items():
        for label, of_seeds in {ALL_RIGHT: tests.pictures, **tests.labels}.items():
            rows += [row(arm, seed, label, test) for seed, test in zip(facts.seeds, of_seeds, strict=False)]
    return pd.DataFrame(rows)


def pairwise_table(facts: Facts) -> pd.DataFrame:
    """Return a row per test of McNemar of two arms, of one seed; `first` counts what only `arm` has right."""
    return pd.DataFrame(
        {"arm": arm, "other": other, "seed": seed, **test.model_dump(), "odds_ratio": test.odds_ratio}
        for (arm, other), tests in ((pair.arms, pair.pictures) for pair in facts.found.pairwise)
        for seed, test in zip(facts.seeds, tests, strict=False)
    )


def confusion_table(found: Comparison) -> pd.DataFrame:
    """Return a row per arm and cell of its confusion matrix, summed over seeds."""
    columns = [*found.label_sets, "other"]
    return pd.DataFrame(
        {"arm": arm, "true": true, "said": said, "count": count}
        for arm, score in found.arms.items()
        for true, row in zip(found.label_sets, score.confusion, strict=True)
        for said, count in zip(columns, row, strict=True)
    )


def against_rest_table(found: Comparison) -> pd.DataFrame:
    """Return a row per arm and label: its matrix against all other labels, summed over seeds.

    `change_...` is that minus the baseline's.
    """
    rows = []
    for arm, score in found.arms.items():
        for label, one in score.labels.items():
            first = found.arms[BASELINE].labels[label].against_rest
            if one.against_rest and first:
                counts = dict(zip(AGAINST_REST, one.against_rest, strict=True))
                change = {f"change_{name}": counts[name] - was for name, was in zip(counts, first, strict=True)}
                rows.append({"arm": arm, "label": label, **counts, **change})
    return pd.DataFrame(rows)


def validation_table(facts: Facts) -> pd.DataFrame:
    """Return a row per arm, seed and epoch: macro-F1 on validation pictures."""
    return pd.DataFrame(
        {"arm": arm, "seed": seed, "epoch": epoch, "macro_f1_val": score}
        for arm, seeds in facts.validation.items()
        for seed, scores in seeds.items()
        for epoch, score in enumerate(scores, start=1)
    )


def calibration_table(found: Comparison) -> pd.DataFrame:
    """Return a row per arm and bin: what was said, how often it was true."""
    return pd.DataFrame(
        {"arm": arm, **part.model_dump()}
        for arm, score in found.arms.items()
        if score.calibration
        for part in score.calibration.bins
    )


def predictions_table(facts: Facts) -> pd.DataFrame:
    """Return a row per arm, seed and test picture."""
    test, parts, overlap = facts.looking.test, [], facts.found.overlap
    overlapping = {"overlaps": test["image"].isin(overlap.images)} if overlap and overlap.images else {}
    for arm in facts.looking.arms:
        said = facts.looking.said(arm)
        for index, seed in enumerate(facts.seeds[: len(said.sets)]):
            parts.append(
                pd.DataFrame(
                    {
                        "arm": arm,
                        "seed": seed,
                        "image": test["image"],
                        "sha256": test["sha256"],
                        "group": test["group"],
                        "true": facts.looking.true_sets,
                        "said": said.sets[index],
                        "probability": said.sure[index],
                        **overlapping,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def probes_table(facts: Facts) -> pd.DataFrame:
    """Return a row per view of the shortcut probes, on validation pictures."""
    assert facts.probes is not None
    return pd.DataFrame(
        {
            "view": view,
            "pixels": score.pixels,
            **_ends("macro_f1", score.macro_f1),
            **_ends("accuracy", score.accuracy),
            "chance_macro_f1": facts.probes.chance,
            "majority_accuracy": facts.probes.majority,
        }
        for view, score in facts.probes.views.items()
    )
