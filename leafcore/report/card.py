"""The model card of a comparison's classifiers, and the REFORMS sheet; what nobody recorded is left visibly blank.

Model card: Mitchell et al. 2019, "Model cards for model reporting". REFORMS: Kapoor et al. 2024, "REFORMS:
Consensus-based recommendations for machine-learning-based science", Science Advances 10(18), its 32 items in our words.
"""

from dataclasses import dataclass

from leafcore.data.classes import MEANING
from leafcore.data.labels import words
from leafcore.evaluate.configs import BASELINE
from leafcore.export.cards import BLANK
from leafcore.report.facts import Facts

REFORMS = {
    "1a": "Population that the claim is about",
    "1b": "Why this population",
    "1c": "Why machine learning",
    "2a": "Dataset, and where it can be had",
    "2b": "Code, and its version",
    "2c": "What computed",
    "2d": "Instructions to repeat it",
    "2e": "Script that repeats it",
    "3a": "Sources of the data, and who labelled them",
    "3b": "What the data are a sample of",
    "3c": "Why these data suit the task",
    "3d": "What is predicted, and how it is distributed",
    "3e": "How many samples",
    "3f": "What is missing",
    "3g": "Why the sample represents the population",
    "4a": "What was left out, and why",
    "4b": "How impossible or broken samples are treated",
    "4c": "How the data were transformed",
    "5a": "The model",
    "5b": "Why this model",
    "5c": "How it was evaluated",
    "5d": "How it was chosen",
    "5e": "How its settings were chosen",
    "5f": "What it is compared with",
    "6a": "What keeps train and test apart",
    "6b": "Duplicates and dependencies between them",
    "6c": "Is every feature legitimate?",
    "7a": "Scores, and why these",
    "7b": "Their uncertainty",
    "7c": "Tests, and what they assume",
    "8a": "Does it hold elsewhere?",
    "8b": "Where it is not expected to hold",
}


@dataclass(frozen=True)
class Section:
    """A part of a card.

    Attributes:
        title: Its heading.
        rows: What is asked, and the answer; `BLANK` where nobody knows.
    """

    title: str
    rows: tuple[tuple[str, str], ...]


def model_card(facts: Facts) -> list[Section]:
    """Return the model card of the classifiers that were compared."""
    config, found = facts.config, facts.found
    classes = facts.looking.classes
    kind = "a softmax: each picture is of one class" if classes.exclusive else "a sigmoid per label"
    details = (
        ("Model", f"{config.backbone}, {'ImageNet weights, fine-tuned' if config.pretrained else 'from scratch'}"),
        ("Tells apart", f"{', '.join(map(words, classes.names))}; {kind}; {MEANING[found.label_policy]}"),
        ("Input", f"pictures squashed to {config.size_px} × {config.size_px} px"),
        (
            "Training",
            f"{config.steps} steps of {config.batch_size} pictures, AdamW, learning rate {config.learning_rate:g}",
        ),
        ("Seeds", f"{', '.join(map(str, facts.seeds))}: {len(found.arms)} × {config.seeds} classifiers"),
        ("Code", facts.run.record.code_version),
        ("Licence", f"as the pictures it was trained on: {facts.dataset.card.license or BLANK}"),
        ("Contact", BLANK),
    )
    use = (
        ("Intended use", "Studying whether synthetic pictures help a classifier of leaf diseases."),
        ("Not intended", "Not for field diagnosis without validation."),
        ("Users", BLANK),
    )
    data = (
        (
            "Training data",
            "; ".join(f"{one.title or arm}: {one.train_images} pictures" for arm, one in found.arms.items()),
        ),
        ("Evaluation data", f"{found.test_images} test pictures in {found.test_groups} groups of {found.dataset}"),
        ("Factors (field, camera, season)", _factors(facts)),
    )
    measures = (
        ("Scores", "precision, recall, F1, AUROC and average precision, by label, macro and micro; subset accuracy"),
        ("Thresholds", "chosen on validation pictures" if not classes.exclusive else "none: the most probable class"),
        ("Uncertainty", "95 % percentile bootstrap of groups, paired across arms, hierarchical over seeds"),
        ("Results", found.verdict),
    )
    limits = (
        ("Shortcuts", facts.probes.sentence if facts.probes else f"not looked for: {BLANK}"),
        ("Other fields, cameras, seasons", BLANK),
        ("Harm if it is wrong", BLANK),
    )
    return [
        Section("Model", details),
        Section("Intended use", use),
        Section("Data", data),
        Section("Measures", measures),
        Section("Limits", limits),
    ]


