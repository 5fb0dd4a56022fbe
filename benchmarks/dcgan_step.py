"""How fast a DCGAN step is, against one written out plainly, on the same machine in the same run.

Run `OMP_WAIT_POLICY=PASSIVE python -m benchmarks.dcgan_step`. The plain step is what the paper says, line by line, in
fp32 with torch's default Adam; its pictures are opened, resized and mirrored for each batch. Ours computes in bf16 with
fused Adam, takes no gradients of the discriminator's weights while the generator learns, and reads pictures that were
decoded once. Both sides begin with the same weights. They take turns; times are of the processor, since other work may
share the cores, and the median of the turns' ratios counts; on a GPU, of the wall.

Claims: at least 1.6 times the plain step's speed; every loss of the first step, on the same pictures and latent
vectors, within 1e-4 of it in fp32 and within 5 % in bf16.
"""

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from leafcore.images import to_signed
from leafcore.train.configs import DCGANConfig
from leafcore.train.dcgan import DCGAN, RealBatch
from leafcore.train.noise_data import ClassPictures

TURNS, PICTURES, FILE_PX = 7, 256, 256
LEAST_SPEEDUP, MOST_LOSS_FP32, MOST_LOSS_BF16 = 1.6, 1e-4, 0.05


class PlainStep:
    """DCGAN as one would write it down from the paper."""

    def __init__(self, recipe: DCGAN, files: Sequence[Path]) -> None:
        self.config, self.device, self.files = recipe.config, recipe.device, files
        self.gen, self.disc = copy.deepcopy(recipe.gen), copy.deepcopy(recipe.disc)
        self.adam_gen, self.adam_disc = self._adam(self.gen), self._adam(self.disc)
        self.rng = np.random.default_rng(0)

    def _adam(self, net: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999))

    def read(self) -> torch.Tensor:
        """Open, resize and mirror the pictures of a batch."""
        side, pictures = self.config.size_px, []
        for index in self.rng.integers(len(self.files), size=self.config.batch_size):
            with Image.open(self.files[index]) as image:
                picture = np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))
            pictures.append(picture[:, ::-1] if self.rng.random() < 0.5 else picture)
        return to_signed(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)).to(self.device)

    def __call__(self, real: torch.Tensor, z: torch.Tensor) -> dict[str, torch.Tensor]:
        """Update both networks once; return both losses."""
        fake = self.gen(z)
        self.adam_disc.zero_grad()
        disc = _says(self.disc(real).scores, 0.9) + _says(self.disc(fake.detach()).scores, 0.0)
        disc.backward()
        self.adam_disc.step()
        self.adam_gen.zero_grad()
        adversarial = _says(self.disc(fake).scores, 1.0)
        adversarial.backward()
        self.adam_gen.step()
        return {"disc": disc.detach(), "adversarial": adversarial.detach()}


def _says(scores: torch.Tensor, value: float) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, value))


def our_recipe(config: DCGANConfig, files: Sequence[Path], device: torch.device) -> DCGAN:
    """Return our recipe with its pictures decoded, the same weights each time."""
    torch.manual_seed(0)
    side = config.size_px
    pixels = np.stack([np.asarray(Image.open(file).convert("RGB").resize((side, side))) for file in files])
    pictures = ClassPictures(pixels, np.zeros(len(files), np.int64), torch.Generator().manual_seed(0))
    return DCGAN(config, pictures, ("noise",), device)


def worst_loss(ours: DCGAN, files: Sequence[Path]) -> float:
    """Return by how much, relatively, a loss of the first step differs most."""
    state = ours.generator.get_state()
    z = torch.randn(ours.config.batch_size, ours.config.latent, generator=ours.generator).to(ours.device)
    ours.generator.set_state(state)
    real, _ = ClassPictures(ours.pictures._images, np.zeros(len(files), np.int64), torch.Generator()).take(
        ours.config.batch_size, ours.device
    )
    wanted = PlainStep(ours, files)(real, z)
    got = ours.step([RealBatch(real, torch.zeros(len(real), dtype=torch.int64, device=ours.device))])
    return max(abs(float(got[name]) - float(loss)) / abs(float(loss)) for name, loss in wanted.items())


def seconds(step: Callable[[], object], device: torch.device) -> float:
    """Return what a step takes: of the processor, or on a GPU of the wall."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    begin = clock()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - begin


def write_pictures(folder: Path) -> list[Path]:
    """Write random JPEGs, smooth as photographs are."""
    rng, files = np.random.default_rng(0), []
    for number in range(PICTURES):
        coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        files.append(folder / f"{number}.jpg")
        coarse.resize((FILE_PX, FILE_PX), Image.Resampling.BICUBIC).save(files[-1], quality=90)
    return files


def main() -> None:
    """Compare the two and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    fp32 = DCGANConfig.build(
        {
            "dataset": "none", "precision": "fp32", "size_px": options.size, "batch_size": options.batch,
            "filters": options.filters, "disc_filters": options.filters,
        }
    )  # fmt: skip
    bf16 = fp32.model_copy(update={"precision": "bf16"})
    with TemporaryDirectory() as folder:
        files = write_pictures(Path(folder))
        off = {name: worst_loss(our_recipe(config, files, device), files) for name, config in
               (("fp32", fp32), ("bf16", bf16))}  # fmt: skip
        ours, plain = our_recipe(bf16, files, device), PlainStep(our_recipe(fp32, files, device), files)
        exact = our_recipe(fp32, files, device)
        steps: dict[str, Callable[[], object]] = {
            "ours_bf16": lambda: ours.step(ours.next_batch()),
            "plain": lambda: plain(plain.read(), torch.randn(options.batch, fp32.latent, device=device)),
            "ours_fp32": lambda: exact.step(exact.next_batch()),
            "plain_reading": plain.read,
        }
        for step in steps.values():
            step()
        times = {name: [] for name in steps}  # type: dict[str, list[float]]
        for _ in range(options.turns):
            for name, step in steps.items():
                times[name].append(seconds(step, device))
    ratios = [slow / fast for slow, fast in zip(times["plain"], times["ours_bf16"], strict=True)]
    found = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "size_px": options.size,
        "batch": options.batch,
        "filters": options.filters,
        "seconds": {name: round(statistics.median(column), 3) for name, column in times.items()},
        "speedup": round(statistics.median(ratios), 2),
        "speedup_range": [round(pick(ratios), 2) for pick in (min, max)],
        "worst_loss": {name: float(f"{value:.2g}") for name, value in off.items()},
    }
    holds = (
        statistics.median(ratios) >= LEAST_SPEEDUP and off["fp32"] <= MOST_LOSS_FP32 and off["bf16"] <= MOST_LOSS_BF16
    )
    print(json.dumps({**found, "holds": holds}))


if __name__ == "__main__":
    main()
