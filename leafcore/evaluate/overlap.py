"""Test pictures that have a near-duplicate in train or validation, and how arms do without them; free of torch."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from leafcore.alike import known_pairs, newest_health
from leafcore.data.configs import ResplitConfig
from leafcore.data.labels import words
from leafcore.data.manifest import Dataset
from leafcore.data.straddles import straddling_tests
from leafcore.evaluate.estimates import UNKNOWN, Estimate
from leafcore.workspace import Workspace

NONE = "no test picture has a near-duplicate in train or validation"


class WithoutScore(BaseModel):
    """An arm's macro-F1 with the overlapping test pictures and without them, over the labels of which some are left.

    Attributes:
        every: Of all test pictures.
        left: Of those without.
        drop: `left` minus `every`, by the same resamples; below 0 where the overlap flatters the arm.
        difference: Of those without: arm minus baseline; unknown of the baseline itself.
    """

    model_config = ConfigDict(frozen=True)

    every: Estimate
    left: Estimate
    drop: Estimate
    difference: Estimate = UNKNOWN


class Overlap(BaseModel):
    """Test pictures that belong together with one in train or validation, and how every arm does without them.

    Attributes:
        images: These pictures, in the test split's order.
        near_duplicates: How many of them show the same photograph as one there, in another file.
        files: How many of their files are there as well.
        groups: How many are of a group of which a picture is there.
        test_images: How many test pictures there are in all.
        left_groups: Independent groups among those that are left.
        lost: Labels of which no test picture is left; no score here counts them.
        health: The run whose near-duplicates count beside those of the import; empty if there is none.
        arms: By arm, its scores; empty where nothing overlaps.
        sentences: By arm, what that comes to.
    """

    model_config = ConfigDict(frozen=True)

    images: tuple[str, ...] = ()
    near_duplicates: int = 0
    files: int = 0
    groups: int = 0
    test_images: int
    left_groups: int = 0
    lost: tuple[str, ...] = ()
    health: str = ""
    arms: dict[str, WithoutScore] = {}
    sentences: dict[str, str] = {}

    @property
    def left(self) -> int:
        """How many test pictures are left without them."""
        return self.test_images - len(self.images)

    @property
    def finding(self) -> str:
        """What was found, such as "12 of 294 test pictures have a near-duplicate in train or validation"."""
        kinds = {
            "a near-duplicate": self.near_duplicates,
            "the same file": self.files,
            "a picture of the same group": self.groups,
        }
        present = [what for what, count in kinds.items() if count]
        if not present:
            return NONE
        have = "picture has" if self.test_images == 1 else "pictures has" if len(self.images) == 1 else "pictures have"
        what = " or ".join(filter(None, (", ".join(present[:-1]), present[-1])))
        return f"{len(self.images)} of {self.test_images} test {have} {what} in train or validation"


def find_overlap(workspace: Workspace, dataset: Dataset) -> tuple[Overlap, str]:
    """Look for test pictures that belong together with one in train or validation, as the Datasets page does.

    Returns:
        What overlaps, without scores; and what to do about it, empty if nothing overlaps.
    """
    report = newest_health(workspace, dataset)
    found = straddling_tests(dataset.records, known_pairs(dataset, report))
    tests = dataset.records["split"] == "test"
    overlap = Overlap(
        images=found.images,
        near_duplicates=len(found.near_duplicates),
        files=len(found.files),
        groups=len(found.groups),
        test_images=int(tests.sum()),
        health=report.id if report else "",
    )
    if not found.images:
        return overlap, ""
    move = '"Move to one side" on the Datasets page, which leaves the rest of the split as it is'
    if straddling_tests(dataset.records, known_pairs(dataset, None)).images == found.images:  # a split joins these
        mend = f"split again by group, `{split_command(dataset)}`, or choose {move}"
    else:
        mend = f"choose {move}"
    return (
        overlap,
        f"{overlap.finding}: every arm is told with them and without. To mend it, {mend}; then compare again.",
    )


def split_command(dataset: Dataset) -> str:
    """Return the command that splits a dataset again by group, validation and test as large as they are now."""
    sizes = dataset.records["split"].value_counts(normalize=True)
    shares = {name: round(float(sizes.get(name, 0.0)), 2) for name in ("val", "test")}
    usual = {name: ResplitConfig.model_fields[name].default for name in shares}
    named = "".join(f" --{name} {share:g}" for name, share in shares.items() if share != usual[name])
    return f"python -m leafcore split {dataset.ref}{named}"


def sentences(overlap: Overlap, titles: Mapping[str, str], baseline: str) -> dict[str, str]:
    """Return what an overlap comes to for each arm; nothing where nothing overlaps.

    Args:
        overlap: With its scores.
        titles: What people call each arm.
        baseline: Which arm the others are compared with.
    """
    return {arm: _sentence(overlap, score, titles, arm, baseline) for arm, score in overlap.arms.items()}


def _sentence(overlap: Overlap, score: WithoutScore, titles: Mapping[str, str], arm: str, baseline: str) -> str:
    if not overlap.left:
        return f"{overlap.finding}: without them nothing is left to score."
    lost = f" No picture of {', '.join(map(words, overlap.lost))} is left; neither score counts it." * bool(
        overlap.lost
    )
    beside = "" if arm == baseline else f" Its difference to {titles[baseline]} is then {_told(score.difference)}."
    scores = f"scores {score.left.value:.3f} instead of {score.every.value:.3f} ({_told(score.drop)})"
    return f"{overlap.finding}; without them {titles[arm]} {scores}.{beside}{lost}"


def _told(estimate: Estimate) -> str:
    ends = f"{estimate.low:+.3f} to {estimate.high:+.3f}" if estimate.is_known else "too few groups for an interval"
    return f"{estimate.value:+.3f}, {ends}"
