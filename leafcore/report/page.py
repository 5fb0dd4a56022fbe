"""The report as one HTML page that opens without network: its figures are SVG, its pictures small JPEGs inside."""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image

from leafcore.data.labels import words
from leafcore.errors import DatasetError
from leafcore.evaluate.configs import BASELINE
from leafcore.evaluate.looking import Picture
from leafcore.evaluate.result import LEAST_FOR_STAR, MACRO, MICRO, Comparison, McNemar, Scores
from leafcore.export.cards import BLANK
from leafcore.images import encode_jpeg, load_square
from leafcore.report.card import Section, model_card, reforms_sheet
from leafcore.report.facts import Facts
from leafcore.report.figures import figures
from leafcore.report.generators import read_tables
from leafcore.report.reading import Table, told
from leafcore.report.realism_page import agreement_sentence, machines_table, people_table, quality_tables
from leafcore.workspace import PROJECT_ROOT

SIDE = 160  # px of a picture


@dataclass(frozen=True)
class Shown:
    """A picture of the page: what it shows, in words and as a JPEG in base64."""

    alt: str
    caption: str
    jpeg: str


@dataclass(frozen=True)
class Gallery:
    """Pictures that have something in common."""

    title: str
    pictures: Sequence[Shown]


def report_page(facts: Facts, *, examples: int, tolerance: float) -> str:
    """Return the page.

    Args:
        facts: What it tells of.
        examples: Pictures of each kind of failure.
        tolerance: How far a replay may be off.
    """
    found = facts.found
    loader = FileSystemLoader(PROJECT_ROOT / "assets")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["blanks"] = _mark_blanks
    created = time.strftime("%d %B %Y", time.gmtime(facts.run.record.created))
    return environment.get_template("report.html").render(
        title=f"Comparison on {found.dataset.partition('@')[0]}",
        subtitle=f"{created} · run {facts.run.id} · Leaf Workbench {facts.run.record.code_version}",
        found=found,
        withheld=found.chosen in found.withheld,
        probes=facts.probes,
        counted=_counted(facts),
        arms=_arms(found),
        differences=_differences(found),
        labels=[_labels(found, arm) for arm in found.arms],
        against_rest=_against_rest(found),
        generators=read_tables(facts),
        significance=_significance(facts),
        pairs=_pairs(facts),
        cochran="; ".join(
            f"seed {s}: Q = {q.q:.2f}, p = {q.p:.3f}" for s, q in zip(facts.seeds, found.cochran, strict=False)
        ),
        calibration=_calibration(found),
        parts=_parts(found),
        overlap=_overlap(found),
        figures={name: Markup(svg) for name, svg in figures(found, facts.probes, facts.validation).items()},
        realism=facts.realism,
        quality=quality_tables(facts.realism),
        machines=machines_table(facts.realism),
        people=people_table(facts.realism),
        agreement=agreement_sentence(facts.realism),
        sets=",".join(facts.config.synthetic),
        failures=_failures(facts, examples),
        leaks=_leaks(found),
        integrity=_integrity(facts),
        model_card=model_card(facts),
        reforms=reforms_sheet(facts),
        least_for_star=LEAST_FOR_STAR,
        replay=f"report-{facts.run.id}/replay",
        tolerance=f"{tolerance:g}",
        device=facts.device or "the CPU",
        classifiers=sum(len(score.seeds) for score in found.arms.values()),
    )


def _mark_blanks(text: str) -> Markup:
    """Return a text in which what nobody recorded can be seen."""
    return Markup(f'<span class="blank">{BLANK}</span>').join(escape(part) for part in text.split(BLANK))


def _counted(facts: Facts) -> str:
    found = facts.found
    return (
        f"{found.dataset} · labels: {found.label_policy} · n = {found.test_images} test pictures in "
        f"{found.test_groups} groups · {len(facts.seeds)} seeds · intervals: 95 %, 2,000 resamples of groups, paired "
        f"across arms · {' and '.join(_steps(found))} optimizer steps in every arm · this test split has been opened "
        f"{_times(found.test_opened)}."
    )


