"""What runs found, as the command line tells people: tables instead of the results' own fields."""

from collections.abc import Callable, Sequence
from typing import Any

from leafcore.evaluate.generators import Crossed
from leafcore.pick.scores import ScoreResult
from leafcore.pick.telling import by_epoch, by_run
from leafcore.quality.result import QualityResult
from leafcore.quality.telling import by_set, class_title, facts
from leafcore.realfake.result import RealFakeResult
from leafcore.terminal import table

Answer = dict[str, Any]


def scores(answers: Sequence[Answer]) -> Answer:
    """Return the scores of one run's epochs, or of several runs side by side."""
    results = [ScoreResult.model_validate(answer) for answer in answers]
    if len(results) > 1:
        return {"scores": table(*by_run(results)), **{one.run: one.reason for one in results}}
    told = {key: answers[0][key] for key in ("path", "dataset", "split", "sources", "features", "reals", "real_count")}
    judge = answers[0]["judge"] or "none"
    withheld = {"withheld": results[0].withheld} if results[0].withheld else {}
    return {**told, "judge": judge, "scores": table(*by_epoch(results[0])), **withheld, "reason": results[0].reason}


def quality(answer: Answer) -> Answer:
    """Return a table per class and features."""
    found = QualityResult.model_validate(answer)
    places = [(labels, features) for labels in found.label_sets for features in found.features]
    shown = {
        f"{class_title(labels)}, {features}": table(*by_set(found, labels, features)) for labels, features in places
    }
    return {"path": answer["path"], "of": facts(found), **shown}


def realfake(answer: Answer) -> Answer:
    """Return a sentence per synthetic set."""
    found = RealFakeResult.model_validate(answer)
    warned = {"warning": found.warning} if found.warning else {}
    return {"path": answer["path"], **{f"{one.title} ({one.set})": one.verdict() for one in found.sets}, **warned}


def evaluate(answer: Answer) -> Answer:
    """Return everything, and last, a table and a sentence of each family of generators."""
    families = [Crossed.model_validate(one) for one in answer["crossed"]]
    told = {f"{family.title}, macro-F1 (minus real)": _generators(family) for family in families}
    return {**{name: value for name, value in answer.items() if name != "crossed"}, **told}


def _generators(family: Crossed) -> str:
    heads = ("generator seed", "epoch", *(f"classifier {at}" for at, _ in enumerate(family.macro_f1[0], start=1)))
    rows = [
        (
            one.seed,
            one.epoch,
            *(f"{score:.3f} ({difference:+.3f})" for score, difference in zip(scores, differences, strict=True)),
        )
        for one, scores, differences in zip(family.generators, family.macro_f1, family.to_real, strict=True)
    ]
    return "\n".join(filter(None, (table(heads, rows), family.facts, family.verdict)))


TABLES: dict[str, Callable[[Answer], Answer]] = {  # by the kind of run
    "quality": quality,
    "realfake": realfake,
    "evaluate": evaluate,
}
