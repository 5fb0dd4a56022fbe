"""The warm worker: a process that answers interactive questions and keeps its models loaded between them."""

import logging
import os
import sys
import threading
import time
from functools import lru_cache
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from leafcore import devices
from leafcore.chains import Sizing, open_chain, require_leaves
from leafcore.data.manifest import Dataset, load
from leafcore.data.mask_sets import mask_files
from leafcore.errors import ConfigError, DatasetError, JobError, as_leaf_error
from leafcore.explaining import explain
from leafcore.files import write_atomic
from leafcore.generate import Chain, Leaves
from leafcore.images import load_square, to_signed, to_uint8
from leafcore.jobs import lane_is_taken
from leafcore.masks.configs import CamConfig
from leafcore.masks.lflseg import LFLSegModel, open_lflseg
from leafcore.noise import picture_seed
from leafcore.noise_answers import answer_from_noise
from leafcore.predict_answers import name_photo
from leafcore.prompt_answers import draw
from leafcore.questions import (
    IDLE_S,
    KEY_VARIABLE,
    QUESTIONS,
    DrawQuestion,
    ExplainQuestion,
    LookQuestion,
    NoiseQuestion,
    PhotoQuestion,
    PredictQuestion,
    PreviewQuestion,
    Question,
    answer_file,
    photo_file,
)
from leafcore.wish import require_steps, wish_of
from leafcore.workspace import Workspace

MOST_BYTES = 2 * 1024**3  # of answers that are kept
KEPT_S = 600.0  # however many there are

log = logging.getLogger(__name__)


