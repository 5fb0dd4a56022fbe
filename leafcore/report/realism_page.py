"""What else is known of the synthetic sets, as the report's page shows it."""

from leafcore.data.labels import words
from leafcore.measure.stats import Interval
from leafcore.quality.telling import by_set, class_title, facts
from leafcore.realfake.result import MACHINES
from leafcore.report.reading import Table, told
from leafcore.report.realism import Realism

SHARE = "{:.0%}"


def quality_tables(known: Realism) -> list[Table]:
    """Return a table per run, class and network: a row per measure, a column for real pictures and for each set."""
    return [
        Table(
            *by_set(found, labels, features),
            title=f"Image quality: {class_title(labels)}, {features}; {facts(found)}, run {run_id}",
        )
        for run_id, found in known.quality.items()
        for labels in found.label_sets
        for features in found.features
    ]


def machines_table(known: Realism) -> Table:
    """Return how well machines tell each set from photographs."""
    rows = []
    for run_id, (run, one) in known.told.items():
        for name, machine in one.told.items():
            share = told(Interval(machine.accuracy, machine.low, machine.high), SHARE)
            rows.append((known.titles[run_id], MACHINES[name], share, str(machine.n), f"{machine.auroc:.2f}", run))
        if one.withheld:
            rows.append((known.titles[run_id], one.withheld, "–", "–", "–", run))
    return Table(("set", "machine", "rightly told", "n", "AUROC", "run"), rows)


def people_table(known: Realism) -> Table:
    """Return how people took the pictures of each set, beside how they took photographs."""
    rows = [
        (
            f"rater {number}",
            words(quiz.labels) or "any",
            known.titles.get(one.set, "photographs"),
            quiz.shown_at,
            told(one.called_fake, SHARE),
            str(one.n),
            "–" if one.rating is None else f"{one.rating:.1f} of 5 (n = {one.rated})",
        )
        for number, quiz in enumerate(known.quizzes, start=1)
        for one in known.judged(quiz)
    ]
    heads = ("who", "label", "pictures", "shown at", "called synthetic", "n", "plausibility of symptoms")
    return Table(heads, rows)


def agreement_sentence(known: Realism) -> str:
    """Return how far raters of the same pictures agree; empty if there are none."""
    parts = [
        f"raters {first} and {second}: {told(one.kinds, '{:.2f}')}, n = {one.n}"
        for first, second, one in known.agreements
    ]
    return f"Cohen's kappa, {'; '.join(parts)}." if parts else ""
