"""What is done to a curve before it is drawn: smoothed, cut to some steps, thinned to what a screen can show."""

import re

import numpy as np
import pandas as pd

FEW = 30  # points; fewer are drawn as they are, for an average over them hides more than it shows
MAX_POINTS = 2000  # of a drawn line; more cost the browser time and show nothing more

Steps = tuple[int, int] | None  # the first and the last one, or all


def smooth(values: pd.Series, weight: float) -> pd.Series:
    """Return the exponential moving average, corrected for its start as TensorBoard does.

    Each value is the average of all before it, the newest weighted `1 - weight`, and divided by `1 - weight^n`, so that
    the first values are not drawn towards zero (the bias correction of Adam, Kingma and Ba 2015, section 3).

    Args:
        values: A curve by step.
        weight: In [0, 1); 0 returns the values as they are.
    """
    return values.ewm(alpha=1 - weight, adjust=True).mean() if weight else values


def is_smoothed(values: pd.Series, weight: float) -> bool:
    """Whether a curve is drawn smoothed: asked for, and long enough."""
    return weight > 0 and len(values) >= FEW


def thin(values: pd.Series, limit: int = MAX_POINTS) -> pd.Series:
    """Return at most `limit` points that look the same: the least and the greatest of each bucket, so spikes stay.

    Min-max aggregation (Jugel, Jerzak, Hackenbroich and Markl 2014, "M4: a visualization-oriented time series data
    aggregation", VLDB 7(10)); the first and the last point always stay.

    Args:
        values: A curve by step; NaN is left out.
        limit: At least 4.
    """
    values = values.dropna()
    count = len(values)
    if count <= limit:
        return values
    size = -(-count // (limit // 2 - 1))
    buckets = np.pad(values.to_numpy(), (0, -count % size), mode="edge").reshape(-1, size)
    starts = np.arange(len(buckets)) * size
    kept = np.concatenate([[0], starts + buckets.argmin(1), starts + buckets.argmax(1), [count - 1]])
    return values.iloc[np.unique(kept.clip(max=count - 1))]


def parse_steps(text: str) -> Steps:
    """Return the steps that a person asks for, "1000-5000", or None for all.

    Raises:
        ValueError: It is neither that nor empty.
    """
    if not text.strip():
        return None
    found = re.fullmatch(r"\s*(\d+)\s*[-–]\s*(\d+)\s*", text)
    if not found or int(found[1]) >= int(found[2]):
        raise ValueError(f"Steps: got {text!r}, expected two steps such as 1000-5000, or nothing for all.")
    return int(found[1]), int(found[2])
