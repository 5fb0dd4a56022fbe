"""How fast a LeafGAN step is, against one written out plainly, on the same machine in the same run.

Run `OMP_WAIT_POLICY=PASSIVE python -m benchmarks.gan_step`. The plain step is what the papers say, line by line: batch
1, a network call of its own for each loss, fp32, torch's default Adam; 128 px, 9 blocks, ngf 64, discriminators of 64
filters. Both sides have the same weights and see the same random pictures and masks. They take turns; times are of the
processor, since other work may share the cores, and the median of the turns' ratios counts; on a GPU, of the wall.

Claims: with bf16 at least 1.6 times the plain step's speed, every loss of the first step within 1 % of it; in fp32
every loss within 1e-4, and at most 0.65 of the tensor operations that are no views, which stand for a GPU's launches,
of the plain step with `foreach=True`, Adam's default on a GPU.
"""

import argparse
import copy
import json
import statistics
import time
from collections import Counter
from dataclasses import replace
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from leafcore.train.configs import LeafGANConfig
from leafcore.train.image_pool import ImagePool
from leafcore.train.leafgan import LeafGAN
from leafcore.train.translation_data import Batch, UnpairedData

TURNS = 5
LEAST_SPEEDUP, MOST_LOSS, MOST_LOSS_FP32, MOST_OPERATIONS = 1.6, 0.01, 1e-4, 0.65
NETS = ("gen_ab", "gen_ba", "disc_a", "disc_b")


class NoData:
    """Stands for two domains where a batch is given."""

    seen: tuple[str, ...] = ()
    probed: tuple[str, ...] = ()
    stream_a = stream_b = SimpleNamespace(state_dict=dict)

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)

    def __len__(self) -> int:
        return 1


