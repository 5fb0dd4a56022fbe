"""How much a generator's seed matters, as it is written down: generators trained alike, crossed with classifier seeds.

Synthetic sets whose generators were trained alike but for the seed are a family, see `families.py`; `crossing.py`
computes what is here. Free of torch.
"""

from pydantic import BaseModel, ConfigDict

from leafcore.evaluate.estimates import UNKNOWN, Estimate, Known


class Generator(BaseModel):
    """One of several generators that were trained alike.

    Attributes:
        arm: Whose classifiers learned from its pictures.
        set: The run that made them.
        seeds: Of its training; of a chain or a plan, of every model in which the family's generators differ.
        epochs: Whose weights made them, in the same order.
    """

    model_config = ConfigDict(frozen=True)

    arm: str
    set: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]

    @property
    def seed(self) -> str:
        """Its seed for people, "0"; of several models "0+3"."""
        return "+".join(map(str, self.seeds))

    @property
    def epoch(self) -> str:
        """The epoch for people, in the same way."""
        return "+".join(map(str, self.epochs))


class SpreadOfScores(BaseModel):
    """Standard deviations of macro-F1, of one classifier; see `measure.crossed.spread`.

    Attributes:
        generators: Between generators; unknown of a single classifier seed.
        classifiers: Between classifier seeds.
        rest: What neither tells alone: how the two go together, and chance on the test pictures.
        to_real: Between classifier seeds, of the difference to real pictures alone, whose classifiers vary as well;
            its other parts are those of macro-F1.
    """

    model_config = ConfigDict(frozen=True)

    generators: Known
    classifiers: Known
    rest: Known
    to_real: Known

    def shares(self) -> tuple[float, float, float]:
        """Return what generators, classifiers and the rest have of the variance of macro-F1, from 0 to 1, or all 0."""
        parts = [sd**2 for sd in (self.generators, self.classifiers, self.rest)]
        total = sum(parts)
        first, second, third = (part / total if total else 0.0 for part in parts)
        return first, second, third


class Crossed(BaseModel):
    """A family of generators, each crossed with every classifier seed.

    Attributes:
        title: What the arms have in common, for people: "Real + synthetic"; beside other families, of which sets.
        generators: In order.
        macro_f1: A row per generator, a column per classifier seed: on the test split.
        to_real: The same minus macro-F1 of the classifier of that seed that learned from real pictures alone.
        difference: The mean of that; its interval resamples generators, classifier seeds and test groups together.
        spread: Where the spread of `macro_f1` comes from.
        left_out: Further sets of generators that are there already, which tell nothing of other seeds.
        verdict: The sentence.
        withheld: Whether it gives no verdict, for something leaked or nobody knows.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    generators: tuple[Generator, ...]
    macro_f1: tuple[tuple[float, ...], ...]
    to_real: tuple[tuple[float, ...], ...]
    difference: Estimate = UNKNOWN
    spread: SpreadOfScores
    left_out: tuple[str, ...] = ()
    verdict: str
    withheld: bool = False

    @property
    def improves(self) -> bool:
        """Whether generators trained so may be said to make better classifiers."""
        return not self.withheld and self.difference.low > 0

    @property
    def facts(self) -> str:
        """Where the spread comes from, in a sentence; and what was left out."""
        said = []
        if len(self.generators) > 1 and len(self.macro_f1[0]) > 1:
            names, parts = ("between generators", "between classifiers", "the rest"), self.spread.shares()
            sds = (self.spread.generators, self.spread.classifiers, self.spread.rest)
            each = [f"{name} {sd:.3f} ({part:.0%})" for name, sd, part in zip(names, sds, parts, strict=True)]
            said.append(
                f"Standard deviation of macro-F1: {', '.join(each)}; of the difference to real pictures alone, between "
                f"classifiers {self.spread.to_real:.3f}."
            )
        if self.left_out:
            said.append(f"Left out, of a generator that is there already: {', '.join(self.left_out)}.")
        return " ".join(said)
