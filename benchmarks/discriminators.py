"""Which discriminator tells a disease of small spots from healthy leaves, before any generator learns from it.

    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.discriminators [--labels frog_eye_leaf_spot] [--steps 1500]

Each kind learns alone, with the least-squares loss at batch 1 as in a translation, to tell drawn leaves of a disease
from healthy ones; what lies outside the leaf is grey, as LeafGAN's discriminators see it. Prints JSON: the area under
the ROC curve (AUC) of the mean score, by leaves that none has seen. Where it stays at 0.5, a generator has nothing to
learn from.
"""

import argparse
import json

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from leafcore.data.rendered import render_leaf
from leafcore.images import to_signed
from leafcore.nets import build
from leafcore.train.losses import adversarial_loss

KINDS = {"patch": {"filters": 32, "layers": 3}, "aided": {"filters": 32, "layers": 2}}


def drawn(labels: str, count: int, size_px: int, seed: int) -> torch.Tensor:
    """Return leaves on grey, (N, 3, S, S) float in [-1, 1]."""
    leaves = [render_leaf(tuple(labels.split()), size_px, leaf_seed=seed + i, view_seed=i) for i in range(count)]
    pictures = to_signed(torch.from_numpy(np.stack([leaf.image for leaf in leaves])).permute(0, 3, 1, 2))
    return pictures * torch.from_numpy(np.stack([leaf.mask > 0 for leaf in leaves]))[:, None]


def learned(kind: str, healthy: torch.Tensor, ill: torch.Tensor, steps: int, seed: int) -> nn.Module:
    """Return a discriminator that learned to tell ill leaves (real, 1) from healthy ones (fake, 0)."""
    torch.manual_seed(seed)
    judge = build({"type": f"{kind}_discriminator", "args": KINDS[kind]})
    adam = torch.optim.Adam(judge.parameters(), 2e-4, betas=(0.5, 0.999))
    for _ in range(steps):
        pair = torch.stack([domain[torch.randint(len(domain), ())] for domain in (ill, healthy)])
        if torch.rand(()) < 0.5:
            pair = pair.flip(-1)
        real, fake = judge(pair).split(1)
        loss = (adversarial_loss(real, is_real=True) + adversarial_loss(fake, is_real=False)) / 2
        adam.zero_grad()
        loss.backward()
        adam.step()
    return judge


@torch.no_grad()
def told_apart(judge: nn.Module, healthy: torch.Tensor, ill: torch.Tensor) -> float:
    """Return the AUC of the mean score."""
    scores = [judge(picture[None]).mean().item() for picture in torch.cat([healthy, ill])]
    return float(roc_auc_score([0] * len(healthy) + [1] * len(ill), scores))


def main() -> None:
    """Let each kind learn, and print how well it tells leaves apart that it has not seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", default="frog_eye_leaf_spot", help="The disease.")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--size", type=int, default=128, help="Side of the pictures, in px.")
    parser.add_argument("--train", type=int, default=400, help="Leaves of each domain to learn from.")
    parser.add_argument("--held-out", type=int, default=100, help="Leaves of each domain to be told apart.")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    healthy, ill, new_healthy, new_ill = (
        drawn(labels, count, asked.size, seed)
        for count, seed in ((asked.train, 0), (asked.held_out, 10**6))
        for labels in ("healthy", asked.labels)
    )
    aucs = {
        kind: [
            round(told_apart(learned(kind, healthy, ill, asked.steps, seed), new_healthy, new_ill), 3)
            for seed in range(asked.seeds)
        ]
        for kind in KINDS
    }
    print(json.dumps({"disease": asked.labels, "steps": asked.steps, "size_px": asked.size, "auc": aucs}))


if __name__ == "__main__":
    main()
