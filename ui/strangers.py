"""Said before a model is used, not when it is judged: it has seen pictures that are none of this dataset's."""

from collections.abc import Iterable

import streamlit as st

from leafcore.checkpoints import Checkpoint
from leafcore.data.leaks import LeakReport, check
from leafcore.data.manifest import Dataset
from leafcore.data.seen import roles_of


def strangeness(dataset: Dataset, model: Checkpoint) -> str:
    """Return why a comparison on a dataset will withhold its verdict over a model, in a sentence; empty if it will not.

    Args:
        dataset: Whose train split is all that the model may have seen.
        model: What is about to be used.
    """
    written = model.folder / "seen.json"
    changed_ns = written.stat().st_mtime_ns if written.exists() else 0
    found = _check(dataset.ref, str(written), changed_ns, dataset, model)
    if found.is_clean:
        return ""
    if any(found.test.values()):
        return f"{model.name} has seen {max(found.test.values()):,} test pictures of {dataset.name}."
    own = roles_of(model.card.recipe)[0]
    outside = {role: count for role, count in found.outside.items() if count}
    role = own if own in outside else max(outside, key=lambda name: outside[name], default="")
    if not role:
        return f"Nobody wrote down which pictures {model.name} has seen."
    seen = f"has seen {outside[role]:,} pictures that are not in the train split of {dataset.name}"
    if role == "lflseg" != own:
        return f"The LFLSeg model behind the masks of {model.name} {seen}."
    trained = str(model.card.description.get("dataset", "")).partition("@")[0]
    if trained and trained != dataset.name:
        return f"{model.name} was trained on {trained} and {seen}, so it may do badly here."
    return f"{model.name} {seen}."


def stranger_note(dataset: Dataset, models: Iterable[Checkpoint], remedy: str) -> None:
    """Draw a warning if a model knows other pictures than a dataset's, with what to do.

    Args:
        dataset: What the models are used on.
        models: Each is told of once.
        remedy: What to do instead, a sentence.
    """
    told = [strangeness(dataset, model) for model in {model.ref: model for model in models}.values()]
    reasons = [reason for reason in told if reason]
    if reasons:
        st.warning(
            f"{' '.join(reasons)} A comparison on {dataset.name} will withhold its verdict. {remedy}",
            icon=":material/person_alert:",
        )


@st.cache_data(max_entries=64, show_spinner=False)
def _check(dataset_ref: str, written: str, changed_ns: int, _dataset: Dataset, _model: Checkpoint) -> LeakReport:
    return check(_dataset, _model.seen())
