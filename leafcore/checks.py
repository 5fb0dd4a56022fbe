"""Looking up what a config names, before a run is made of it, and pinning it, so that what the run means never changes.

Which settings name something is said by their `ref` (see `config.setting`).
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from leafcore import devices
from leafcore.base_hub import admit
from leafcore.base_models import open_base, require_accepted
from leafcore.chain_checks import check_translators, draws, steps_there
from leafcore.chain_presets import fill_in
from leafcore.chains import chain_labels
from leafcore.checkpoints import Checkpoint, epochs, list_checkpoints, require_free
from leafcore.classifier_checks import check_classifier, check_pictures
from leafcore.config import Config
from leafcore.data.labels import label_set, require_known
from leafcore.data.learned import learned_pictures
from leafcore.data.manifest import load
from leafcore.data.synthetic_sets import open_synthetic_set
from leafcore.errors import CheckpointError, ConfigError, InputError, NotFoundError
from leafcore.evaluation_checks import check_comparison, check_probe_masks
from leafcore.mask_checks import check_chain_masks, check_corrections, check_masks
from leafcore.noise import noise_facts
from leafcore.path_checks import (
    Checked,
    check_file,
    check_folder,
    check_picture,
    check_saved,
    check_source,
    check_target,
    check_weights_target,
)
from leafcore.pick.configs import AUTO, NO_JUDGE
from leafcore.pick.judges import can_name, newest_judge
from leafcore.pins import is_pending, pin
from leafcore.prompts import given_labels, made_of, prompt_facts, taught_together
from leafcore.runs import ACTIVE, list_runs, open_run
from leafcore.set_checks import check_set_judge
from leafcore.synthesize.heeded import require_heeded_by_noise, require_heeded_by_prompt
from leafcore.synthesize.parts import Part
from leafcore.synthesize.teachers import require_teacher, require_unlabelled
from leafcore.train.configs import RECIPES, is_generative, is_translation
from leafcore.train.trackers import require_tracker
from leafcore.workspace import Workspace

OF_PARTS = ("leaf_model", "noise_judge", "chain_masks")  # each part of a plan has its own


def check(workspace: Workspace, config: Config) -> tuple[Config, tuple[str, ...]]:
    """Look up everything that a config names.

    What an unfinished run will make is taken on trust: the run that needs it fails in one line if it is not made.

    Returns:
        The config with its dataset's version, its weights and its folders pinned, and the ids of the runs it uses.

    Raises:
        InputError: Something named does not exist or does not fit, or a name to promote under is taken.
    """
    if getattr(config, "chain_preset", ""):
        config = fill_in(workspace, config)
    values = config.model_dump()
    if "dataset" in values:
        config = config.model_copy(update={"dataset": _pin_dataset(workspace, config)})
    if values.get("promote_as"):
        _require_free(workspace, values["promote_as"])
    pinned: dict[str, Any] = {}
    uses: set[str] = set()
    for name, field in type(config).model_fields.items():
        extra = field.json_schema_extra
        ref = extra.get("ref") if isinstance(extra, dict) else None
        if getattr(config, "plan", ()) and ref in OF_PARTS:
            continue
        if isinstance(ref, str) and ref in _CHECKS:
            pinned[name], used = _CHECKS[ref](workspace, config, getattr(config, name))
            uses.update(used)
    return config.model_copy(update=pinned), tuple(sorted(uses))


def _pin_dataset(workspace: Workspace, config: Any) -> str:
    """Return `name@version`; of pictures from noise, by default the one that their model learned from, here or not."""
    if not config.dataset and bool(getattr(config, "path", None)):  # pictures of no dataset
        return ""
    if not config.dataset and hasattr(config, "run"):
        return str(open_run(workspace, config.run).record.settings.get("dataset", ""))
    if config.dataset or not getattr(config, "checkpoint", ""):
        return load(workspace, config.dataset).ref
    _, checkpoint, used = pin(workspace, config.checkpoint)
    if checkpoint is None:
        return str(open_run(workspace, used[0]).record.settings.get("dataset", ""))
    return str(checkpoint.card.description.get("dataset", ""))


def _require_free(workspace: Workspace, name: str) -> None:
    """Refuse to train for hours towards a name that is taken, or that another run is training towards."""
    require_free(workspace, name, what="promote_as")
    for run in list_runs(workspace):
        if run.record.settings.get("promote_as") == name and run.status().state in ACTIVE:
            raise ConfigError(f"promote_as: run {run.id} will be promoted as {name!r}; choose another name.")


# --- weights ----------------------------------------------------------------------------------------------------------


def _check_lflseg(workspace: Workspace, config: Any, value: str, what: str = "model") -> Checked:
    del config
    ref, checkpoint, used = pin(workspace, value)
    if checkpoint is not None and checkpoint.card.recipe != "lflseg":
        raise CheckpointError(f"{what}: {value} is a {checkpoint.card.recipe} model, expected an lflseg model.")
    return ref, used


def _check_init(workspace: Workspace, config: Any, value: str) -> Checked:
    if config.init_file is not None:
        return check_file(workspace, config, value)
    return _check_lflseg(workspace, config, value, "init")


def _check_start(workspace: Workspace, config: Any, value: str) -> Checked:
    if config.init_path is not None:
        return check_saved(workspace, config, value)
    return _check_translator(workspace, config, value, "init")


def _check_translator(workspace: Workspace, config: Any, value: str, what: str = "model") -> Checked:
    del config
    ref, checkpoint, used = pin(workspace, value)
    if checkpoint is not None and not checkpoint.is_translator:
        recipe = checkpoint.card.recipe
        raise CheckpointError(f"{what}: {value} is a {recipe} model, expected a LeafGAN or CycleGAN model.")
    return ref, used


def _check_plan(workspace: Workspace, config: Any, value: tuple[Part, ...]) -> Checked:
    """Pin what each part names as if it were made alone."""
    pinned: list[Part] = []
    used: list[str] = []
    for number, (part, alone) in enumerate(zip(value, config.parts(), strict=True), start=1):
        try:
            checked, uses = check(workspace, alone)
        except InputError as error:
            raise type(error)(f"plan: part {number}: {error}") from None
        names = ("chain", "checkpoint", "masks", "judge", "leaf_model")
        pinned.append(part.model_copy(update={name: getattr(checked, name) for name in names}))
        used += uses
    return tuple(pinned), used


def _check_noise_model(workspace: Workspace, config: Any, value: str) -> Checked:
    ref, checkpoint, used = pin(workspace, value)
    if checkpoint is not None and checkpoint.is_prompt_model:
        require_heeded_by_prompt(config, prompt_facts(checkpoint))
        _require_base(workspace, checkpoint, config.base)
    elif checkpoint is not None:
        facts = noise_facts(checkpoint)
        facts.require_label(config.label)
        require_heeded_by_noise(config, facts)
    return ref, used


def _require_base(workspace: Workspace, checkpoint: Checkpoint, given: str) -> None:
    """Refuse now, and not when the run begins, to draw with a base whose license nobody accepted."""
    with suppress(CheckpointError):  # whether the same one is elsewhere takes long to tell
        require_accepted(workspace, open_base(workspace, given or prompt_facts(checkpoint).base))


def _check_prompt_models(workspace: Workspace, config: Any, value: tuple[str, ...]) -> Checked:
    """Look up models that draw together with `checkpoint`."""
    pins = [pin(workspace, ref) for ref in (config.checkpoint, *value)] if value else []
    there = [prompt_facts(checkpoint) for _, checkpoint, _ in pins if checkpoint is not None]
    if len(there) > 1:
        taught_together(there)
    return tuple(ref for ref, _, _ in pins[1:]), [run_id for _, _, used in pins[1:] for run_id in used]


def _check_leaf_model(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose the LFLSeg model of a verification now: the newest checkpoint, the shipped one if there is no other."""
    is_asked = config.verify == "yes" or (config.verify == "auto" and (config.checkpoint or draws(workspace, config)))
    if value == NO_JUDGE or not is_asked:
        return value, []
    if value == AUTO:
        found = list_checkpoints(workspace, "lflseg")
        if not found:
            return NO_JUDGE, []
        value = max(found, key=lambda one: (not one.shipped, one.card.created)).ref
    return _check_lflseg(workspace, config, value, "leaf_model")


