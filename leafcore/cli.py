"""The command line: a thin face of the verbs.

Flags come from the configs' fields, so a command, a form and a request to the API cannot disagree. `--json` prints one
object on stdout and nothing else. Exit code 0: done; 2: wrong input, one line on stderr; 1: a failure of ours.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from leafcore.base_commands import add_bases
from leafcore.chain_commands import add_chains
from leafcore.checkpoints import list_checkpoints, promote
from leafcore.checks import check
from leafcore.config import Config
from leafcore.data import balance
from leafcore.data.manifest import load
from leafcore.data.targets import parse_target
from leafcore.demo import COUNTS, demo
from leafcore.doctor import diagnose
from leafcore.errors import ConfigError, LeafError, Stopped, as_leaf_error
from leafcore.export.configs import ExportConfig
from leafcore.export.contents import plan_export
from leafcore.export.verifying import verify
from leafcore.files import write_atomic, write_bytes
from leafcore.flags import FLAGS, Parser, add_fields, text_of
from leafcore.jobs import build_config, choose_lane, execute, submit, work
from leafcore.latent_commands import add_latent_tools
from leafcore.plan import plan_dataset
from leafcore.questions import IDLE_S
from leafcore.report_commands import add_replay
from leafcore.result_tables import TABLES, scores
from leafcore.review_commands import add_recipe, add_review
from leafcore.runs import Run, list_runs, open_run
from leafcore.steering import add_steering
from leafcore.terminal import TerminalProgress, plain
from leafcore.train.configs import RECIPES
from leafcore.train.targets import per_target
from leafcore.workspace import Workspace

Answer = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    as_json = "--json" in (sys.argv[1:] if argv is None else argv)
    try:
        arguments = build_parser().parse_args(argv)
        answer = arguments.call(arguments, Workspace(getattr(arguments, "workspace", None)))
    except LeafError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(as_leaf_error(error) or f"The system refused: {error}.", file=sys.stderr)
        return 1
    except (Stopped, KeyboardInterrupt) as ended:
        print(str(ended) or "Stopped; what was made so far is saved.", file=sys.stderr)
        return 1
    if isinstance(answer, int):
        return answer
    code = int(answer.pop("exit_code", 0))
    print(json.dumps(answer) if as_json else plain(answer))
    return code


def build_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="leafcore", description="Leaf Workbench: balance leaf-disease datasets with synthetic pictures."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, summary: str, call: Callable[..., Any], group: Any = commands) -> Parser:
        added: Parser = group.add_parser(name, help=summary, description=summary)
        added.add_argument(
            "--workspace", default=argparse.SUPPRESS, metavar="PATH", help="Where datasets, runs and checkpoints are."
        )
        added.add_argument("--json", action="store_true", help="Print one JSON object and nothing else.")
        added.set_defaults(call=call)
        return added

    added = command("demo", "Go the whole journey on drawn leaves, on the CPU.", _demo)
    added.add_argument("--preset", default="smoke", help=f"{' or '.join(COUNTS)} (default smoke).")
    added.add_argument("--seed", type=int, default=0, help="Seed of everything (default 0).")
    command("doctor", "Say what is installed, which devices there are, and what to mend.", _doctor)
    own_answers = {
        "export": _export, "score": _score, "predict": _predict, **dict.fromkeys(TABLES, _tabled),
    }  # fmt: skip
    for kind in (
        "import", "render", "split", "scarce", "write", "health", "embed", "adopt", "masks", "score", "synthesize",
        "pseudo-label", "reproduce", "export", "write-weights", "evaluate", "probes", "report", "quality", "realfake",
        "scarcity", "predict",
    ):  # fmt: skip
        added = command(kind, _summary(kind), own_answers.get(kind, _carry_out))
        add_fields(added, kind)
        if kind == "export":
            added.add_argument("--to", type=Path, metavar="PATH.zip", help="Also put the ZIP here.")
            added.add_argument("--dry-run", action="store_true", help="Only say what it would hold, and its size.")
        if kind == "predict":
            added.add_argument("--to", type=Path, metavar="FILE.csv", help="Also put the table here.")
    added = command("verify", "Check the ZIP of an export: rows, files, checksums.", _verify)
    added.add_argument("zip", type=Path, metavar="PATH.zip")
    train = command("train", "Train a recipe.", _carry_out)
    recipes = train.add_subparsers(required=True, metavar="RECIPE", parser_class=Parser)
    for recipe, entry in RECIPES.items():
        added = command(recipe, entry.makes, _train, recipes)
        add_fields(added, recipe)
        added.add_argument("--resume", metavar="RUN", help="Go on with this run instead; other settings are its own.")
    trial = command(
        "preflight", "Try a training run out: its time, its memory, its disk; then train it or not.", _check
    )
    recipes = trial.add_subparsers(required=True, metavar="RECIPE", parser_class=Parser, help="What would be trained.")
    for recipe, entry in RECIPES.items():
        added = command(recipe, entry.makes, _check, recipes)
        add_fields(added, recipe)
        added.add_argument("--queue", action="store_true", help="Queue the run for the server if all is well.")
    added = command("promote", "Make an epoch of a run available to the Studio, under a name.", _promote)
    added.add_argument("run", metavar="RUN")
    added.add_argument("--epoch", type=int, help="Which epoch (default: the last saved one).")
    added.add_argument("--name", required=True, help="What to call it.")
    added.add_argument("--replace", action="store_true", help="Overwrite the checkpoint that has this name.")
    added.add_argument("--half", action="store_true", help="Keep the weights in 16 bits, at half the size.")
    added = command("balance", "Count a dataset's pictures, and plan what to make so that it is balanced.", _balance)
    added.add_argument("dataset", metavar="NAME", help="Which dataset, or name@version.")
    target = "Train pictures of every label set: largest, median, study or a number (default median)."
    added.add_argument("--target", default="median", metavar="largest|median|study|N", help=target)
    added.add_argument("--cap", type=int, metavar="N", help="Instead: as many of each, sources being replaced.")
    added.add_argument("--make", action="store_true", help="Make what the plan says, as one set.")
    added.add_argument("--skip", action="store_true", help="With --make: leave out what no generator makes.")
    command("checkpoints", "List promoted and shipped checkpoints.", _checkpoints)
    command("runs", "List runs, newest first.", _runs)
    added = command("resume", "Go on, here, with a run that stopped, paused, failed or was interrupted.", _resume)
    added.add_argument("run", metavar="RUN")
    command("show", "Show how a run stands and what it made.", _show).add_argument("run", metavar="RUN")
    add_bases(command)
    add_chains(command)
    add_steering(command)
    add_latent_tools(command)
    add_review(command)
    add_recipe(command)
    add_replay(command, lambda workspace, kind, config: _execute(workspace, submit(workspace, kind, config)))
    added = command("worker", "Carry a queued run out, as the server's lanes do.", _worker)
    added.add_argument("run", metavar="RUN")
    added.add_argument("--lane", default="cpu", help="Where it computes (default cpu).")
    added = command("answer", "Answer the server's interactive questions, as its warm worker does.", _answer)
    added.add_argument("--idle", type=float, default=IDLE_S, metavar="S", help=f"End after so long (default {IDLE_S}).")
    return parser


def _summary(kind: str) -> str:
    return {
        "import": "Import a dataset: folders, a table, translation domains, or a ZIP of these.",
        "render": "Draw the sample dataset: leaves of our own making, with exact masks.",
        "split": "Split a dataset again: other shares, other groups, folds, or one group left out.",
        "scarce": "Make a dataset that keeps at most so many pictures of each label set.",
        "write": "Write a dataset as files that other programs read.",
        "health": "Look for pictures that are there twice, labels that disagree, and odd files.",
        "embed": "Draw the map of a dataset; find pictures that are alike and labels that are suspect.",
        "adopt": "Take in weights that others published, such as LeafGAN's LFLSeg or CycleGAN's generators.",
        "write-weights": "Write a translator's networks as CycleGAN's and LeafGAN's own code loads them.",
        "masks": "Make a mask for every picture of a dataset.",
        "score": "Score the epochs of a translation or a noise model against real pictures, and recommend one.",
        "synthesize": "Translate train pictures through a chain of checkpoints, or make pictures from noise.",
        "pseudo-label": "Let a classifier label pictures from noise, and keep those that it is sure of.",
        "reproduce": "Make a synthetic picture again from its recipe, and say whether the pixels are the same.",
        "export": "Pack a synthetic set into a ZIP, alone or among the real pictures.",
        "evaluate": "Compare classifiers with and without synthetic pictures.",
        "probes": "Look for shortcuts: see how well the background or the border alone tells the classes.",
        "report": "Report a comparison: a page that needs no network, tables, a model card, a replay.",
        "predict": "Let a trained classifier name pictures: labels with probabilities, as a table.",
        "quality": "Measure how like real pictures synthetic sets are, how varied, and whether they repeat any.",
        "realfake": "Let a linear probe and a network tell synthetic sets from photographs, on held-out pictures.",
        "scarcity": "Make a dataset scarce, learn from what is left, generate, pseudo-label, and see whether it helps.",
    }[kind]


# --- settings ---------------------------------------------------------------------------------------------------------


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    values = {key.removeprefix("set_"): value for key, value in vars(arguments).items() if key.startswith("set_")}
    if values.get("plan", "[").lstrip()[:1] not in {"[", "{"}:  # no JSON, so where some is
        values["plan"] = text_of(Path(values["plan"]), "--plan")
    return values


def _config(arguments: argparse.Namespace, values: dict[str, Any] | None = None) -> Config:
    """Return the settings that were given; what is wrong with one is said of it by the name it has here."""
    values = _given(arguments) if values is None else values
    try:
        return build_config(arguments.kind, values, getattr(arguments, "preset", None))
    except ConfigError as error:
        name, _, rest = str(error).partition(":")
        named = FLAGS.get((arguments.kind, name))
        if named is None:
            raise
        raise ConfigError(f"{named.metavar if named.flag == name else named.flag}:{rest}") from None


# --- commands ---------------------------------------------------------------------------------------------------------


def _carry_out(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    """Submit a run and carry it out here."""
    return _execute(workspace, submit(workspace, arguments.kind, _config(arguments)))


def _resume(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    """Go on with a run here, and answer as the command would that began it."""
    run = open_run(workspace, arguments.run)
    answer = _go_on(workspace, run)
    return answer if arguments.json or run.kind not in TABLES else TABLES[run.kind](answer)


def _go_on(workspace: Workspace, run: Run) -> Answer:
    if run.status().state != "queued":
        run.requeue()
    return _execute(workspace, run)


def _configs(arguments: argparse.Namespace) -> list[Config]:
    """Return the settings of each training run that was asked for: one per target domain."""
    values = _given(arguments)
    targets = values.pop("b", [])
    return [_config(arguments, run) for run in (per_target(values, targets) if targets else [values])]


def _train(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    """Train; several target domains one after another, each whatever became of the one before."""
    if arguments.resume:
        run = open_run(workspace, arguments.resume)
        if run.kind != arguments.kind:
            raise ConfigError(f"resume: run {run.id} is a {run.kind} run, expected a {arguments.kind} run.")
        return _go_on(workspace, run)
    return _one_by_one(workspace, _submitted(workspace, arguments.kind, _configs(arguments)))


def _check(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    """Try training runs out."""
    shared = {"recipe": arguments.kind, "queue": arguments.queue}
    every = [{**shared, "settings": config.model_dump(mode="json")} for config in _configs(arguments)]
    return _one_by_one(
        workspace, _submitted(workspace, "preflight", [build_config("preflight", values) for values in every])
    )


def _submitted(workspace: Workspace, kind: str, configs: list[Config]) -> list[Run]:
    """Submit runs; none if one of them is wrong."""
    for config in configs:
        check(workspace, config)
    return [submit(workspace, kind, config) for config in configs]


def _one_by_one(workspace: Workspace, runs: list[Run]) -> Answer:
    """Carry runs out; the answer is the one's, or each one's."""
    if len(runs) == 1:
        return _execute(workspace, runs[0])
    answers: list[Answer] = []
    code = 0
    for run in runs:
        try:
            answers.append(_execute(workspace, run))
        except LeafError as error:
            code = error.exit_code
            answers.append({"run": run.id, "path": str(run.folder), "error": str(error)})
    return {"runs": answers, "exit_code": code}


def _execute(workspace: Workspace, run: Run) -> Answer:
    try:
        with TerminalProgress(run.folder) as echo:
            result = execute(workspace, run, lane=choose_lane(run), owner="cli", echo=echo)
    except (Stopped, KeyboardInterrupt):
        saved = f"Stopped; what was made so far is saved. `leafcore resume {run.id}` goes on with it."
        raise Stopped(saved) from None
    return {"run": run.id, "path": str(run.folder), **result}


def _export(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    target = _target(arguments.to, "leaves.zip")
    if arguments.dry_run:
        return plan_export(ExportConfig.build(_given(arguments)), workspace).model_dump(mode="json")
    answer = _carry_out(arguments, workspace)
    if target is None:
        return answer
    with Path(answer["zip"]).open("rb") as packed:
        write_atomic(target, lambda file: shutil.copyfileobj(packed, file))
    return {**answer, "zip": str(target)}


def _target(to: Path | None, example: str) -> Path | None:
    """Return where a copy of what a run makes is wanted, if it is."""
    target = None if to is None else to.expanduser().resolve()
    if target is not None and target.is_dir():
        raise ConfigError(f"to: {target} is a folder, expected a file's name, such as {target / example}.")
    return target


def _predict(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    target = _target(arguments.to, "labels.csv")
    answer = _carry_out(arguments, workspace)
    if target is None:
        return answer
    write_bytes(target, Path(answer["csv"]).read_bytes())
    return {**answer, "csv": str(target)}


def _verify(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    del workspace
    return verify(arguments.zip.expanduser().resolve()).model_dump(mode="json")


def _score(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    """Score one run's epochs, or those of several runs, side by side."""
    asked = [argparse.Namespace(**{**vars(arguments), "set_run": run}) for run in arguments.set_run]
    answers = [_carry_out(one, workspace) for one in asked]
    if arguments.json:
        return answers[0] if len(answers) == 1 else {"runs": answers}
    return scores(answers)