def serve(workspace: Workspace, idle_s: float = IDLE_S) -> int:
    """Be the warm worker: answer questions until the server has gone, or nobody has asked for `idle_s`.

    Raises:
        ConfigError: It was not started by a server.
    """
    if KEY_VARIABLE not in os.environ:
        raise ConfigError("answer: only a server starts this; ask your questions on the pages.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    key = bytes.fromhex(os.environ.pop(KEY_VARIABLE))
    watch = _Watch(idle_s)
    with Listener(("127.0.0.1", 0), authkey=key) as listener:
        print(listener.address[1], flush=True)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads the pipe from here on
        while True:
            try:
                with listener.accept() as connection:
                    watch.busy()
                    _serve_one(workspace, connection)
            except (EOFError, OSError, AuthenticationError) as error:
                log.warning("a question was broken off: %s", error)
            finally:
                watch.idle()


def _serve_one(workspace: Workspace, connection: "Connection[Any, Any]") -> None:
    name, values = connection.recv()
    try:
        answer(workspace, QUESTIONS[name].build(values))
    except Exception as error:
        known = as_leaf_error(error)
        if known is None:
            log.exception("the question could not be answered")
            known = JobError(f"Something unexpected happened ({type(error).__name__}: {error}); see cache/ask.log.")
        connection.send((type(known).__name__, str(known)))
        return
    connection.send(None)


class _Watch:
    """Ends the process when its parent has gone, or when it has been idle for long."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._idle_since: float | None = time.monotonic()
        threading.Thread(target=self._watch_parent, daemon=True).start()
        threading.Thread(target=self._watch_clock, daemon=True).start()

    def busy(self) -> None:
        """Note that a question is being answered."""
        self._idle_since = None

    def idle(self) -> None:
        """Note that it has been answered."""
        self._idle_since = time.monotonic()

    def _watch_parent(self) -> None:
        sys.stdin.buffer.read()  # returns when the server closes the pipe, or dies
        os._exit(0)

    def _watch_clock(self) -> None:
        while True:
            time.sleep(1.0)
            since = self._idle_since
            if since is not None and time.monotonic() - since > self._idle_s:
                os._exit(0)


# --- answers ----------------------------------------------------------------------------------------------------------


def answer(workspace: Workspace, question: Question) -> None:
    """Write the answer to a question where `answer_file` says.

    Raises:
        LeafError: It cannot be answered.
    """
    if isinstance(question, LookQuestion):
        arrays = look(workspace, question)
    elif isinstance(question, PhotoQuestion):
        arrays = look_at_photo(workspace, question)
    elif isinstance(question, PredictQuestion):
        arrays = name_photo(workspace, question, _device(workspace))
    elif isinstance(question, PreviewQuestion):
        arrays = preview(workspace, question)
    elif isinstance(question, ExplainQuestion):
        arrays = explain(workspace, question, _device(workspace))
    elif isinstance(question, DrawQuestion):
        arrays = draw(workspace, question, _device(workspace))
    elif isinstance(question, NoiseQuestion):
        arrays = answer_from_noise(workspace, question, _device(workspace))
    else:
        raise TypeError(f"no answer to {type(question).__name__}")
    target = answer_file(workspace, question)
    write_atomic(target, lambda file: np.savez(file, **cast("dict[str, Any]", arrays)))
    forget_old(target.parent)


def forget_old(folder: Path, most_bytes: int = MOST_BYTES, younger_than_s: float = KEPT_S) -> None:
    """Remove the oldest answers until the rest fits; those that somebody may be reading stay."""
    files = sorted(((file.stat(), file) for file in folder.glob("*.npz")), key=lambda entry: -entry[0].st_mtime)
    total = 0
    for stat, file in files:
        total += stat.st_size
        if total > most_bytes and stat.st_mtime < time.time() - younger_than_s:
            file.unlink(missing_ok=True)


def look(workspace: Workspace, question: LookQuestion) -> dict[str, np.ndarray]:
    """Answer a `LookQuestion`; a picture that cannot be read has a map of zeros."""
    dataset = load(workspace, question.dataset)
    device = str(_device(workspace))
    model = _lflseg(str(workspace.root), question.model, question.weights_sha256, device, question.cam())
    looks = list(model.look([dataset.root / image for image in question.images]))
    maps = [one.cam for one in looks if one.cam is not None]
    if not maps:
        raise DatasetError(f"None of the {len(looks)} pictures can be read; first: {looks[0].problem}")
    blank = np.zeros_like(maps[0])
    return {
        "maps": np.stack([blank if one.cam is None else one.cam for one in looks]),
        "probabilities": np.stack([one.probabilities for one in looks]),
    }


def look_at_photo(workspace: Workspace, question: PhotoQuestion) -> dict[str, np.ndarray]:
    """Answer a `PhotoQuestion`.

    Raises:
        DatasetError: The file is no picture that can be read.
    """
    device = str(_device(workspace))
    model = _lflseg(str(workspace.root), question.model, question.weights_sha256, device, CamConfig())
    (seen,) = model.look([photo_file(workspace, question.photo)])
    if seen.cam is None:
        raise DatasetError(f"The uploaded file: {seen.problem.partition(': ')[2]}")
    return {"map": seen.cam, "probabilities": seen.probabilities}


def preview(workspace: Workspace, question: PreviewQuestion) -> dict[str, np.ndarray]:
    """Answer a `PreviewQuestion`."""
    dataset = load(workspace, question.dataset)
    size = (question.size_px, question.sizing)
    chain = _chain(str(workspace.root), question.chain, question.weights_sha256, str(_device(workspace)), *size)
    if chain.drawing:
        require_steps(question, over=True)
    chain.wish(wish_of(question))
    sources = _squares(dataset, question.images, chain.size_px)
    files = mask_files(workspace, dataset, question.images, question.masks)
    require_leaves(chain.steps, files, dataset)
    signed, leaves = to_signed(torch.from_numpy(sources).permute(0, 3, 1, 2)), Leaves(files, chain.size_px)
    seeds = [picture_seed(question.seed, index) for index in range(len(question.images))]
    steps = chain(signed, leaves(question.images), seeds)
    return {"steps": np.stack([sources, *(to_uint8(step) for step in steps)])}


def _squares(dataset: Dataset, images: tuple[str, ...], size_px: int) -> np.ndarray:
    return np.stack([load_square(dataset.root / image, size_px) for image in images])


def _device(workspace: Workspace) -> torch.device:
    """Return the GPU if no run computes on it, else the CPU."""
    for gpu in devices.gpus():
        if not lane_is_taken(workspace, gpu.device):
            return torch.device(gpu.device)
    return torch.device("cpu")


@lru_cache(maxsize=2)
def _lflseg(root: str, ref: str, weights_sha256: str, device: str, cam: CamConfig) -> LFLSegModel:
    del weights_sha256  # part of the key: other weights under the same name are loaded anew
    return open_lflseg(Workspace(root), ref, torch.device(device), cam)


@lru_cache(maxsize=2)
def _chain(
    root: str, texts: tuple[str, ...], weights_sha256: tuple[str, ...], device: str, size_px: int, sizing: Sizing
) -> Chain:
    del weights_sha256
    steps = open_chain(Workspace(root), texts)
    return Chain(steps, torch.device(device), Workspace(root), size_px=size_px, sizing=sizing)
