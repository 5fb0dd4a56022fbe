"""The routes that look into a noise model: the way between two seeds, and every class of the same noise."""

from typing import Any, get_args

from fastapi import FastAPI, Response

from leafcore.denoising import Sampler
from leafcore.latent_tools import WayFormat, ask_for_pictures, encode_grid, encode_way, noise_question
from leafcore.questions import GridQuestion, InterpolationQuestion
from leafcore.sampling import Worker
from leafcore.workspace import Workspace

MEDIA: dict[str, Any] = {f"image/{format}": {} for format in get_args(WayFormat)}


def add_latent_tools(api: FastAPI, workspace: Workspace, worker: Worker) -> None:
    """Add the routes of interpolations and class grids."""

    @api.get("/interpolate", response_class=Response, responses={200: {"content": MEDIA}})
    def interpolate(
        checkpoint: str,
        seed: int = 0,
        end_seed: int = 1,
        steps: int = 9,
        label: str = "",
        truncation: float = 0.0,
        guidance: float = 0.0,
        sampler: Sampler = "auto",
        sampling_steps: int = 0,
        format: WayFormat = "png",
    ) -> Response:
        """Go from one seed to another in 2 to 64 steps: a strip as PNG, or an animation as WebP or GIF."""
        settings: dict[str, Any] = {
            "seed": seed,
            "end_seed": end_seed,
            "steps": steps,
            "label": label,
            "truncation": truncation,
        }
        settings |= {"guidance": guidance, "sampler": sampler, "sampling_steps": sampling_steps}
        question = noise_question(InterpolationQuestion, workspace, checkpoint, **settings)
        content = encode_way(ask_for_pictures(worker, question), format)
        return Response(content, media_type=f"image/{format}")

    @api.get("/class-grid", response_class=Response, responses={200: {"content": {"image/png": {}}}})
    def class_grid(
        checkpoint: str,
        seed: int = 0,
        columns: int = 4,
        truncation: float = 0.0,
        guidance: float = 0.0,
        sampler: Sampler = "auto",
        sampling_steps: int = 0,
    ) -> Response:
        """Make the same noise in every class, as a PNG with a row per class."""
        settings: dict[str, Any] = {"seed": seed, "columns": columns, "truncation": truncation}
        settings |= {"guidance": guidance, "sampler": sampler, "sampling_steps": sampling_steps}
        question = noise_question(GridQuestion, workspace, checkpoint, **settings)
        return Response(encode_grid(ask_for_pictures(worker, question)), media_type="image/png")
