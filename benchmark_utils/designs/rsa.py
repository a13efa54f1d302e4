"""Random sequential addition: spheres dropped at random that never overlap.

Points are placed one after another, each uniformly among the places where a sphere
of radius r around it overlaps no earlier sphere, that is at least 2 r away from all
earlier points. r is the largest for which n spheres can be placed.

How many fit is random, so "the largest" needs saying. A *run* is the whole process at
one radius, driven by one seed, until it is full; N(r) is the number of spheres placed.
The seed is held fixed while r varies (common random numbers). Then the run at r places
n spheres, and at a radius larger by at most `spheres.TOLERANCE` it places fewer. N(r)
falls with jumps up and down by a few spheres, so it can cross n more than once, close
by; bisection finds one of the crossings.

When a run is full:

- in d <= `VOXEL_DIMENSIONS`: when no place is left for another sphere (saturation).
  What may still be free is kept as a list of voxels that shrinks to nothing, after
  G. Zhang and S. Torquato, Phys. Rev. E 88, 053312 (2013);
- in higher dimensions that list is too long to search over radii with: one run with
  n = 1,000 took 0.15 s in d = 3 but 3.5 s in d = 4, with a million voxels. There, a run
  is full when `candidates_per_run` uniform candidates are used up, 1,000 for each
  sphere or 200,000 in all. Each is taken or rejected as in the endless process, which
  is only stopped earlier: in d = 4, n = 64, r is 3 % lower.

Boundary: all centres lie in the unit cube, and spheres may stick out of it. "periodic"
measures distance on the torus, where every place is like every other. "hard" measures
plain distance: a sphere on a face is half outside and blocks less, so points pile up on
the faces, the more the higher the dimension. At n = 64, 31 % of the points in d = 2
and 88 % in d = 8 lay within 0.05 of a face (periodic: 19 % and 57 %, as uniform).
"""

from itertools import product
from math import ceil, sqrt

import numpy as np
from scipy.spatial import cKDTree

from benchmark_utils.designs.spheres import (
    check,
    clear_of,
    guess_radius,
    largest_radius,
    squared_distances,
)

VOXEL_DIMENSIONS = 3
SMALLEST_VOXEL = 1e-9  # narrower holes are given up, so that every run ends
BATCH = 4096  # candidates tried at once


def rsa(
    n: int, d: int, rng: np.random.Generator, boundary: str = "periodic"
) -> np.ndarray:
    """Return n points in [0, 1]^d, shape (n, d), by random sequential addition.

    `boundary` is "periodic" or "hard". ValueError: n or d below 1, another boundary.
    """
    return rsa_with_radius(n, d, rng, boundary)[0]


def rsa_with_radius(
    n: int, d: int, rng: np.random.Generator, boundary: str = "periodic"
) -> tuple[np.ndarray, float]:
    """Return the points of `rsa`, in order of placement, and their radius r.

    No two are closer than 2 r. For n = 1 there is nothing to overlap, and r is only
    bounded by half the largest distance in the cube.
    """
    check(n, d, boundary)
    seed = rng.integers(2**63)

    def run(radius):
        return add_spheres(radius, n, d, np.random.default_rng(seed), boundary)

    return largest_radius(run, n, d, boundary, guess_radius(n, d, boundary))


def add_spheres(
    radius: float, n: int, d: int, rng: np.random.Generator, boundary: str
) -> np.ndarray:
    """One run: add spheres until there are n or it is full. Centres (d, at most n)."""
    points = np.empty((d, 0))
    unused = candidates_per_run(n, d)
    while unused and points.shape[1] < n:
        candidates = rng.random((d, min(unused, BATCH)))
        unused -= candidates.shape[1]
        clear = clear_of(candidates, points, radius, boundary)
        points = add_in_turn(points, candidates[:, clear], n, radius, boundary)
    if d <= VOXEL_DIMENSIONS and points.shape[1] < n:
        points = saturate(points, n, radius, rng, boundary)
    return points


def candidates_per_run(n: int, d: int) -> int:
    """Uniform candidates a run starts with and, in high dimension, consists of."""
    return 20 * n if d <= VOXEL_DIMENSIONS else max(n, min(1000 * n, 200_000))


def add_in_turn(points, candidates, n, radius, boundary):
    """Add each candidate that is still free when its turn comes, until there are n.

    The candidates overlap none of the points. The first is added and all that it blocks
    are struck out, then the first that is left, and so on.
    """
    added = [points]
    room = n - points.shape[1]
    while candidates.shape[1] and len(added) <= room:
        first, rest = candidates[:, :1], candidates[:, 1:]
        added.append(first)
        free = squared_distances(rest, first, boundary)[0] >= 4 * radius**2
        candidates = rest.take(np.flatnonzero(free), axis=1)
    return np.hstack(added)


def saturate(points, n, radius, rng, boundary):
    """Add spheres to `points` until there are n or no place is left.

    The voxels are equal cubes that together contain all that is free. In turn, those
    inside a single sphere of exclusion (radius 2 r) are dropped, as many candidates as
    there are voxels are drawn uniformly from all of them, and each is split into 2^d.
    """
    d = len(points)
    per_axis = ceil(sqrt(d) / (2 * radius))
    side = 1 / per_axis
    voxels = np.stack(np.meshgrid(*[np.arange(per_axis)] * d), axis=-1).reshape(-1, d)
    halves = np.array(list(product((0, 1), repeat=d)))
    while side > SMALLEST_VOXEL and points.shape[1] < n:
        tree = cKDTree(points.T, boxsize=1 if boundary == "periodic" else None)
        centres = (voxels + 0.5) * side
        nearest = points.T[tree.query(centres)[1]]
        gap = np.abs(centres - nearest)
        if boundary == "periodic":
            gap = np.minimum(np.minimum(gap, 1 - gap), 0.5 - side / 2)
        farthest = ((gap + side / 2) ** 2).sum(axis=1)  # of the voxel's corners
        voxels = voxels[farthest >= 4 * radius**2]
        if not len(voxels):
            break
        chosen = voxels[rng.integers(len(voxels), size=len(voxels))]
        candidates = (chosen + rng.random(chosen.shape)) * side
        candidates = np.minimum(candidates, np.nextafter(1, 0))  # 1.0 by rounding
        clear = tree.query(candidates)[0] >= 2 * radius
        points = add_in_turn(points, candidates[clear].T, n, radius, boundary)
        voxels = (2 * voxels[:, None] + halves).reshape(-1, d)
        side /= 2
    return points
