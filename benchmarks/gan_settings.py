"""What each setting beyond the paper is worth: short LeafGAN runs that differ in one, scored as the epoch picker does.

    python -m benchmarks.gan_settings --dataset field --masks RUN [--workspace PATH] [--steps 1500] [--size 64]

Prints JSON: the scores of each run's last epoch, and in which of them it is told apart from the paper's setting. All
runs have the same seed and are scored on the same validation pictures. They are kept, and a finished one is not trained
again: a benchmark that was broken off goes on.
"""

import argparse
import json
import math
from typing import Any

from leafcore.checks import check
from leafcore.config import Config
from leafcore.data.manifest import domain, load
from leafcore.jobs import build_config, choose_lane, execute, submit
from leafcore.pick.recommend import apart
from leafcore.pick.scores import MEASURES, Score, ScoreResult, told
from leafcore.runs import RESUMABLE, Run, list_runs
from leafcore.terminal import TerminalProgress
from leafcore.workspace import Workspace

SETTINGS: dict[str, dict[str, Any]] = {
    "paper": {},
    "resize": {"upsampling": "resize"},
    "residual": {"residual": True},
    "blend": {"blend": True},
    "ema": {"ema_decay": 0.999},
    "aided": {"discriminator": "aided"},
    "together": {  # what the field run that convinces was trained with
        "upsampling": "resize", "residual": True, "blend": True, "ema_decay": 0.99, "weight_cycle": 1.0,
        "weight_identity": 0.1,
    },
}  # fmt: skip
BATCH = 1  # as published


def configured(workspace: Workspace, asked: argparse.Namespace, settings: dict[str, Any]) -> Config:
    """Return a LeafGAN's settings for so many steps, in whole epochs; the last one is saved."""
    dataset = load(workspace, asked.dataset)
    longer = max(len(domain(dataset, labels, "train")) for labels in (asked.a, asked.b))
    per_epoch = min(math.ceil(longer / BATCH), asked.steps)
    epochs = round(asked.steps / per_epoch)
    values = {
        "dataset": dataset.ref,
        "masks": asked.masks,
        "a": asked.a,
        "b": asked.b,
        "size_px": asked.size,
        "filters": asked.filters,
        "batch_size": BATCH,
        "epochs": epochs,
        "epochs_decay": 0,
        "max_steps_per_epoch": per_epoch,
        "save_every": epochs,
        "log_every": 10,
        "seed": asked.seed,
        "device": asked.device,
        **settings,
    }
    return build_config("leafgan", values, preset="draft")


def trained(workspace: Workspace, config: Config, name: str) -> Run:
    """Return the finished run of some settings, trained now if there is none."""
    wanted = check(workspace, config)[0].digest()
    alike = (run for run in list_runs(workspace, "leafgan") if run.record.config_hash == wanted)
    run = next(alike, None) or submit(workspace, "leafgan", config, title=f"{name} of gan_settings")
    if run.status().state in RESUMABLE:
        run.requeue()
    if run.status().state == "queued":
        carry_out(workspace, run)
    return run


def carry_out(workspace: Workspace, run: Run) -> dict[str, Any]:
    """Carry a run out here, with a progress bar."""
    with TerminalProgress(run.folder) as echo:
        return execute(workspace, run, lane=choose_lane(run), owner="cli", echo=echo)


def scored(workspace: Workspace, run: Run, asked: argparse.Namespace) -> ScoreResult:
    """Return the scores of a run's last epoch."""
    values = {"run": run.id, "epochs": (run.result()["epochs"],), "judge": asked.judge, "device": asked.device}
    return ScoreResult.model_validate(carry_out(workspace, submit(workspace, "score", build_config("score", values))))


def verdicts(ours: dict[str, Score], papers: dict[str, Score]) -> dict[str, str]:
    """Return "better", "worse" or "no different" than the paper's setting, by measure."""
    said = {}
    for key in ours.keys() & papers.keys() - {"inside"}:  # more change on the leaf is neither good nor bad by itself
        is_lower = ours[key].value < papers[key].value
        better = is_lower if MEASURES[key].better == "lower" else not is_lower
        said[MEASURES[key].title] = (
            ("better" if better else "worse") if apart(ours[key], papers[key]) else "no different"
        )
    return dict(sorted(said.items()))


def main() -> None:
    """Train and score a run per setting, and print what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", help="Where the dataset is and the runs go (default: $LEAF_WORKSPACE).")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--masks", required=True, help="A masks run over the dataset.")
    parser.add_argument("--a", default="healthy")
    parser.add_argument("--b", default="rust")
    parser.add_argument("--steps", type=int, default=1500, help="Steps of each run.")
    parser.add_argument("--size", type=int, default=64, help="Side of the pictures, in px.")
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge", default="auto", help="A classifier of the dataset.")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--only", default=",".join(SETTINGS), help=f"Some of {','.join(SETTINGS)}; paper is always run."
    )
    asked = parser.parse_args()
    workspace = Workspace(asked.workspace)
    results: dict[str, ScoreResult] = {}
    for name in dict.fromkeys(["paper", *asked.only.split(",")]):
        run = trained(workspace, configured(workspace, asked, SETTINGS[name]), name)
        results[name] = scored(workspace, run, asked)
    paper = results["paper"]
    answer = {
        "dataset": paper.dataset,
        "split": paper.split,
        "sources": paper.sources,
        "seed": asked.seed,
        "steps": asked.steps,
        "features": paper.features,
        "reals": f"{paper.real_count} of {paper.reals}",
        "judge": paper.judge,
        "withheld": paper.withheld,
        "untranslated": {key: told(key, score) for key, score in paper.untranslated.items()},
        "settings": {
            name: {
                "run": result.run,
                "scores": {key: told(key, score) for key, score in result.chosen.scores.items()},
                "against_the_paper": verdicts(result.chosen.scores, paper.chosen.scores) if name != "paper" else {},
            }
            for name, result in results.items()
        },
    }
    print(json.dumps(answer, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