def _steps(found: Comparison) -> list[str]:
    return list(dict.fromkeys(f"{steps:,}" for score in found.arms.values() for steps in score.steps))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _arms(found: Comparison) -> Table:
    head = ("arm", "train pictures", "synthetic", "macro-F1", "difference", "all labels right")
    rows = [
        (
            score.title or arm,
            f"{score.train_images:,}",
            f"{score.synthetic_images:,}",
            told(score.macro_f1),
            told(found.differences[arm][MACRO], "{:+.3f}") if arm != BASELINE else "baseline",
            told(score.subset_accuracy),
        )
        for arm, score in found.arms.items()
    ]
    return Table(head, rows)


def _differences(found: Comparison) -> Table:
    """Return the differences by label, the worst of the chosen arm first: losers are as visible as winners."""
    chosen = found.differences[found.chosen]
    keys = [MACRO, *sorted((key for key in chosen if key != MACRO), key=lambda key: chosen[key].value)]
    baseline = found.arms[BASELINE]
    rows = []
    for key in keys:
        support = str(found.test_images) if key == MACRO else str(baseline.labels[key].support)
        cells = [
            told(each[key], "{:+.3f}") + (" ★" if key != MACRO and found.has_star(arm, key) else "")
            for arm, each in found.differences.items()
        ]
        rows.append((words(key), support, *cells))
    return Table(("label", "n", *(found.arms[arm].title or arm for arm in found.differences)), rows)


def _labels(found: Comparison, arm: str) -> Table:
    score = found.arms[arm]

    def row(name: str, n: str, scores: Scores) -> tuple[str, ...]:
        numbers = (scores.precision, scores.recall, scores.f1, scores.auroc, scores.average_precision)
        return (name, n, *map(told, numbers))

    rows = [row(words(label), str(one.support), one) for label, one in score.labels.items()]
    rows += [row(name, "", part) for name, part in ((MACRO, score.macro), (MICRO, score.micro)) if part is not None]
    head = ("label", "n", "precision", "recall", "F1", "AUROC", "average precision")
    return Table(head, rows, score.title or arm)


def _against_rest(found: Comparison) -> Table:
    """Return each label against the rest: of the baseline, of the chosen arm, and what changes between them."""
    both = [found.arms[arm] for arm in (BASELINE, found.chosen)]
    titles = [found.arms[arm].title or arm for arm in (BASELINE, found.chosen)]
    rows: list[tuple[str, ...]] = []
    for label in both[0].labels:
        first, second = (score.labels[label].against_rest for score in both)
        if first is None or second is None:
            continue  # of an older version
        rows += [(words(label), title, *map(str, one)) for title, one in zip(titles, (first, second), strict=True)]
        rows.append((words(label), "difference", *(f"{b - a:+d}" for a, b in zip(first, second, strict=True))))
    return Table(("label", "arm", "true +", "false +", "false −", "true −"), rows)


def _significance(facts: Facts) -> Table:
    found = facts.found
    head = ("arm", "seed", "both right", "only real", "only the arm", "neither", "odds ratio", "p", "p (Holm)")
    rows = [
        (found.arms[arm].title or arm, str(seed), *_tested(test))
        for arm, tests in found.significance.items()
        for seed, test in zip(facts.seeds, tests.pictures, strict=False)
    ]
    return Table(head, rows)


def _pairs(facts: Facts) -> Table:
    found = facts.found
    head = ("arms", "seed", "both right", "only the first", "only the second", "neither", "odds ratio", "p", "p (Holm)")
    rows = [
        (" | ".join(found.arms[arm].title or arm for arm in pair.arms), str(seed), *_tested(test))
        for pair in found.pairwise
        for seed, test in zip(facts.seeds, pair.pictures, strict=False)
    ]
    return Table(head, rows)


def _tested(test: McNemar) -> tuple[str, ...]:
    counts = (str(count) for count in (test.both, test.first, test.second, test.neither))
    return (*counts, f"{test.odds_ratio:.2f}", f"{test.p:.3f}", f"{test.p_holm:.3f}")


def _parts(found: Comparison) -> list[Table]:
    """Return how every arm did by each day's test pictures, and by each camera's."""
    titles = [score.title or arm for arm, score in found.arms.items()]
    return [
        Table(
            (by, "n", *titles),
            [
                (part, f"{one.n:,}", *(told(score.parts[by][part].right) for score in found.arms.values()))
                for part, one in parts.items()
            ],
            f"By {by}",
        )
        for by, parts in found.arms[BASELINE].parts.items()
    ]


