"""A config becomes widgets, and the widgets become a config again. Bounds, units and help come from the fields."""

from collections.abc import Collection, Mapping
from typing import Any, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from leafcore import devices
from leafcore.config import Config
from leafcore.data.labels import words
from leafcore.data.mask_sets import open_mask_set
from leafcore.errors import LeafError
from leafcore.jobs import KINDS, build_config, submit_once
from leafcore.runs import Run
from ui import address, cached, copying
from ui.choose import usual_dataset
from ui.places import path_of
from ui.service import workspace

REFS = (
    "dataset",
    "label_set",
    "label_sets",
    "masks",
    "lflseg",
)  # drawn outside the form: what one offers depends on another
BOUNDLESS = 2**31  # seeds may be so large; nobody needs to be told
MISSING = {  # why there is nothing to choose from, and the page that makes it
    "dataset": ("There is no dataset yet.", "datasets"),
    "lflseg": ("There is no LFLSeg model yet.", "masks"),
    "label_set": ("There is no dataset to choose a label set of.", "datasets"),
    "masks": ("This dataset has no mask set yet: save one first.", "masks"),
}


def settings_form(
    kind: str, preset: str, *, fixed: dict[str, Any] | None = None, submit_label: str, missing: str = ""
) -> Run | None:
    """Draw a kind's settings and queue a run when the button is pressed.

    Args:
        kind: A key of `KINDS`.
        preset: Where the fields start from.
        fixed: Settings that the page decides.
        submit_label: What the button says.
        missing: What the page still needs, by its labels; a press says it, and queues nothing.

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
        if extra_of(field, "ref") in REFS:
            values[name] = choice(kind, name, field, start[name], values)
    is_complete = all(value is not None for value in values.values())
    with st.form(f"form-{kind}-{preset}", border=False):
        plain = {name: field for name, field in open_fields.items() if name not in values}
        _draw({n: f for n, f in plain.items() if not extra_of(f, "advanced")}, kind, preset, start, values)
        advanced = {name: field for name, field in plain.items() if extra_of(field, "advanced")}
        if advanced:
            with st.expander("Advanced", icon=":material/tune:"):
                _draw(advanced, kind, preset, start, values)
        with st.container(horizontal=True):
            pressed = st.form_submit_button(
                submit_label,
                type="primary",
                icon=":material/play_arrow:",
                key=f"submit-{kind}",
                disabled=not is_complete,
            )
            copied = st.form_submit_button(
                copying.LABEL, type="tertiary", icon=copying.ICON, key=f"copy-{kind}", disabled=not is_complete
            )
    if (copied or pressed) and missing:
        st.error(missing, icon=":material/error:")
        return None
    if copied:
        copying.snippets(kind, values)
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
    """Queue a run, once however often it is pressed; what is wrong with it is shown beside the button."""
    try:
        given = {name: value for name, value in values.items() if value is not None}
        return submit_once(workspace(), kind, build_config(kind, given, preset))
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return None


def fill_from_link(kind: str, fields: Mapping[str, str], several: Collection[str] = ()) -> None:
    """Take choices from the address into a kind's form: once, for after that they are the visitor's to change.

    Args:
        kind: A key of `KINDS`.
        fields: Which parameter of the address is which field.
        several: The fields that hold several choices.
    """
    link: dict[str, Any] = {
        name: st.query_params.get_all(parameter) if name in several else st.query_params[parameter]
        for parameter, name in fields.items()
        if parameter in st.query_params
    }
    if link and st.session_state.get(f"{kind}-link") != link:
        st.session_state[f"{kind}-link"] = link
        st.session_state.update({f"{kind}-{name}": value for name, value in link.items()})


def write_link(kind: str, fields: Mapping[str, str], values: Mapping[str, Any]) -> None:
    """Write a form's choices into the address, so that a refresh and a link find them again; see `fill_from_link`."""
    link = {name: values[name] for name in fields.values() if values.get(name)}
    st.session_state[f"{kind}-link"] = link
    address.say(**{parameter: link[name] for parameter, name in fields.items() if name in link})


