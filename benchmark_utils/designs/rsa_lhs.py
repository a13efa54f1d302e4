"""Latin hypercubes whose points keep their distance, built point by point.

Each axis is cut into n equal cells, its rows. Points are placed one after another:
uniformly within a row that is still free on every axis, among the places where a
sphere of radius r overlaps no earlier sphere, as in random sequential addition
(`rsa`). So every projection onto one axis is exactly a Latin hypercube's, one point in
each row, and no two points are closer than 2 r.

The last points have hardly a choice of rows, and r would suffer: in d = 2, n = 64 it
would be 0.52 of that of `rsa`. Hence one relaxation, which makes it 0.87 (in d = 8,
0.94 instead of 0.81). When none of `BATCH` candidates is free, the next point is placed
by an *exchange*: it trades rows with an earlier point on a random subset of the axes,
and both are placed anew within their rows, clear of all others. `BATCH` exchanges are
drawn, and the first that is clear is made. A run fails when `ROUNDS` times in a row
there was neither a free candidate nor a clear exchange.

r is the largest for which a run places n points, in the same sense as for `rsa`, which
also says what `boundary` means.
"""

import numpy as np

from benchmark_utils.designs.spheres import (
    check,
    clear_of,
    guess_radius,
    largest_radius,
    squared_distances,
)

BATCH = 256
ROUNDS = 10


def rsa_lhs(
    n: int, d: int, rng: np.random.Generator, boundary: str = "periodic"
) -> np.ndarray:
    """Return a Latin hypercube of n distant points in [0, 1]^d, shape (n, d).

    `boundary` is "periodic" or "hard". ValueError: n or d below 1, another boundary.
    """
    return rsa_lhs_with_radius(n, d, rng, boundary)[0]


def rsa_lhs_with_radius(
    n: int, d: int, rng: np.random.Generator, boundary: str = "periodic"
) -> tuple[np.ndarray, float]:
    """Return the points of `rsa_lhs` and their radius r: none are closer than 2 r."""
    check(n, d, boundary)
    seed = rng.integers(2**63)

    def run(radius):
        return add_points(radius, n, d, np.random.default_rng(seed), boundary)

    guess = 0.92 * guess_radius(n, d, "periodic")  # also near where the cube is hard
    return largest_radius(run, n, d, boundary, guess)


def add_points(
    radius: float, n: int, d: int, rng: np.random.Generator, boundary: str
) -> np.ndarray:
    """One run: place points until there are n or it fails. Points (d, at most n)."""
    axes = np.arange(d)[:, None]
    rows, points = np.empty((d, 0), dtype=int), np.empty((d, 0))
    failed = 0
    while points.shape[1] < n and failed < ROUNDS:
        before = points.shape[1]
        free = np.ones((d, n), dtype=bool)
        free[axes, rows] = False
        free = np.nonzero(free)[1].reshape(d, n - before)
        drawn = free[axes, rng.integers(n - before, size=(d, BATCH))]
        candidates = jitter(drawn, n, rng)
        clear = clear_of(candidates, points, radius, boundary)
        if len(clear):
            drawn, candidates = drawn[:, clear], candidates[:, clear]
            taken = take_in_turn(drawn, candidates, radius, boundary)
            rows = np.hstack([rows, drawn[:, taken]])
            points = np.hstack([points, candidates[:, taken]])
        else:
            rows, points = exchange(drawn, rows, points, n, radius, rng, boundary)
        failed = failed + 1 if points.shape[1] == before else 0
    return points


def jitter(rows, n, rng):
    """Place points uniformly within their rows, n to an axis.

    They keep 1e-9 of a row off its ends: no rounding can put them into the next.
    """
    return (rows + 1e-9 + (1 - 2e-9) * rng.random(rows.shape)) / n


def take_in_turn(rows, candidates, radius, boundary):
    """Indices of the candidates that are still free when their turn comes.

    Free of those taken before them: on each axis in another row, and 2 r away.
    """
    taken, left = [], np.arange(candidates.shape[1])
    while len(left):
        first, left = left[:1], left[1:]
        taken.append(first[0])
        others = candidates[:, left]
        gaps = squared_distances(others, candidates[:, first], boundary)[0]
        new_rows = (rows[:, left] != rows[:, first]).all(axis=0)
        left = left[(gaps >= 4 * radius**2) & new_rows]
    return taken


def exchange(drawn, rows, points, n, radius, rng, boundary):
    """Add a point by letting it trade rows with an earlier one; return rows, points.

    `drawn`, (d, m), are free rows for the new point, m tries in all. If no try is
    clear, rows and points are returned as they are.
    """
    tries = drawn.shape[1]
    partner = rng.integers(points.shape[1], size=tries)
    trade = rng.random(drawn.shape) < 0.5
    rows_new = np.where(trade, rows[:, partner], drawn)
    rows_old = np.where(trade, drawn, rows[:, partner])
    new, old = jitter(rows_new, n, rng), jitter(rows_old, n, rng)
    clear = clear_of(new, points, radius, boundary, partner)
    clear = clear[clear_of(old[:, clear], points, radius, boundary, partner[clear])]
    apart = np.diag(squared_distances(new[:, clear], old[:, clear], boundary))
    for i in clear[apart >= 4 * radius**2][:1]:
        rows = np.hstack([rows, rows_new[:, [i]]])
        points = np.hstack([points, new[:, [i]]])
        rows[:, partner[i]] = rows_old[:, i]
        points[:, partner[i]] = old[:, i]
    return rows, points
