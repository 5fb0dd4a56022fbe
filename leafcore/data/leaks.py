"""The leak check: which pictures of the held-out splits has a model seen, and which pictures that are not its arm's?"""

import pandas as pd
from pydantic import BaseModel, ConfigDict

from leafcore.data.manifest import Dataset
from leafcore.data.seen import FILTERS, UNKNOWN, Seen

_SEES = {
    "source": "the sources include",
    "probe": "the probes, by which epochs were chosen, include",
    "lflseg": "the LFLSeg model behind the masks has seen",
    FILTERS["label"]: "the judge that verified the pictures has seen",
    FILTERS["leaf"]: "the LFLSeg model that verified the pictures has seen",
}
_INSTEAD = {  # of one that has seen other pictures
    "lflseg": "train LFLSeg on this dataset first",
    FILTERS["label"]: "train a classifier on this dataset, and let it judge pictures that are made anew",
    FILTERS["leaf"]: "train LFLSeg on this dataset, and let it verify pictures that are made anew",
}
ROLES = {  # for people
    "generator": "generators",
    "classifier": "teachers",
    "lflseg": "LFLSeg behind the masks",
    FILTERS["label"]: "the judge that verified",
    FILTERS["leaf"]: "LFLSeg that verified",
    "source": "sources of translations",
    "probe": "probes, by which epochs were chosen",
}


class LeakReport(BaseModel):
    """What the models behind an arm have seen, by role ("generator", "lflseg", "label filter", "source", "probe", ...).

    Attributes:
        test: How many test pictures, or pictures of a test picture's group, each role has seen.
        val: The same for validation pictures, which probes may be.
        outside: How many pictures each role has seen that are not in the arm's real training set, test and validation
            pictures included; probes train nothing and are left out.
        test_size: How many test pictures there are.
        unknown: Of what nobody wrote down which pictures it has seen.
    """

    model_config = ConfigDict(frozen=True)

    test: dict[str, int]
    val: dict[str, int]
    outside: dict[str, int]
    test_size: int
    unknown: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether a verdict may be given: it is known that all roles saw the arm's own training pictures only."""
        return not (any(self.outside.values()) or any(self.test.values()) or self.unknown)

    def explain(self) -> str:
        """Return why the verdict is withheld, in a sentence; empty if it is not."""
        if any(self.test.values()):
            worst = max(self.test, key=lambda role: self.test[role])
            return f"{_SEES.get(worst, f'the {worst} has seen')} {self.test[worst]} of {self.test_size} test pictures"
        if any(self.outside.values()):
            worst = max(self.outside, key=lambda role: self.outside[role])
            seen = _SEES.get(worst, f"the {worst} has seen")
            strangers = f"{seen} {self.outside[worst]} pictures that are not in this dataset's train split"
            return f"{strangers}; {_INSTEAD[worst]}" if worst in _INSTEAD else strangers
        if self.unknown:
            return (
                f"nobody wrote down which pictures were seen by {', '.join(self.unknown)}; promote or train that "
                "again, then make the synthetic pictures anew"
            )
        return ""

    def table(self) -> list[tuple[str, ...]]:
        """Return for people what each role has seen: its name, test, validation, and pictures outside the train split.

        Probes may be validation pictures, and train nothing.
        """
        counts = (self.test, self.val, self.outside)
        names = dict.fromkeys(name for part in counts for name in part)
        return [(ROLES.get(name, name), *(str(part.get(name, "allowed")) for part in counts)) for name in names]


def check(dataset: Dataset, seen: Seen) -> LeakReport:
    """Compare what models have seen with what they may have seen.

    Args:
        dataset: The dataset whose test split judges the arm, and whose train split is the arm's real training set.
        seen: SHA-256 of pictures by role, from every model and source behind the arm; if there is no role at all,
            everything is unknown.
    """
    records = dataset.records
    held_out = {name: records.loc[records["split"] == name, "group"] for name in ("val", "test")}
    files = records.drop_duplicates("sha256")
    row_of = pd.Index(files["sha256"])
    in_train = (files["split"] == "train").to_numpy(dtype=bool)
    touches = {name: files["group"].isin(groups).to_numpy(dtype=bool) for name, groups in held_out.items()}
    counts: dict[str, dict[str, int]] = {"test": {}, "val": {}, "outside": {}}
    known = {role: images for role, images in seen.items() if role != UNKNOWN}
    for role, images in known.items():
        rows = row_of.get_indexer(pd.Index(images, dtype=object))
        rows = rows[rows >= 0]
        counts["test"][role] = int(touches["test"][rows].sum())
        if role != "probe":
            counts["val"][role] = int(touches["val"][rows].sum())
            counts["outside"][role] = len(images) - int(in_train[rows].sum())
    unknown = tuple(seen.get(UNKNOWN, ())) or (() if known else ("what made the synthetic pictures",))
    return LeakReport(**counts, test_size=int((records["split"] == "test").sum()), unknown=unknown)
