"""The route that makes pictures from noise at once, and the one that tells how it was used."""

import base64
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Literal

from fastapi import FastAPI, Response
from pydantic import BaseModel

from leafcore.checkpoints import open_checkpoint
from leafcore.data.synthetic_sets import PNG_KEY
from leafcore.denoising import Denoising, Sampler
from leafcore.images import encode_png
from leafcore.measure.interpretation import Interpretation
from leafcore.noise import picture_seed
from leafcore.questions import SampleQuestion
from leafcore.sampling import Sample, Worker, sample, sample_question
from leafcore.usage import Use, read_usage
from leafcore.workspace import Workspace


class GeneratedImage(BaseModel):
    """A picture from noise: its seed, the labels it was made as, what a judge sees in it, and the PNG in base64."""

    name: str
    seed: int
    labels: str
    called: str | None
    png: str


class Generated(BaseModel):
    """Pictures from noise, and how long they took."""

    checkpoint: str
    weights_sha256: str
    seed: int
    truncation: float
    guidance: float
    sampler: Sampler
    sampling_steps: int
    size_px: int
    latency_ms: float
    cached: bool
    interpretation: Interpretation
    images: list[GeneratedImage]


def add_generate(api: FastAPI, workspace: Workspace, worker: Worker) -> None:
    """Add the routes of models that make pictures from noise."""

    @api.get("/generate", response_model=Generated, responses={200: {"content": {"application/zip": {}}}})
    def generate(
        checkpoint: str,
        n: int = 8,
        seed: int = 0,
        label: str = "",
        truncation: float = 0.0,
        guidance: float = 0.0,
        sampler: Sampler = "auto",
        sampling_steps: int = 0,
        format: Literal["json", "zip"] = "json",
    ) -> Generated | Response:
        """Make 1 to 256 pictures from noise and say what a classifier sees in them; more are a synthesize run.

        The PNGs come in base64, each with its recipe inside, or as a ZIP with `labels.csv`.
        """
        settings = {"n": n, "seed": seed, "label": label, "truncation": truncation}
        settings |= {"guidance": guidance, "sampler": sampler, "sampling_steps": sampling_steps}
        question = sample_question(workspace, open_checkpoint(workspace, checkpoint), **settings)
        found = sample(workspace, worker, question, "api")
        images = list(_images(question, found))
        if format == "zip":
            return Response(
                _zip(images),
                media_type="application/zip",
                headers={
                    "Content-Disposition": 'attachment; filename="generated.zip"',
                    "X-Latency-Ms": str(found.latency_ms),
                },
            )
        return Generated(
            checkpoint=question.checkpoint,
            weights_sha256=question.weights_sha256,
            seed=seed,
            truncation=truncation,
            guidance=question.guidance,
            sampler=question.sampler,
            sampling_steps=question.sampling_steps,
            size_px=found.pictures.shape[1],
            latency_ms=found.latency_ms,
            cached=found.cached,
            interpretation=found.interpretation,
            images=images,
        )

    @api.get("/usage")
    def usage(most: int = 100) -> list[Use]:
        """List the newest requests for pictures from noise, the oldest first."""
        return read_usage(workspace, max(most, 1))


def _images(question: SampleQuestion, found: Sample) -> Iterator[GeneratedImage]:
    for index, (picture, labels) in enumerate(zip(found.pictures, found.made_as, strict=True)):
        seed = picture_seed(question.seed, index)
        recipe = {
            "checkpoint": question.checkpoint,
            "weights_sha256": question.weights_sha256,
            "seed": seed,
            "labels": labels,
            "truncation": question.truncation,
            **Denoising(question.guidance, question.sampler, question.sampling_steps).recipe(),
            "synthetic": True,
        }
        content = encode_png(picture, {PNG_KEY: json.dumps(recipe)})
        yield GeneratedImage(
            name=f"{index:06d}-{seed:08x}.png",
            seed=seed,
            labels=labels,
            called=found.called[index] if found.called else None,
            png=base64.b64encode(content).decode(),
        )


def _zip(images: list[GeneratedImage]) -> bytes:
    buffer, table = io.BytesIO(), io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["image", "labels", "called"])
    rows.writerows([image.name, image.labels, image.called or ""] for image in images)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # PNG does not shrink twice
        archive.writestr("labels.csv", table.getvalue())
        for image in images:
            archive.writestr(f"images/{image.name}", base64.b64decode(image.png))
    return buffer.getvalue()
