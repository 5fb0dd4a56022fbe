"""What a report tells of generators that were trained alike: tables as they are read, and in long form."""

import pandas as pd

from leafcore.evaluate.generators import Crossed
from leafcore.report.facts import Facts
from leafcore.report.reading import Table


def read_tables(facts: Facts) -> list[tuple[Crossed, Table]]:
    """Return, of each family, a row per generator and a column per classifier seed."""
    return [(family, _table(facts, family)) for family in facts.found.crossed]


def _table(facts: Facts, family: Crossed) -> Table:
    rows = [
        (
            one.seed,
            one.epoch,
            *(f"{score:.3f} ({difference:+.3f})" for score, difference in zip(scores, differences, strict=True)),
        )
        for one, scores, differences in zip(family.generators, family.macro_f1, family.to_real, strict=True)
    ]
    head = ("generator seed", "epoch", *(f"classifier seed {seed}" for seed in facts.seeds))
    return Table(head, rows, f"Generators trained alike: {family.title}")


def cells_table(facts: Facts) -> pd.DataFrame:
    """Return a row per generator and classifier seed; `to_real` is macro-F1 minus that of real pictures alone."""
    return pd.DataFrame(
        {
            "family": number,
            "arm": one.arm,
            "set": one.set,
            "generator_seed": one.seed,
            "epoch": one.epoch,
            "classifier_seed": seed,
            "macro_f1": score,
            "to_real": difference,
        }
        for number, family in enumerate(facts.found.crossed, start=1)
        for one, scores, differences in zip(family.generators, family.macro_f1, family.to_real, strict=True)
        for seed, score, difference in zip(facts.seeds, scores, differences, strict=True)
    )


def families_table(facts: Facts) -> pd.DataFrame:
    """Return a row per family: its mean difference with interval, where its spread comes from, the sentence."""
    return pd.DataFrame(
        {
            "family": number,
            "title": family.title,
            "generators": len(family.generators),
            "difference": family.difference.value,
            "difference_low": family.difference.low,
            "difference_high": family.difference.high,
            "sd_generators": family.spread.generators,
            "sd_classifiers": family.spread.classifiers,
            "sd_rest": family.spread.rest,
            "sd_classifiers_to_real": family.spread.to_real,
            "verdict": family.verdict,
        }
        for number, family in enumerate(facts.found.crossed, start=1)
    )
