"""A config becomes widgets, and the widgets become a config again. Bounds, units and help come from the fields."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from leafcore import devices
from leafcore.config import Config
from leafcore.data.labels import words
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import LeafError
from leafcore.jobs import KINDS, build_config, submit
from leafcore.runs import Run
from ui import cached
from ui.places import path_of
from ui.service import workspace

REFS = ("dataset", "label_set", "masks", "lflseg")  # drawn outside the form: what one offers depends on another
MISSING = {  # why there is nothing to choose from, and the page that makes it
    "dataset": ("There is no dataset yet.", "datasets"),
    "lflseg": ("There is no LFLSeg model yet.", "masks"),
    "label_set": ("There is no dataset to choose a label set of.", "datasets"),
    "masks": ("This dataset has no mask set yet: save one first.", "masks"),
}


def settings_form(kind: str, preset: str, *, fixed: dict[str, Any] | None = None, submit_label: str) -> Run | None:
    """Draw a kind's settings and queue a run when the button is pressed.

    Args:
        kind: A key of `KINDS`.
        preset: Where the fields start from.
        fixed: Settings that the page decides.
        submit_label: What the button says.

    Returns:
        The queued run, right after the press.
    """
    config = KINDS[kind].config
    fixed = fixed or {}
    start = {name: "" if field.is_required() else field.default for name, field in config.model_fields.items()}
    start |= config.PRESETS.get(preset, {})
    values: dict[str, Any] = dict(fixed)
    open_fields = {name: field for name, field in config.model_fields.items() if name not in fixed}
    for name, field in open_fields.items():
        if _extra(field, "ref") in REFS:
            values[name] = _choice(kind, name, field, start[name], values)
    is_complete = all(value is not None for value in values.values())
    with st.form(f"form-{kind}-{preset}", border=False):
        plain = {name: field for name, field in open_fields.items() if name not in values}
        _draw({n: f for n, f in plain.items() if not _extra(f, "advanced")}, kind, preset, start, values)
        advanced = {name: field for name, field in plain.items() if _extra(field, "advanced")}
        if advanced:
            with st.expander("Advanced", icon=":material/tune:"):
                _draw(advanced, kind, preset, start, values)
        pressed = st.form_submit_button(
            submit_label,
            type="primary",
            icon=":material/play_arrow:",
            key=f"submit-{kind}",
            disabled=not is_complete,
        )
    return queue(kind, values) if pressed else None


def live_fields(kind: str, *names: str, start: dict[str, Any] | None = None) -> dict[str, Any]:
    """Draw some settings outside a form, so that what depends on them follows at once.

    Args:
        kind: A key of `KINDS`.
        names: Which of its settings.
        start: Where they start from, if not from their defaults.

    Returns:
        Their values.
    """
    fields = KINDS[kind].config.model_fields
    begin = {name: "" if fields[name].is_required() else fields[name].default for name in names} | (start or {})
    values: dict[str, Any] = {}
    _draw({name: fields[name] for name in names}, kind, "", begin, values)
    return values


def queue(kind: str, values: dict[str, Any], *, preset: str | None = None) -> Run | None:
    """Queue a run; what is wrong with it is shown beside the button."""
    try:
        given = {name: value for name, value in values.items() if value is not None}
        return submit(workspace(), kind, build_config(kind, given, preset))
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return None


def fill_from_link(kind: str, fields: Mapping[str, str]) -> None:
    """Take choices from the address into a kind's form: once, for after that they are the visitor's to change.

    Args:
        kind: A key of `KINDS`.
        fields: Which parameter of the address is which field.
    """
    link = {name: st.query_params[parameter] for parameter, name in fields.items() if parameter in st.query_params}
    if link and st.session_state.get(f"{kind}-link") != link:
        st.session_state[f"{kind}-link"] = link
        st.session_state.update({f"{kind}-{name}": value for name, value in link.items()})


def _draw(fields: dict[str, FieldInfo], kind: str, preset: str, start: dict[str, Any], values: dict[str, Any]) -> None:
    """Draw plain fields, three in a row."""
    if not fields:
        return
    with st.grid(3, min_column_width=180):
        for name, field in fields.items():
            values[name] = _widget(f"{kind}-{preset}-{name}", name, field, start[name], KINDS[kind].config)


def label_of(name: str, field: FieldInfo) -> str:
    """Return a field's label for people: its name in words, with its unit."""
    words = {
        "a": "From (A)",
        "b": "To (B)",
        "size_px": "Image size",
        "nonleaf": "Pictures without a leaf",
        "val": "Validation share",
        "test": "Test share",
        "group_day": "Same day",
        "group_run": "Run of camera numbers",
        "group_regex": "Same part of the file name",
        "file": "File or folder",
        "leaf_map": "PlantVillage's leaf map",
        "limit": "Pictures per label set",
    }
    unit = _extra(field, "unit")
    return words.get(name, name.replace("_", " ").capitalize()) + (f" ({unit})" if unit else "")


