"""A synthetic set's manifest, as tests read it."""

from pathlib import Path

import pandas as pd

HASHES = ("config_hash", "source_sha256", "sha256", "phash")


def read_manifest(folder: Path, name: str = "manifest.csv") -> pd.DataFrame:
    """Return a manifest with numbers as numbers and hashes as text: one that is all digits would else be a number."""
    return pd.read_csv(folder / name, dtype=dict.fromkeys(HASHES, str), keep_default_na=False)
