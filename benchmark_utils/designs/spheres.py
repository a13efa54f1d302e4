"""Spheres in the unit cube: which places are free, and how large they can be.

Shared by `rsa` and `rsa_lhs`. All centres lie in the cube; spheres may stick out of
it. Sets of points are held by axis, shape (d, number of points), which is what numpy
is quick at.
"""

from collections.abc import Callable
from math import gamma, pi, sqrt

import numpy as np

BOUNDARIES = ("periodic", "hard")
TOLERANCE = 0.01  # relative; how narrowly the radius is bracketed
PAIRS = 2**15  # distances computed at once: they fit the cache
# Share of the torus that the spheres of `rsa` cover, in d = 1 to 10, measured at
# n = 1,000. It is where a search starts: a bad guess costs time only.
COVERED = (0.745, 0.545, 0.38, 0.2, 0.115, 0.0635, 0.034, 0.0182, 0.0095, 0.0054)


def check(n: int, d: int, boundary: str) -> None:
    """Raise ValueError unless n >= 1, d >= 1 and the boundary is known."""
    if n < 1 or d < 1:
        raise ValueError(f"n and d must be at least 1, not n = {n} and d = {d}")
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary must be one of {BOUNDARIES}, not {boundary!r}")


def squared_distances(a: np.ndarray, b: np.ndarray, boundary: str) -> np.ndarray:
    """Squared distances between two sets: (d, m) and (d, k) give (k, m).

    Periodic ones are measured on the torus, where opposite faces of the cube are one.
    """
    total = np.zeros((b.shape[1], a.shape[1]))
    for along_a, along_b in zip(a, b, strict=True):
        gap = along_b[:, None] - along_a
        np.abs(gap, out=gap)
        if boundary == "periodic":
            np.minimum(gap, 1 - gap, out=gap)
        gap *= gap
        total += gap
    return total


def clear_of(
    candidates: np.ndarray,
    points: np.ndarray,
    radius: float,
    boundary: str,
    ignored: np.ndarray | None = None,
) -> np.ndarray:
    """Indices, ascending, of the candidates whose sphere overlaps none at `points`.

    `ignored` names for each candidate the one point that it need not keep away from.
    """
    left = np.arange(candidates.shape[1])
    start = 0
    while start < points.shape[1] and len(left):
        chunk = points[:, start : start + max(1, PAIRS // len(left))]
        distances = squared_distances(candidates[:, left], chunk, boundary)
        overlaps = distances < 4 * radius**2
        if ignored is not None:
            index = np.arange(start, start + chunk.shape[1])
            overlaps &= index[:, None] != ignored[left]
        left = left[~overlaps.any(axis=0)]
        start += chunk.shape[1]
    return left


def largest_radius(
    run: Callable[[float], np.ndarray], n: int, d: int, boundary: str, guess: float
) -> tuple[np.ndarray, float]:
    """Bisect for a radius at which `run(radius)` places n points but not above.

    `run` returns the points it could place, (d, at most n), and must be able to place n
    where the radius is small enough. Returns n points, (n, d), and their radius r. At
    some radius of at most (1 + TOLERANCE) r the run fell short, or points of the cube
    cannot be that far apart.
    """
    low, high = 0.0, sqrt(d) / (4 if boundary == "periodic" else 2)  # half the diagonal
    radius, step = min(guess, high), 1.02
    while high > (1 + TOLERANCE) * low:
        placed = run(radius)
        if placed.shape[1] == n:
            low, points = radius, placed
        else:
            high = radius
        # Growing steps until both ends are known, then the middle of the logarithms.
        radius = min(step * low, sqrt(low * high)) if low else high / step
        step = min(step**2, 2)
    return points.T.copy(), low


def guess_radius(n: int, d: int, boundary: str) -> float:
    """Radius at which n spheres cover the share `COVERED` of the torus.

    In the hard cube, half of what sticks out is counted as room gained.
    """
    ball = pi ** (d / 2) / gamma(d / 2 + 1)
    share = COVERED[min(d, len(COVERED)) - 1]
    radius = (share / (n * ball)) ** (1 / d)
    return radius if boundary == "periodic" else radius / max(1 - radius, 0.5)
