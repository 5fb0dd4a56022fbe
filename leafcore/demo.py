"""The whole journey on drawn leaves: dataset, masks, training, synthesis, export, evaluation."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from leafcore.config import Config
from leafcore.data.labels import label_set
from leafcore.errors import ConfigError
from leafcore.jobs import build_config
from leafcore.runs import Run

SOURCE, TARGET = "healthy", "rust"
COUNTS = {"smoke": 24, "draft": 60}

CarryOut = Callable[[str, Config], Run]  # submits a run, carries it out, returns it


class DemoResult(BaseModel):
    """What the journey found, every number from real computation.

    Attributes:
        runs: The run of each step.
        dataset: `name@version`.
        mask_iou: Mean intersection over union of the masks with the exact ones.
        losses: LeafGAN's losses at its last step.
        synthetic: How many pictures were made, with which labels, and where their ZIP is.
        evaluation: Macro-F1 of both arms, their difference, and the verdict.
    """

    runs: dict[str, str]
    dataset: str
    mask_iou: float
    losses: dict[str, float]
    synthetic: dict[str, Any]
    evaluation: dict[str, Any]


def demo(preset: str, seed: int, carry_out: CarryOut) -> DemoResult:
    """Go the whole journey, one run after another.

    Args:
        preset: "smoke" (about two minutes on two cores) or "draft" (about an hour).
        seed: Of everything.
        carry_out: Submits and carries out a run, and returns it when it is done.

    Raises:
        ConfigError: There is no such preset.
        LeafError: A run failed.
    """
    if preset not in COUNTS:
        raise ConfigError(f"preset: got {preset!r}, expected one of {', '.join(COUNTS)}.")
    name = f"demo-{preset}-{seed}"
    done: dict[str, Run] = {}

    def step(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        done[kind] = carry_out(kind, build_config(kind, values, preset if kind != "export" else None))
        return done[kind].result()

    dataset = step("render", {"name": name, "seed": seed})["dataset"]
    learn = {"dataset": dataset, "seed": seed}
    step("lflseg", learn)
    masks = step("masks", {"dataset": dataset, "model": done["lflseg"].id})
    promoted = f"{name}-{SOURCE}-to-{TARGET}-{done['masks'].id[-4:]}"  # another demo may have been here before
    pair = {"a": SOURCE, "b": TARGET, "masks": done["masks"].id, "promote_as": promoted}
    training = step("leafgan", {**learn, **pair})
    made = step(
        "synthesize",
        {"chain": (pair["promote_as"],), "dataset": dataset, "source": SOURCE, "count": COUNTS[preset], "seed": seed},
    )
    packed = step("export", {"run": done["synthesize"].id})
    arms = {"synthetic": (done["synthesize"].id,), "arms": ("real", "real_plus_synthetic")}
    compared = step("evaluate", {"dataset": dataset, **arms, "seed": seed})
    return DemoResult(
        runs={kind: run.id for kind, run in done.items()},
        dataset=dataset,
        mask_iou=masks["mask_iou"],
        losses=training["losses"],
        synthetic={"count": made["count"], "labels": label_set(made["labels"]), "zip": packed["zip"]},
        evaluation={
            "macro_f1": {arm: score["macro_f1"]["value"] for arm, score in compared["arms"].items()},
            "difference": compared["differences"]["real_plus_synthetic"]["macro"],
            "verdict": compared["verdict"],
            "test_images": compared["test_images"],
        },
    )
