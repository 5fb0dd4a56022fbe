"""Pictures without a leaf, from which LFLSeg learns what none is: a folder of the user's, or scenes of our own."""

from pathlib import Path

from leafcore.files import write_bytes
from leafcore.images import encode_png
from leafcore.progress import Progress
from leafcore.workspace import Workspace

RENDERED = "rendered"  # what a config calls scenes of our own
SCENES = 240  # so many are drawn


def nonleaf_folder(source: str, workspace: Workspace, size_px: int, progress: Progress) -> Path:
    """Return the folder of pictures without a leaf.

    Args:
        source: A folder, or "rendered" for scenes that are drawn once per workspace and size.
        workspace: Where those are kept.
        size_px: Their side.
        progress: Told that they are drawn.

    Raises:
        Stopped: Somebody asked to stop; the scenes so far stay.
    """
    if source != RENDERED:
        return Path(source).expanduser().resolve()
    from leafcore.data.rendered import render_nonleaf

    folder = workspace.cache / "nonleaf" / f"{size_px}px"
    progress.phase("drawing scenes without leaves")
    for seed in range(SCENES):
        file = folder / f"scene-{seed:04d}.png"
        if not file.exists():
            write_bytes(file, encode_png(render_nonleaf(size_px, seed=seed)))
        progress.raise_if_stopped()
    return folder
