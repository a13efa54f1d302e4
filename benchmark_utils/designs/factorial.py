"""Full factorials: how many levels each hyperparameter gets, and where they are."""

import math

import numpy as np

from benchmark_utils.unit_cube import Axis


def levels(n: int, most: list[float]) -> list[int]:
    """Return the numbers of levels of the fullest factorial with at most n points.

    One level at a time goes to the hyperparameter with the fewest, the first among
    equals, until none can take another: N^d where n = N^d. ``most`` has the number of
    different values of each.
    """
    counts = [1] * len(most)
    while True:
        room = [
            (count, i)
            for i, count in enumerate(counts)
            if count < most[i] and math.prod(counts) // count * (count + 1) <= n
        ]
        if not room:
            return counts
        counts[min(room)[1]] += 1


def ticks(axis: Axis, k: int) -> list[float]:
    """Return the coordinates of k levels of an axis, from end to end."""
    if k == 1:
        return [0.5]
    if math.isinf(axis.n_values):
        return np.linspace(0, 1, k).tolist()
    # The middles of k cells out of n_values, the first and the last among them.
    cells = np.round(np.linspace(0, axis.n_values - 1, k))
    return ((cells + 0.5) / axis.n_values).tolist()
