"""Which pictures are alike by their features: all pairs whose cosine is high."""

from collections.abc import Callable

import numpy as np

BLOCK_CELLS = 2**24  # cosines compared at a time: 64 MB


def similar_pairs(
    units: np.ndarray,
    files: np.ndarray,
    *,
    lowest: float,
    most: int,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of pictures that are most alike, the most alike first.

    Args:
        units: (N, D) float32 features of length 1.
        files: (N,) hashes of the files: the same file twice is no pair.
        lowest: The smallest cosine.
        most: How many pairs at most.
        report: Told how many rows of how many are compared.

    Returns:
        (P,) int64 rows of the first picture, (P,) int64 of the second, first < second; (P,) float32 cosines.
    """
    count = len(units)
    _, codes = np.unique(files, return_inverse=True)
    first, second, cosines = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    step = max(1, BLOCK_CELLS // max(1, count))
    for start in range(0, count, step):
        block = units[start : start + step] @ units[start:].T
        rows, columns = np.nonzero(np.triu(block >= lowest, k=1))
        found = block[rows, columns]
        rows, columns = rows + start, columns + start
        fresh = codes[rows] != codes[columns]
        first, second = np.append(first, rows[fresh]), np.append(second, columns[fresh])
        cosines = np.append(cosines, found[fresh])
        if len(cosines) > most:
            best = np.argpartition(-cosines, most)[:most]
            first, second, cosines = first[best], second[best], cosines[best]
            lowest = float(cosines.min())
        report(min(count, start + step), count)
    order = np.lexsort((second, first, -cosines))
    return first[order], second[order], np.minimum(cosines[order], 1.0)