def draft(
    kind: str, scope: str, fields: Mapping[str, FieldInfo], start: Mapping[str, Any], values: dict[str, Any]
) -> dict[str, DeltaGenerator]:
    """Draw fields outside a form; what differs from the start is part of the address, so that a refresh keeps it.

    Args:
        kind: A key of `KINDS`.
        scope: What the start belongs to, such as a preset: each has a draft of its own.
        fields: What to draw; what is advanced is folded away, under the headings of its groups.
        start: Where they start from.
        values: Where what they say is put.

    Returns:
        A place below each, for what is wrong with it.
    """
    places: dict[str, DeltaGenerator] = {}
    plain = {name: field for name, field in fields.items() if not extra_of(field, "advanced")}
    _draw(plain, kind, scope, start, values, places)
    groups: dict[str, dict[str, FieldInfo]] = {}
    for name in sorted(fields.keys() - plain.keys(), key=list(fields).index):
        groups.setdefault(str(extra_of(fields[name], "group") or "Other"), {})[name] = fields[name]
    if groups:
        with st.expander("Advanced", icon=":material/tune:"):
            for title, members in sorted(groups.items(), key=lambda group: group[0] == "Other"):
                st.markdown(f"**{title}**")
                _draw(members, kind, scope, start, values, places)
    return places


def _draw(
    fields: dict[str, FieldInfo],
    kind: str,
    preset: str,
    start: Mapping[str, Any],
    values: dict[str, Any],
    places: dict[str, DeltaGenerator] | None = None,
) -> None:
    """Draw plain fields, three in a row; as a draft that the address keeps if there are places for errors."""
    if not fields:
        return
    bind = None if places is None else "query-params"
    with st.grid(3, min_column_width=180):
        for name, field in fields.items():
            with st.container(gap=None):
                config = KINDS[kind].config
                values[name] = _widget(f"{kind}-{preset}-{name}", name, field, start[name], config, bind)
                if places is not None:
                    places[name] = st.empty()


def label_of(name: str, field: FieldInfo) -> str:
    """Return a field's label for people: its name in words, with its unit."""
    words = {
        "a": "From (A)",
        "b": "To (B)",
        "size_px": "Picture size",
        "epochs_decay": "Epochs of decay",
        "init": "Start from",
        "downs": "Halvings",
        "residual": "Residual output",
        "blend": "Keep the background",
        "weight_cycle": "Cycle weight",
        "weight_identity": "Identity weight",
        "weight_background": "Background weight",
        "pool_size": "Image pool",
        "compiled": "Compile",
        "load_px": "Size before cropping",
        "state_every_s": "State every",
        "ema_decay": "EMA decay",
        "beta1": "Adam's beta 1",
        "beta2": "Adam's beta 2",
        "labels": "Label sets",
        "snr_gamma": "Min-SNR gamma",
        "max_gradient": "Longest gradient",
        "diffaug": "DiffAugment",
        "weight_class": "Weight of the class",
        "weight_penalty": "Weight of the penalty",
        "base": "Base model",
        "accept_license": "Accept its license",
        "epoch_steps": "Steps per epoch",
        "prior_images": "Prior pictures",
        "lora_rank": "LoRA rank",
        "min_snr": "Min-SNR",
        "accumulate": "Batches per step",
        "disc_filters": "Discriminator filters",
        "disc_layers": "Discriminator layers",
        "nonleaf": "Pictures without a leaf",
        "val": "Validation share",
        "test": "Test share",
        "group_day": "Same day",
        "group_camera": "Same camera",
        "group_run": "Run of camera numbers",
        "group_regex": "Same part of the file name",
        "file": "File or folder",
        "leaf_map": "PlantVillage's leaf map",
        "limit": "Pictures per label set",
        "tta": "Views of each",
        "cam": "Heat maps",
        "path": "Picture or folder",
        "layout": "Columns of the table",
    }
    unit = extra_of(field, "unit")
    return words.get(name, name.replace("_", " ").capitalize()) + (f" ({unit})" if unit else "")


def help_of(name: str, field: FieldInfo, config: type[Config]) -> str:
    """Return what a setting does, its range and its default."""
    bounds = config.model_json_schema()["properties"][name]
    low, high = (
        bounds.get("minimum", bounds.get("exclusiveMinimum")),
        bounds.get("maximum", bounds.get("exclusiveMaximum")),
    )
    limits = [f"from {_told(low)}"] if low is not None else []
    limits += [f"to {_told(high)}"] if high is not None and high < BOUNDLESS else []
    limits += [f"in steps of {bounds['multipleOf']}"] if "multipleOf" in bounds else []
    default = "" if field.is_required() or field.default in ("", None) else f"default {field.default}"
    facts = ", ".join(part for part in (" ".join(limits), default) if part)
    return f"{field.description} {facts[0].upper()}{facts[1:]}." if facts else str(field.description)