class PlainStep:
    """CycleGAN with LeafGAN's two changes, as one would write it down from the papers."""

    def __init__(self, recipe: LeafGAN, *, foreach: bool | None = None) -> None:
        nets = {name: copy.deepcopy(recipe.nets[name]) for name in NETS}
        self.gen_ab, self.gen_ba, self.disc_a, self.disc_b = nets.values()
        self.adam_gen = self._adam(foreach, self.gen_ab, self.gen_ba)
        self.adam_disc = self._adam(foreach, self.disc_a, self.disc_b)
        generator = torch.Generator().manual_seed(0)
        self.pool_a, self.pool_b = ImagePool(50, generator), ImagePool(50, generator)

    def _adam(self, foreach: bool | None, *nets: nn.Module) -> torch.optim.Adam:
        parameters = chain.from_iterable(net.parameters() for net in nets)
        return torch.optim.Adam(parameters, 2e-4, betas=(0.5, 0.999), foreach=foreach)

    def __call__(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Update all four networks once; return every loss, unweighted."""
        for judge in (self.disc_a, self.disc_b):
            judge.requires_grad_(False)
        fake_b, fake_a = self.gen_ab(batch.real_a), self.gen_ba(batch.real_b)
        losses = {
            "identity_a": F.l1_loss(self.gen_ba(batch.real_a), batch.real_a),
            "identity_b": F.l1_loss(self.gen_ab(batch.real_b), batch.real_b),
            "adversarial_ab": _says(self.disc_b(fake_b * batch.mask_a), 1.0),
            "adversarial_ba": _says(self.disc_a(fake_a * batch.mask_b), 1.0),
            "cycle_a": F.l1_loss(self.gen_ba(fake_b), batch.real_a),
            "cycle_b": F.l1_loss(self.gen_ab(fake_a), batch.real_b),
            "background_a": F.l1_loss(fake_b * (1 - batch.mask_a), batch.real_a * (1 - batch.mask_a)),
            "background_b": F.l1_loss(fake_a * (1 - batch.mask_b), batch.real_b * (1 - batch.mask_b)),
        }
        weights = {"identity": 5.0, "adversarial": 1.0, "cycle": 10.0, "background": 5.0}
        self.adam_gen.zero_grad()
        sum(weights[name.split("_")[0]] * loss for name, loss in losses.items()).backward()  # type: ignore[union-attr]
        self.adam_gen.step()

        for judge in (self.disc_a, self.disc_b):
            judge.requires_grad_(True)
        self.adam_disc.zero_grad()
        for name, disc, real, mask, fake, mask_of_fake, pool in (
            ("disc_b", self.disc_b, batch.real_b, batch.mask_b, fake_b, batch.mask_a, self.pool_b),
            ("disc_a", self.disc_a, batch.real_a, batch.mask_a, fake_a, batch.mask_b, self.pool_a),
        ):
            old = pool.query((fake * mask_of_fake).detach())
            losses[name] = (_says(disc(real * mask), 1.0) + _says(disc(old), 0.0)) * 0.5
            losses[name].backward()
        self.adam_disc.step()
        return {name: loss.detach() for name, loss in losses.items()}


def _says(scores: torch.Tensor, value: float) -> torch.Tensor:
    return F.mse_loss(scores, torch.full_like(scores, value))


class Operations(TorchDispatchMode):
    """Counts the tensor operations that are no views."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not func.is_view:
            self.counts[str(func)] += 1
        return func(*args, **(kwargs or {}))


def our_step(config: LeafGANConfig, device: torch.device) -> LeafGAN:
    """Return our recipe, the same weights each time."""
    torch.manual_seed(0)
    return LeafGAN(config, cast(UnpairedData, NoData()), device)


def random_batch(config: LeafGANConfig, device: torch.device) -> Batch:
    """Return random pictures, and masks that are square."""
    torch.manual_seed(1)
    size = config.size_px
    real_a, real_b = (torch.rand(config.batch_size, 3, size, size) * 2 - 1 for _ in range(2))
    mask = torch.zeros(config.batch_size, 1, size, size)
    mask[..., size // 4 : 3 * size // 4, size // 4 : 3 * size // 4] = 1
    return Batch(*(tensor.to(device) for tensor in (real_a, real_b, mask, mask)))


def worst_loss(ours: LeafGAN, batch: Batch) -> tuple[float, str]:
    """Return by how much, relatively, a loss of the first step differs most, and which."""
    wanted, got = PlainStep(ours)(batch), ours.step(batch)
    off = {name: abs(float(got[name]) - float(loss)) / abs(float(loss)) for name, loss in wanted.items()}
    name = max(off, key=lambda key: off[key])
    return off[name], name


def seconds(step: Any, batch: Batch) -> float:
    """Return what a step takes: of the processor, or on a GPU of the wall."""
    if batch.real_a.is_cuda:
        torch.cuda.synchronize()
        begin = time.perf_counter()
        step(batch)
        torch.cuda.synchronize()
        return time.perf_counter() - begin
    begin = time.process_time()
    step(batch)
    return time.process_time() - begin


def main() -> None:
    """Compare the two and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compiled", action="store_true", help="compile ours: CUDA graphs on a GPU")
    options = parser.parse_args()
    device = torch.device(options.device)
    fp32 = LeafGANConfig.build(
        {
            "dataset": "none", "a": "healthy", "b": "rust", "masks": "none", "precision": "fp32",
            "device": options.device, "size_px": options.size, "filters": options.filters, "blocks": options.blocks,
        }
    )  # fmt: skip
    bf16 = fp32.model_copy(update={"precision": "bf16", "compiled": options.compiled})
    batch = random_batch(fp32, device)

    # Equality, at the first step.
    loss_fp32, loss_bf16 = worst_loss(our_step(fp32, device), batch), worst_loss(our_step(bf16, device), batch)

    # Operations, counted.
    ours, plain = our_step(fp32, device), PlainStep(our_step(fp32, device), foreach=True)
    counts = []
    for step in (ours.step, plain):
        step(batch)  # the optimizer's state is made
        with Operations() as operations:
            step(replace(batch))
        counts.append(operations.counts.total())

    # Speed, taking turns.
    fast, slow = our_step(bf16, device), PlainStep(our_step(fp32, device))
    exact = our_step(fp32, device)
    for step in (fast.step, slow, exact.step):
        step(batch)
    times = [[seconds(step, batch) for step in (fast.step, slow, exact.step)] for _ in range(options.turns)]
    speedup = statistics.median(plain_s / ours_s for ours_s, plain_s, _ in times)
    found = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "size_px": options.size,
        "filters": options.filters,
        "blocks": options.blocks,
        "seconds": {
            name: round(statistics.median(column), 3)
            for name, column in zip(("ours_bf16", "plain", "ours_fp32"), zip(*times, strict=True), strict=True)
        },
        "speedup": round(speedup, 2),
        "speedup_range": [round(pick(p / o for o, p, _ in times), 2) for pick in (min, max)],
        "speedup_fp32": round(statistics.median(p / e for _, p, e in times), 2),
        "worst_loss_bf16": {"off": float(f"{loss_bf16[0]:.2g}"), "loss": loss_bf16[1]},
        "worst_loss_fp32": {"off": float(f"{loss_fp32[0]:.2g}"), "loss": loss_fp32[1]},
        "operations": {"ours": counts[0], "plain": counts[1], "ratio": round(counts[0] / counts[1], 3)},
    }
    holds = (
        speedup >= LEAST_SPEEDUP
        and loss_bf16[0] <= MOST_LOSS
        and loss_fp32[0] <= MOST_LOSS_FP32
        and counts[0] <= MOST_OPERATIONS * counts[1]
    )
    print(json.dumps({**found, "holds": holds}))


if __name__ == "__main__":
    main()