def _check_noise_judge(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose the judge of pictures from noise now; see `_check_judge`."""
    if value == NO_JUDGE:
        return value, []
    if not config.checkpoint:
        return _check_judge_of_chain(workspace, config, value)
    _, checkpoint, _ = pin(workspace, config.checkpoint)
    if checkpoint is None:  # what it will make is known once it is trained
        return (NO_JUDGE, []) if value == AUTO else _pin_judge(workspace, value, [])
    others = [other for _, other, _ in (pin(workspace, ref) for ref in config.also) if other is not None]
    facts = taught_together([prompt_facts(one) for one in (checkpoint, *others)]) if others else made_of(checkpoint)
    label_sets = given_labels(facts, config.label, config.source)
    if value == AUTO:
        found = newest_judge(workspace, facts.dataset, label_sets)
        if found is None:
            return NO_JUDGE, []
        value = found.ref
    return _pin_judge(workspace, value, label_sets)


def _check_judge_of_chain(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose the judge of translations now, if they are verified."""
    if config.verify == "no":
        return value, []
    there = steps_there(workspace, config)
    label_sets = [label_set(config.source)]
    if len(there) == len(config.chain):  # what a step will make is known once it is trained
        label_sets.append(chain_labels(config.source, there, config.label_rule, config.custom_label))
    if value == AUTO:
        found = newest_judge(workspace, load(workspace, config.dataset).ref, label_sets)
        if found is None:
            return NO_JUDGE, []
        value = found.ref
    return _pin_judge(workspace, value, label_sets)


def _check_judge(workspace: Workspace, config: Any, value: str) -> Checked:
    """Choose the judge now, so that a run that waits or resumes has the same one for all its epochs."""
    if value == NO_JUDGE:
        return value, []
    run = open_run(workspace, config.run)
    settings = run.record.settings
    if is_translation(run.kind):
        labels = [label_set(settings[name]) for name in ("a", "b")]
    else:
        labels = list(learned_pictures(load(workspace, settings["dataset"]), settings["labels"])[0])
    if value == AUTO:
        found = newest_judge(workspace, settings["dataset"], labels)
        if found is None:
            return NO_JUDGE, []
        value = found.ref
    return _pin_judge(workspace, value, labels)


def _pin_judge(workspace: Workspace, value: str, labels: list[str]) -> Checked:
    ref, checkpoint, used = pin(workspace, value)
    if checkpoint is not None:
        if checkpoint.card.recipe != "classifier":
            raise CheckpointError(f"judge: {value} is a {checkpoint.card.recipe} model, expected a classifier.")
        unknown = [one for one in labels if not can_name(checkpoint, one)]
        if unknown:
            raise CheckpointError(f"judge: {value} cannot name {' or '.join(unknown)}; choose a classifier that can.")
    return ref, used


def _check_teacher(workspace: Workspace, config: Any, value: str, what: str = "teacher") -> Checked:
    if not is_pending(workspace, config.run):
        require_unlabelled(open_synthetic_set(workspace, config.run))
    ref, checkpoint, used = pin(workspace, value)
    if checkpoint is not None:
        require_teacher(checkpoint, load(workspace, config.dataset), what)
    return ref, used


def _check_generator_run(workspace: Workspace, config: Any, value: str) -> Checked:
    run = open_run(workspace, value)
    if not is_generative(run.kind):
        raise ConfigError(
            f"run: {run.id} is a {run.kind} run, expected one that trained a translation or a noise model."
        )
    if config.direction != "ab" and not is_translation(run.kind):
        raise ConfigError(f"direction: got {config.direction!r}, but {run.id} makes pictures from noise; leave it out.")
    if not epochs(run.folder) and not is_pending(workspace, value):
        raise NotFoundError(f"run: {run.id} is {run.status().state} and has saved no weights to score.")
    return run.id, [run.id]


# --- what else a config names -----------------------------------------------------------------------------------------


def _check_labels(workspace: Workspace, config: Any, value: str) -> Checked:
    dataset = load(workspace, config.dataset)
    require_known(value, dataset.label_sets, dataset.ref)
    return value, []


def _check_label_sets(workspace: Workspace, config: Any, value: tuple[str, ...]) -> Checked:
    as_classes = getattr(config, "conditional", "none") != "none"
    learned_pictures(load(workspace, config.dataset), value, as_classes=as_classes)
    return value, []


def _check_base(workspace: Workspace, config: Any, value: str) -> Checked:
    return admit(workspace, value, accepting=getattr(config, "accept_license", False)), []


def _check_device(workspace: Workspace, config: Any, value: str) -> Checked:
    del workspace, config
    known = ["auto", *reversed(devices.lane_names())]
    if value not in known:
        raise ConfigError(f"device: got {value!r}, expected one of {', '.join(known)}.")
    return value, []


def _check_tracker(workspace: Workspace, config: Any, value: Any) -> Checked:
    del workspace, config
    require_tracker(value)
    return value, []


def _check_synthetics(workspace: Workspace, config: Any, value: tuple[str, ...]) -> Checked:
    del config
    for run_id in value:
        if not is_pending(workspace, run_id):
            open_synthetic_set(workspace, run_id)
    return value, list(value)


def _check_synthetic(workspace: Workspace, config: Any, value: str) -> Checked:
    return value, _check_synthetics(workspace, config, (value,))[1]


def _check_recipe_settings(workspace: Workspace, config: Any, value: dict[str, Any]) -> Checked:
    """Look up what the run that a pre-flight is for names, and pin it as the run's own check does."""
    checked, used = check(workspace, RECIPES[config.recipe].config.build(value))
    return checked.model_dump(mode="json"), list(used)


def _if_given(check: Callable[[Workspace, Any, Any], Checked]) -> Callable[[Workspace, Any, Any], Checked]:
    """Look up only what is named: these settings may stay empty."""
    return lambda workspace, config, value: check(workspace, config, value) if value else (value, [])


_CHECKS: dict[str, Callable[[Workspace, Any, Any], Checked]] = {
    "label_set": _check_labels,
    "label_sets": _check_label_sets,
    "masks": check_masks,
    "lflseg": _check_lflseg,
    "translator": _check_translator,
    "translators": check_translators,
    "plan": _check_plan,
    "noise_model": _if_given(_check_noise_model),
    "prompt_models": _check_prompt_models,
    "leaf_model": _check_leaf_model,
    "noise_judge": _check_noise_judge,
    "teacher": _check_teacher,
    "co_teacher": _if_given(partial(_check_teacher, what="co_teacher")),
    "synthetics": _check_synthetics,
    "synthetic": _check_synthetic,
    "corrections": check_corrections,
    "generator_run": _check_generator_run,
    "judge": _check_judge,
    "set_judge": check_set_judge,
    "base": _if_given(_check_base),
    "device": _check_device,
    "tracker": _check_tracker,
    "folder": check_folder,
    "source": check_source,
    "file": check_file,
    "picture": check_picture,
    "saved": check_saved,
    "init": _if_given(_check_init),
    "start": _if_given(_check_start),
    "target": check_target,
    "weights_target": check_weights_target,
    "recipe_settings": _check_recipe_settings,
    "domain": _if_given(_check_labels),
    "mask_set": _if_given(check_masks),
    "chain_masks": check_chain_masks,
    "nonleaf": _if_given(check_folder),
    "probe_masks": check_probe_masks,
    "comparison": check_comparison,
    "classifier": check_classifier,
    "pictures": check_pictures,
}