def _told(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _widget(key: str, name: str, field: FieldInfo, value: Any, config: type[Config], bind: Any = None) -> Any:
    label, note = label_of(name, field), help_of(name, field, config)
    kept = {"key": key, "help": note, "persist_state": "session", "bind": bind}
    if get_origin(field.annotation) is not None and "Literal" in str(get_origin(field.annotation)):
        options = list(get_args(field.annotation))
        return st.selectbox(label, options, index=options.index(value), **kept)
    if extra_of(field, "ref") == "device":
        options = ["auto", *devices.lane_names()]
        return st.selectbox(label, options, index=options.index(value) if value in options else 0, **kept)
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


def several(kind: str, name: str, field: FieldInfo, values: dict[str, Any]) -> list[str]:
    """Draw a choice of one or more of the things there are."""
    known = _options(str(extra_of(field, "ref")), values)
    options = {option: title for option, title in known.items() if option != values.get("a")}
    return _many(kind, name, field, options, first=1, help=f"{field.description} Each gets a run of its own.")


def subset(kind: str, name: str, field: FieldInfo, values: dict[str, Any]) -> list[str]:
    """Draw a choice of some of the things there are, or of none, which means all."""
    options = _options(str(extra_of(field, "ref")), values)
    return _many(kind, name, field, options, placeholder="All", help=field.description)


def _many(
    kind: str, name: str, field: FieldInfo, options: Mapping[str, str], *, first: int = 0, **shown: Any
) -> list[str]:
    """Draw a choice of several options, the first so many of them chosen to begin with."""
    key = f"{kind}-{name}"
    if key in st.session_state:  # a link, or a choice among what is not here any more
        st.session_state[key] = [chosen for chosen in st.session_state[key] if chosen in options]
    return st.multiselect(
        label_of(name, field),
        list(options),
        default=[] if key in st.session_state else list(options)[:first],
        format_func=lambda option: options.get(option, option),
        key=key,
        persist_state="session",
        **shown,
    )


def choice(kind: str, name: str, field: FieldInfo, value: Any, values: dict[str, Any]) -> str | None:
    """Draw a choice among the things there are; say where to make one if there is none."""
    options = _options(str(extra_of(field, "ref")), values)
    label = label_of(name, field)
    if not options:
        reason, page = MISSING[str(extra_of(field, "ref"))]
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/info: {reason}")
            st.page_link(path_of(page), label=f"Open {page.capitalize()}", icon=":material/arrow_forward:")
        return None
    if st.session_state.get(f"{kind}-{name}") not in options:  # a link, or a choice among what is not here any more
        st.session_state.pop(f"{kind}-{name}", None)
    keys, key = list(options), f"{kind}-{name}"
    if extra_of(field, "ref") == "dataset" and value not in keys:
        value = usual_dataset(keys)
    index = keys.index(value) if value in keys else (min(1, len(keys) - 1) if name == "b" else 0)
    return st.selectbox(
        label,
        keys,
        index=0 if key in st.session_state else index,
        format_func=lambda option: options.get(option, option),
        key=key,
        help=field.description,
        persist_state="session",
    )


def _options(ref: str, values: dict[str, Any]) -> dict[str, str]:
    """Return what can be chosen, with titles for people."""
    if ref == "dataset":
        return {name: name for name in cached.dataset_names()}
    if ref == "lflseg":
        return cached.lflseg_models(values.get("dataset") or "")
    name = values.get("dataset")
    if not name:
        return {}
    if ref in {"label_set", "label_sets"}:
        dataset = cached.dataset(name)
        counts = dataset.select(split="train")["labels"].value_counts()  # of the others no training sees any
        return {labels: f"{words(labels)} ({counts.get(labels, 0):,} train)" for labels in dataset.label_sets}
    return mask_sets(name)


def mask_sets(name: str) -> dict[str, str]:
    """Return the mask sets of a dataset's current pictures by run id, with titles for people."""
    dataset = cached.dataset(name)
    found = {}
    for run in cached.runs_of("masks"):
        masks = open_mask_set(workspace(), run.id)
        card = masks.card
        if masks.covers(dataset, dataset.records):
            refined = "" if card.refinement.is_plain else ", refined"
            title = f"{card.images} masks at delta {card.delta:g}{refined}, {cached.when(run)}"
            found[run.id] = title if title not in found.values() else f"{title} ({run.id[-4:]})"  # titles tell choices
    return found


def extra_of(field: FieldInfo, key: str) -> Any:
    """Return what a setting's declaration says beside its bounds, see `config.setting`."""
    extra = field.json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None
