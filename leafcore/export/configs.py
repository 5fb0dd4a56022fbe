"""Settings of an export; free of torch."""

from typing import Literal

from leafcore.config import Config, setting
from leafcore.data.review import MOST_STARS

FormatName = Literal["imagefolder", "csv", "coco", "hf"]
Content = Literal["synthetic", "merged"]


class ExportConfig(Config):
    """Settings of `export`."""

    run: str = setting(..., "The synthesize run to export.", ref="synthetic")
    format: FormatName = setting(
        "csv",
        "Layout: imagefolder is a folder per class; csv is Plant Pathology 2021's own; coco has the leaves' masks; "
        "hf is Hugging Face's, with metadata.jsonl.",
    )
    content: Content = setting(
        "synthetic", "Synthetic pictures only, or merged with the real ones of their dataset's train split."
    )
    stars: int = setting(
        0, "Least stars that a picture got in review; 0: all that were not rejected.", ge=0, le=MOST_STARS
    )