def _overlap(found: Comparison) -> Table:
    """Return every arm with and without the test pictures that overlap with train or validation; no row if none do."""
    head = ("arm", "macro-F1, all test pictures", "without them", "drop", "difference without them")
    rows = [
        (
            found.arms[arm].title or arm,
            told(score.every),
            told(score.left),
            told(score.drop, "{:+.3f}"),
            told(score.difference, "{:+.3f}") if arm != BASELINE else "baseline",
        )
        for arm, score in (found.overlap.arms if found.overlap else {}).items()
    ]
    return Table(head, rows)


def _calibration(found: Comparison) -> Table:
    rows = [
        (score.title or arm, told(score.calibration.error), f"{score.calibration.n:,}")
        for arm, score in found.arms.items()
        if score.calibration
    ]
    return Table(("arm", "expected calibration error", "judged probabilities"), rows)


# --- failures ---------------------------------------------------------------------------------------------------------


def _failures(facts: Facts, most: int) -> list[Gallery]:
    """Return the surest mistakes of the chosen arm, and what it or the baseline alone gets right."""
    looking, chosen = facts.looking, facts.found.chosen
    title = facts.found.arms[chosen].title or chosen
    parts = {
        f"{title}: surest mistakes": looking.failures(chosen),
        f"Right with {title}, wrong with real pictures alone": looking.gained(chosen, over=BASELINE),
        f"Right with real pictures alone, wrong with {title}": looking.gained(BASELINE, over=chosen),
    }
    return [
        Gallery(f"{name} ({len(pictures)})", [_shown(facts, one) for one in pictures[:most]])
        for name, pictures in parts.items()
    ]


def _shown(facts: Facts, picture: Picture) -> Shown:
    caption = f"{words(picture.true)} → {words(picture.said)}, {picture.probability:.0%}, {picture.votes} seeds"
    try:
        square = load_square(facts.dataset.root / picture.image, SIDE)
    except DatasetError:
        square = np.asarray(Image.new("RGB", (SIDE, SIDE), "grey"))
    return Shown(
        alt=f"{picture.image}: true {words(picture.true)}, said {words(picture.said)}",
        caption=caption,
        jpeg=base64.b64encode(encode_jpeg(square, 80)).decode(),
    )


# --- integrity --------------------------------------------------------------------------------------------------------


def _leaks(found: Comparison) -> Table:
    heads = ("what was seen by", "test pictures", "validation pictures", "outside the train split")
    return Table(heads, found.leaks.table())


def _integrity(facts: Facts) -> Section:
    found, run = facts.found, facts.run
    sources = ", ".join(f"{node.title} ({node.name})" for node in facts.above) or BLANK
    withheld = ", ".join(found.arms[arm].title or arm for arm in found.withheld)
    rows = (
        ("Leaks", "none found" if found.leaks.is_clean else found.leaks.explain()),
        ("Nobody knows what was seen by", ", ".join(found.leaks.unknown) or "–"),
        ("Verdict withheld for", withheld or "no arm"),
        ("Dataset version", found.dataset),
        ("Test split, SHA-256", found.test_hash or BLANK),
        ("Near-duplicates across the split", found.overlap.finding if found.overlap else f"not looked for: {BLANK}"),
        ("Test split opened", f"{_times(found.test_opened)}, this comparison included"),
        ("Left out, for their sources judge", f"{found.synthetic_left_out:,} synthetic pictures"),
        ("Seeds", f"classifiers {', '.join(map(str, facts.seeds))}; bootstrap {found.bootstrap_seed}"),
        ("Made of", sources),
        ("Settings, hash", run.record.config_hash),
        (
            "Trained on",
            f"{facts.device or BLANK}; GPU {facts.surrounding('gpu')}, driver {facts.surrounding('driver')}",
        ),
        (
            "Precision",
            f"{facts.precision}; deterministic algorithms {facts.surrounding('deterministic')}",
        ),
        ("Code", run.record.code_version),
        ("Libraries", facts.surrounding("libraries")),
    )
    return Section("What the numbers hang on", rows)