def _widget(key: str, name: str, field: FieldInfo, value: Any, config: type[Config]) -> Any:
    label, note = label_of(name, field), field.description
    kept = {"key": key, "help": note, "persist_state": "session"}
    if get_origin(field.annotation) is not None and "Literal" in str(get_origin(field.annotation)):
        options = list(get_args(field.annotation))
        return st.selectbox(label, options, index=options.index(value), **kept)
    if _extra(field, "ref") == "device":
        options = ["auto", *devices.lane_names()]
        return st.selectbox(label, options, index=0, **kept)
    if isinstance(value, bool):
        return st.toggle(label, value, **kept)
    if isinstance(value, int | float):
        bounds = config.model_json_schema()["properties"][name]
        return _number(label, value, bounds, kept)
    return st.text_input(label, "" if value is None else str(value), **kept)


def _number(label: str, value: float, bounds: dict[str, Any], kept: dict[str, Any]) -> float:
    """Draw a number with its bounds; small learning rates are shown as they are written."""
    kind = type(value)
    low = bounds.get("minimum", bounds.get("exclusiveMinimum"))
    high = bounds.get("maximum", bounds.get("exclusiveMaximum"))
    step = kind(bounds.get("multipleOf", 1 if kind is int else (10 ** -(len(f"{value:.8f}".rstrip("0")) - 2))))
    form = "%d" if kind is int else "%g"
    limits = {"min_value": None if low is None else kind(low), "max_value": None if high is None else kind(high)}
    return st.number_input(label, value=value, step=step, format=form, **limits, **kept)


def _choice(kind: str, name: str, field: FieldInfo, value: Any, values: dict[str, Any]) -> str | None:
    """Draw a choice among the things there are."""
    options = _options(str(_extra(field, "ref")), values)
    label = label_of(name, field)
    if not options:
        reason, page = MISSING[str(_extra(field, "ref"))]
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/info: {reason}")
            st.page_link(path_of(page), label=f"Open {page.capitalize()}", icon=":material/arrow_forward:")
        return None
    if st.session_state.get(f"{kind}-{name}") not in options:  # a link, or a choice among what is not here any more
        st.session_state.pop(f"{kind}-{name}", None)
    keys = list(options)
    index = keys.index(value) if value in keys else (min(1, len(keys) - 1) if name == "b" else 0)
    return st.selectbox(
        label,
        keys,
        index=index,
        format_func=lambda key: options.get(key, key),
        key=f"{kind}-{name}",
        help=field.description,
        persist_state="session",
    )


def _options(ref: str, values: dict[str, Any]) -> dict[str, str]:
    """Return what can be chosen, with titles for people."""
    if ref == "dataset":
        return {name: name for name in cached.dataset_names()}
    if ref == "lflseg":
        return cached.lflseg_models()
    name = values.get("dataset")
    if not name:
        return {}
    if ref == "label_set":
        counts = cached.dataset(name).label_sets
        return {labels: f"{words(labels)} ({count})" for labels, count in counts.items()}
    return mask_sets(name)


def mask_sets(name: str) -> dict[str, str]:
    """Return the mask sets of a dataset's current version by run id, with titles for people."""
    ref = cached.dataset(name).ref
    found = {}
    for run in cached.runs_of("masks"):
        card = open_mask_set(workspace(), run.id).card
        if card.dataset == ref:
            found[run.id] = f"{card.images} masks at delta {card.delta:g}, {cached.when(run)}"
    return found


def _extra(field: FieldInfo, key: str) -> Any:
    extra = field.json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None
