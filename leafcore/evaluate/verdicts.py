"""The sentence that claims no more than an interval allows, and nothing where something leaked; free of torch."""

from collections.abc import Sequence

from leafcore.data.leaks import LeakReport
from leafcore.evaluate.configs import LEAST_SEEDS
from leafcore.measure.crossed import LEAST_CLASSIFIERS, LEAST_GENERATORS
from leafcore.measure.stats import LEAST_GROUPS_IN_ALL, Interval


def verdict(
    subject: str,
    difference: Interval,
    leaks: LeakReport | None,
    *,
    seeds: int,
    test_images: int,
    groups: int,
    opened: int,
    arms: int,
) -> str:
    """Say in a sentence what the difference in macro-F1 allows to be said.

    It cannot say "improves" while the interval includes 0, and says nothing when something leaked or nobody knows. Nor
    does it of fewer than `LEAST_SEEDS` classifiers per arm: an interval from one sees which pictures are in the test
    split, and not how a training turns out. Where seeds differ by 0.03 macro-F1, it calls one in eight to five pairs of
    equal arms different (simulated; see the tests). The same where there are too few test groups for an interval.

    Args:
        subject: What was done, such as "adding these synthetic pictures".
        difference: Of macro-F1, arm minus baseline.
        leaks: What stands behind the arm's synthetic pictures; None where it has none.
        seeds: Classifiers per arm.
        test_images: Pictures that judge.
        groups: Independent groups among them.
        opened: How often the test split was opened so far.
        arms: How many arms are compared with the baseline.
    """
    interval = f"95% interval {difference.low:+.3f} to {difference.high:+.3f}"
    facts = (
        f"{difference.value:+.3f} macro-F1, {interval if difference.is_known else 'too few groups for an interval'}, "
        f"{test_images} test pictures, {_seeds(seeds)}, "
        f"{f'one of {arms} arms compared, ' if arms > 1 else ''}"
        f"test split opened {'once' if opened == 1 else f'{opened} times'} so far"
    )
    if leaks is not None and not leaks.is_clean:
        return f"Verdict withheld: {leaks.explain()}. (The numbers: {facts}.)"
    if not difference.is_known:
        return (
            f"No verdict from {groups} independent test groups; {LEAST_GROUPS_IN_ALL} are needed: split the dataset "
            f"again with a larger test share. (The numbers: {facts}.)"
        )
    if seeds < LEAST_SEEDS:
        return (
            f"No verdict from {_seeds(seeds)}; {LEAST_SEEDS} are needed, for trainings differ by chance: "
            f"compare again with more seeds. (The numbers: {facts}.)"
        )
    if not difference.excludes_zero:
        return f"No difference shown: {subject} changes the score by {facts}."
    if difference.low > 0:
        return f"{subject[0].upper()}{subject[1:]} improves the classifier: {facts}."
    advice = "Do not do this" if leaks is None else "Do not use this set"
    return f"{advice}: {subject} makes the classifier worse: {facts}."


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count > 1)}"


def generators_verdict(
    seeds: Sequence[str], difference: Interval, leaks: LeakReport, *, classifiers: int, groups: int
) -> str:
    """Say in a sentence what the mean difference over generators that were trained alike allows to be said.

    Like `verdict`, it claims nothing while the interval includes 0, nothing when something leaked or nobody knows, and
    nothing of too few: generators, classifiers of each, or test groups.

    Args:
        seeds: Of the generators, for people.
        difference: The mean of macro-F1, arm minus baseline, over generators and classifier seeds.
        leaks: What stands behind all of their pictures.
        classifiers: How many learned from each generator's pictures.
        groups: Independent test groups.
    """
    over = (
        f"Over {len(seeds)} generators trained alike (seeds {', '.join(seeds)}) and {_classifiers(classifiers)} each: "
        f"{difference.value:+.3f} macro-F1"
    )
    told = f"{over}, {difference.low:+.3f} to {difference.high:+.3f}" if difference.is_known else over
    if not leaks.is_clean:
        return f"Verdict withheld: {leaks.explain()}. (The numbers: {told}.)"
    if len(seeds) < LEAST_GENERATORS:
        return (
            f"{told}: no claim over generators from {len(seeds)}; {LEAST_GENERATORS} are needed, for trainings differ "
            "by chance: train it again with another seed."
        )
    if classifiers < LEAST_CLASSIFIERS:
        return (
            f"{told}: no claim over generators from {_classifiers(classifiers)} of each; {LEAST_CLASSIFIERS} are "
            "needed: compare again with more seeds."
        )
    if not difference.is_known:
        return f"{told}: no claim from {groups} independent test groups; {LEAST_GROUPS_IN_ALL} are needed."
    if not difference.excludes_zero:
        return f"{told}: no difference shown."
    return f"{told}: {'better' if difference.low > 0 else 'worse'} than with real pictures alone."


def _classifiers(count: int) -> str:
    return f"{count} classifier{'s' * (count > 1)}"
