"""Features of pictures: what a frozen backbone sees in them just before it would name a class.

Distances between features follow what a picture shows rather than its pixels. The map, near-duplicates, suspect labels
and the distances between sets of pictures all start from here.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from leafcore.errors import DatasetError
from leafcore.images import load_square, resize_square
from leafcore.measure.feature_store import FeatureStore
from leafcore.nets.backbones import BUNDLED, InputScale, build_backbone
from leafcore.progress import Progress
from leafcore.workspace import Workspace

SHARD = 2048  # pictures whose features are written at a time, and so at most lost to a crash
DEFAULT_PX = 224  # of backbones that do not say


@dataclass(frozen=True)
class Features:
    """What a backbone saw.

    Attributes:
        values: (N, D) float32, in the order of the pictures asked for; NaN in the rows of those that cannot be read.
        unreadable: By row, why a picture cannot be read.
        reused: How many pictures were seen before.
    """

    values: np.ndarray
    unreadable: dict[int, str]
    reused: int


class FeatureExtractor:
    """A frozen backbone without its last layer, and what it has seen in this workspace.

    Args:
        workspace: Whose cache keeps the features.
        backbone: Any of timm's model names.
        pretrained: Whether it has ImageNet weights; else they are drawn, always the same.
        device: Where to compute.
        through_px: Photographs become squares of this side before the backbone's own, so that they are as sharp as
            pictures that were made at that size; 0: straight to the backbone's.

    Raises:
        ConfigError: timm knows no such model.
        CheckpointError: Its weights are not on this machine and cannot be fetched.
    """

    def __init__(
        self,
        workspace: Workspace,
        backbone: str = BUNDLED,
        *,
        pretrained: bool = True,
        device: torch.device | None = None,
        through_px: int = 0,
    ) -> None:
        self._through_px = through_px
        self._device = device or torch.device("cpu")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._net = build_backbone(backbone, num_classes=0, pretrained=pretrained).eval().requires_grad_(False)
        self._scale = InputScale.of(self._net)
        size = getattr(self._net, "pretrained_cfg", {}).get("input_size", (3, DEFAULT_PX, DEFAULT_PX))
        self.size_px = int(size[-1])
        self._store = FeatureStore(workspace.cache / "features" / f"{backbone}-{self._digest()}")
        self._net.to(self._device)

    def _digest(self) -> str:
        """Return a hash of everything that features depend on but the picture."""
        path = (self._through_px, self.size_px) if self._through_px else self.size_px
        digest = hashlib.sha256(repr((path, self._scale)).encode())
        for name, value in self._net.state_dict().items():
            digest.update(name.encode())
            digest.update(value.contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    def __call__(
        self, paths: Sequence[Path], hashes: Sequence[str], progress: Progress, *, batch_size: int = 32
    ) -> Features:
        """Return the features of pictures, from the cache where they were seen before.

        Args:
            paths: The pictures' files.
            hashes: Their SHA-256, by which features are kept.
            progress: Told of the pictures that must be looked at.
            batch_size: Pictures per forward pass.

        Raises:
            DatasetError: None of the pictures can be read.
            DiskFull: There is no room for the features.
            Stopped: Somebody asked to stop; what was computed is kept.
        """
        known = self._store.get(hashes)
        reused = sum(name in known for name in hashes)
        missing = list({name: path for name, path in zip(hashes, paths, strict=True) if name not in known}.items())
        problems: dict[str, str] = {}
        fresh: dict[str, np.ndarray] = {}
        try:
            for done, (name, seen) in enumerate(self._look(missing, batch_size), start=1):
                if isinstance(seen, str):
                    problems[name] = seen
                else:
                    known[name] = fresh[name] = seen
                if len(fresh) == SHARD:
                    self._store.add(fresh)
                    fresh = {}
                progress.report(done, len(missing))
                progress.raise_if_stopped()
        finally:
            self._store.add(fresh)
        if not known and paths:
            raise DatasetError(f"None of the {len(paths)} pictures can be read; first: {next(iter(problems.values()))}")
        nothing = np.full(next(iter(known.values())).shape if known else (0,), np.nan, np.float32)
        values = np.stack([known.get(name, nothing) for name in hashes]) if paths else np.empty((0, 0), np.float32)
        return Features(values, {row: problems[name] for row, name in enumerate(hashes) if name in problems}, reused)

    def of(self, pictures: Iterable[np.ndarray]) -> np.ndarray:
        """Return the features of pictures that are no files, (N, D) float32; they are not kept.

        Args:
            pictures: (S, S, 3) uint8 each, or all in one array; one batch of at least one. Where `through_px` is set,
                that is their S.
        """
        return self._forward([resize_square(picture, self.size_px) for picture in pictures])

    def _look(self, pictures: Sequence[tuple[str, Path]], batch_size: int) -> Iterator[tuple[str, np.ndarray | str]]:
        """Yield each picture's hash with its features, or with why it cannot be read; a batch is decoded ahead."""
        batches = [pictures[start : start + batch_size] for start in range(0, len(pictures), batch_size)]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:

            def decode(batch: Sequence[tuple[str, Path]]) -> list[Future[np.ndarray | str]]:
                return [pool.submit(self._load, path) for _, path in batch]

            ahead = decode(batches[0]) if batches else []
            for index, batch in enumerate(batches):
                decoded = [future.result() for future in ahead]
                ahead = decode(batches[index + 1]) if index + 1 < len(batches) else []
                readable = [picture for picture in decoded if not isinstance(picture, str)]
                values = iter(self._forward(readable)) if readable else iter(())
                for (name, _), picture in zip(batch, decoded, strict=True):
                    yield name, picture if isinstance(picture, str) else next(values)

    def _load(self, path: Path) -> np.ndarray | str:
        try:
            picture = load_square(path, self._through_px or self.size_px)
            return resize_square(picture, self.size_px) if self._through_px else picture
        except DatasetError as error:
            return str(error).removeprefix(f"{path}: ")

    @torch.inference_mode()
    def _forward(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self._device)
        values: np.ndarray = self._net(self._scale(batch)).float().cpu().numpy()
        return values