def _factors(facts: Facts) -> str:
    """Return by what test pictures are told apart; blank where no file says."""
    told = facts.found.arms[BASELINE].parts
    return f"test pictures by {' and by '.join(told)}: parts.csv; others: {BLANK}" if told else BLANK


def reforms_sheet(facts: Facts) -> Section:
    """Return the REFORMS sheet, answered as far as the workspace knows."""
    known = {**_data_answers(facts), **_model_answers(facts)}
    return Section("REFORMS", tuple((f"{key}. {asked}", known.get(key, BLANK)) for key, asked in REFORMS.items()))


def _data_answers(facts: Facts) -> dict[str, str]:
    dataset, found = facts.dataset, facts.found
    card = dataset.card
    counts = {split: int((dataset.records["split"] == split).sum()) for split in ("train", "val", "test")}
    split = ", ".join(f"{name} {value}" for name, value in card.settings.items() if value not in ("", None))
    excluded = sum(one.action == "exclude" for one in card.decisions)
    sets = ", ".join(f"{words(labels)} {count}" for labels, count in dataset.label_sets.items())
    return {
        "2a": f"{found.dataset}, imported from {card.source or BLANK}; DOI: {BLANK}",
        "2b": f"Leaf Workbench {facts.run.record.code_version}",
        "2c": f"{facts.device or BLANK}; GPU {facts.surrounding('gpu')}; libraries {facts.surrounding('libraries')}",
        "2d": "README of Leaf Workbench, and the section Replay",
        "2e": "replay/replay.sh of this report",
        "3a": f"{card.format} from {card.source or BLANK}; when, where and labelled by whom: {BLANK}",
        "3d": f"labels of a picture: {sets}",
        "3e": f"{counts['train']} train, {counts['val']} validation, {counts['test']} test pictures",
        "4a": f"{excluded} pictures excluded by hand, {len(card.skipped)} skipped at import",
        "4b": "files that cannot be read are skipped and named; labels that disagree are reported, not resolved",
        "4c": f"squashed to {facts.config.size_px} px; only train pictures are augmented",
        "6a": f"split by group (leaf, plant, duplicates){f': {split}' if split else ''}; test {found.test_hash[:12]}",
        "6b": _dependencies(facts),
    }


def _dependencies(facts: Facts) -> str:
    sides = facts.dataset.records.groupby("group")["split"].nunique()
    leaks = facts.found.leaks
    models = "clean" if leaks.is_clean else leaks.explain()
    overlap = facts.found.overlap
    return (
        f"{len(sides)} groups, {int((sides > 1).sum())} in two splits; "
        f"{overlap.finding if overlap else f'near-duplicates across the split not looked for: {BLANK}'}; "
        f"models behind the synthetic pictures: {models}"
    )


def _model_answers(facts: Facts) -> dict[str, str]:
    config, found = facts.config, facts.found
    others = ", ".join(score.title or arm for arm, score in found.arms.items() if arm != BASELINE)
    probed = f"shortcut probes: {facts.probes.sentence}" if facts.probes else BLANK
    return {
        "5a": f"{config.backbone}, {config.steps} AdamW steps, one classifier per arm and seed",
        "5c": f"on {found.test_images} test pictures that nothing was chosen by; opened {found.test_opened} times",
        "5d": "the weights with the highest macro-F1 on validation pictures; the arm likewise",
        "5e": f"the same for all arms; why these: {BLANK}",
        "5f": f"real pictures alone against {others}, at equal optimizer steps",
        "6c": probed,
        "7a": "macro-F1, for rare classes count as much as common ones; all others are in the tables",
        "7b": "95 % bootstrap of groups, paired across arms; every seed shown",
        "7c": "McNemar per seed, exact below 25 discordant pictures, Holm over labels; covers test sampling only",
    }


def card_text(sections: list[Section], title: str) -> str:
    """Return cards as Markdown."""
    lines = [f"# {title}", ""]
    for section in sections:
        lines += [f"## {section.title}", "", *(f"- **{asked}:** {answer}" for asked, answer in section.rows), ""]
    return "\n".join(lines)
