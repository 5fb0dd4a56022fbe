"""Does it see leaves? Any photo: what LFLSeg says of it, where it looks, the leaf cut out; and its labels."""

import io
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from leafcore.checkpoints import Checkpoint
from leafcore.errors import LeafError
from leafcore.images import open_rgb, overlay_mask
from leafcore.masks.configs import DELTA
from leafcore.masks.maps import heat_overlay, threshold
from leafcore.questions import PhotoQuestion, keep_photo, photo_file
from ui import cached, show
from ui.naming import photo_labels
from ui.service import workspace

SIDE = 512
CLASSES = ("full leaf", "partial leaf", "non-leaf")


def see_box(lflseg: Checkpoint) -> None:
    """Draw the upload and what the model sees in it."""
    given = st.file_uploader("Photo", key="see_photo", help="JPEG, PNG, WebP, BMP or TIFF; it stays on this computer.")
    if given is None:
        return
    digest = keep_photo(workspace(), given.getvalue())
    question = PhotoQuestion(model=lflseg.ref, weights_sha256=lflseg.card.weights_sha256, photo=digest)
    try:
        with st.spinner("Looking…", show_time=True):
            cam, probabilities = cached.look_at_photo(question)
    except LeafError as error:
        st.error(str(error), icon=":material/error:")
        return
    with st.container(horizontal=True):
        for name, share in zip(CLASSES, probabilities, strict=True):
            st.metric(name, f"{share:.1%}", border=True, width=150)
    file, name = photo_file(workspace(), digest), Path(given.name).stem
    st.fragment(_pictures)(file, name, cam)
    photo_labels(digest, file, name)


def _pictures(file: Path, name: str, cam: np.ndarray) -> None:
    delta = st.slider("Threshold delta", 0.0, 1.0, DELTA, 0.01, key="see_delta")
    photo = cached.fitted(str(file), SIDE)
    height, width = photo.shape[:2]
    mask = threshold(cam, delta, width, height)
    cut = np.where(mask[..., None], photo, np.uint8(128))
    pictures = [photo, heat_overlay(photo, cam), overlay_mask(photo, mask), cut]
    captions = ["photo", "heat map of “full leaf”", f"mask, {mask.mean():.0%} leaf", "cut-out"]
    show.tiles(pictures, [f"{caption} of {name}" for caption in captions], captions)
    st.download_button(
        "Download cut-out",
        lambda: cut_out(file, cam, delta),
        f"{name}-leaf.png",
        "image/png",
        icon=":material/download:",
        key="see_cut_out",
        help="PNG at the photo's size, transparent outside the mask.",
    )


def cut_out(file: Path, cam: np.ndarray, delta: float) -> bytes:
    """Return a photo with a transparent background, as PNG at its own size.

    Args:
        file: The photo.
        cam: (h, w) float in [0, 1].
        delta: The threshold.
    """
    photo = open_rgb(file)
    photo.putalpha(Image.fromarray(threshold(cam, delta, *photo.size).view(np.uint8) * 255))
    buffer = io.BytesIO()
    photo.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