def _tabled(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    """Carry out what answers people by tables."""
    answer = _carry_out(arguments, workspace)
    return answer if arguments.json else TABLES[arguments.kind](answer)


def _demo(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    def carry_out(kind: str, config: Config) -> Run:
        run = submit(workspace, kind, config)
        _execute(workspace, run)
        return run

    return demo(arguments.preset, arguments.seed, carry_out).model_dump(mode="json")


def _doctor(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    del arguments
    diagnosis = diagnose(workspace)
    return {**diagnosis.model_dump(mode="json"), "ok": diagnosis.ok, "exit_code": 0 if diagnosis.ok else 1}


def _promote(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    epoch, replace = arguments.epoch, arguments.replace
    checkpoint = promote(workspace, arguments.run, arguments.name, epoch=epoch, replace=replace, half=arguments.half)
    return {"path": str(checkpoint.folder), **checkpoint.card.model_dump(mode="json")}


def _balance(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    dataset = load(workspace, arguments.dataset)
    plan = plan_dataset(workspace, dataset, parse_target(arguments.target), arguments.cap)
    if arguments.skip and not arguments.make:
        raise ConfigError("skip: says what --make leaves out; ask for --make too.")
    if arguments.make:
        config = build_config("synthesize", plan.settings(dataset, skip=arguments.skip))
        return _execute(workspace, submit(workspace, "synthesize", config))
    told = plan.model_dump(mode="json") if arguments.json else {row.labels: row.sentence() for row in plan.rows}
    return {**balance.summary(dataset), "plan": told or plan.sentence()}


def _checkpoints(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    del arguments
    listed = list_checkpoints(workspace)
    return {"checkpoints": [{**part.card.model_dump(mode="json"), "path": str(part.folder)} for part in listed]}


def _runs(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    del arguments
    rows = []
    for run in list_runs(workspace):
        status = run.status()
        rows.append({"run": run.id, "kind": run.kind, "title": run.record.title, "state": status.state})
    return {"runs": rows}


def _show(arguments: argparse.Namespace, workspace: Workspace) -> Answer:
    run = open_run(workspace, arguments.run)
    return {
        "run": run.id,
        "path": str(run.folder),
        "record": run.record.model_dump(mode="json"),
        "status": run.status().model_dump(mode="json"),
        "result": run.result(),
    }


def _worker(arguments: argparse.Namespace, workspace: Workspace) -> int:
    return work(workspace, arguments.run, arguments.lane)


def _answer(arguments: argparse.Namespace, workspace: Workspace) -> int:
    from leafcore.answers import serve  # loads torch, which no other command does at once

    return serve(workspace, arguments.idle)
