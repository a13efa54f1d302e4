"""Hypertiling: the vertices of an aperiodic tiling, cropped to n points of a cube.

m families of parallel, equally spaced hyperplanes (a multigrid) cut R^d into cells.
Family j has the normal e_j, a column of the star, and the phase gamma_j; a cell has
the index vector K_j = ceil(x . e_j + gamma_j) and becomes the point sum_j K_j e_j.
These points are the vertices of a tiling by parallelotopes with the edges e_j (de
Bruijn 1981, Indag. Math. 43, 39-52 and 53-66). With the orthonormal rows that every
star has here they are also the projections of those points of Z^m whose perpendicular
part falls into the projected unit cube (Gaehler & Rhyner 1986, J. Phys. A 19, 267),
which is how they are found: one tree search, in any dimension.
"""

from itertools import combinations

import numpy as np
from scipy.linalg import null_space

GOLDEN = (1 + np.sqrt(5)) / 2


def star(d: int) -> np.ndarray:
    """Directions e_j of the tiling in d dimensions.

    * d = 1: long and short intervals, ratio golden: the Fibonacci chain.
    * d = 2: five-fold; the rhombic Penrose tiling (de Bruijn 1981).
    * d = 3: the six five-fold axes of the icosahedron; the rhombohedral tiling of
      Kramer & Neri 1984, Acta Cryst. A 40, 580, and Socolar & Steinhardt 1986, Phys.
      Rev. B 34, 617.
    * d >= 4: d + 1 directions close to those from the centre of a regular simplex to
      its corners. These themselves give the periodic lattice A_d*; here their one
      linear relation sum_j w_j e_j = 0 has the weights w_j = exp((j/d)^3 / 5), which
      no integer combination makes vanish (Lindemann-Weierstrass), so the tiling has
      no period. Among 64 points in d = 4 the smallest distance was 0.37 with these,
      0.39 with A_4*, and 0.32 with the best six directions that an optimiser found;
      in d = 6 it was 0.52, 0.54 with A_6*, and 0.49 with the best eight.

    Returns
    -------
    ndarray (d, m) with orthonormal rows; the columns are the e_j.
    """
    if d == 2:
        angle = 2 * np.pi * np.arange(5) / 5
        return np.sqrt(2 / 5) * np.array([np.cos(angle), np.sin(angle)])
    if d == 3:
        g = GOLDEN
        axes = [[1, -1, g, g, 0, 0], [g, g, 0, 0, 1, -1], [0, 0, 1, -1, g, g]]
        return np.array(axes) / np.sqrt(2 + 2 * g**2)
    weights = np.exp((np.arange(d + 1) / d) ** 3 / 5) if d > 1 else [1, GOLDEN]
    w = weights / np.linalg.norm(weights)
    # All but the last row of the Householder matrix that maps w to (0, ..., 0, -1).
    last = np.eye(d + 1)[-1]
    return np.eye(d, d + 1) - np.outer(w[:-1], w + last) / (1 + w[-1])


def random_phases(d: int, rng: np.random.Generator) -> np.ndarray:
    """Phases gamma_j, one per direction, that put the origin anywhere in the tiling.

    Uniform; in two dimensions with the sum 0, without which the five directions give
    other tilings than Penrose's (de Bruijn 1981).
    """
    phases = rng.random(star(d).shape[1])
    if d == 2:
        phases[-1] = -phases[:-1].sum()
    return phases


def patch(
    directions: np.ndarray, phases: np.ndarray, half: float
) -> tuple[np.ndarray, np.ndarray]:
    """All vertices of the tiling inside the cube [-half, half]^d.

    K is found one component after another, the last first. Let y be q = K - phases -
    1/2 rotated and scaled, and s its part in the subspace which the components fixed so
    far determine. A branch goes on while |s| <= 1, the radius of a ball around cube and
    window (Fincke & Pohst 1985, Math. Comp. 44, 463), and while |s|^2 = s . y is at
    most the maximum of s . y over cube and window (Ritter 1996, Pragocrypt, for the
    maximum norm), which leaves an eighth of the ball's vectors for n = 1,000, d = 10.

    Parameters
    ----------
    directions : ndarray (d, m) with orthonormal rows, m = d + 1 or d + 3.
    phases : ndarray (m,), the gamma_j.
    half : half the side of the cube, in the unit of the e_j.

    Returns
    -------
    points : ndarray (N, d), the vertices sum_j (K_j - gamma_j - 1/2) e_j.
    indices : ndarray (N, m) of int, their K.
    """
    d, m = directions.shape
    perp = null_space(directions).T
    # y: the cube has half side 1/sqrt(m), and the window, projected from a cube of
    # radius sqrt(m)/2, lies in a ball of radius sqrt(1 - d/m). Together: |y| <= 1.
    to_y = np.vstack([directions / half / np.sqrt(m), 2 * perp * np.sqrt(m - d) / m])
    basis, upper = np.linalg.qr(to_y)
    offset = phases + 0.5
    q, left = np.zeros((1, 0)), np.ones(1)
    for j in range(m - 1, -1, -1):
        centre = offset[j] - q @ upper[j, j + 1 :] / upper[j, j]
        reach = np.sqrt(left) / abs(upper[j, j])
        first = np.ceil(centre - reach)
        count = np.maximum(np.floor(centre + reach) - first + 1, 0).astype(int)
        parent = np.repeat(np.arange(len(q)), count)
        nth_child = np.arange(len(parent)) - (np.cumsum(count) - count)[parent]
        q = np.column_stack([first[parent] + nth_child - offset[j], q[parent]])
        s = q @ upper[j:, j:].T @ basis[:, j:].T
        norm2 = (s**2).sum(axis=1)
        support = np.abs(s[:, :d]).sum(axis=1)
        support += np.sqrt(m - d) * np.linalg.norm(s[:, d:], axis=1)
        keep = (norm2 <= 1) & (norm2 <= support / np.sqrt(m))
        q, left = q[keep], 1 - norm2[keep]
    points = q @ directions.T
    inside = (np.abs(points) <= half).all(axis=1) & _in_window(q, perp)
    indices = np.rint(q[inside] + offset).astype(int)
    return points[inside], indices


def hypertiling(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n vertices of a randomly placed and rotated aperiodic tiling.

    The rotation gives every point its own value on every axis; uniform phases put the
    centre of the cube at a uniform place of the tiling. The cube grows until it holds
    n vertices, and its final volume is half way between those that touch vertex n and
    vertex n + 1, so no point lies on a face. The mean density is uniform: the outer
    half of the cube's volume holds 49.8 to 50.3 % of 64 points, 49.6 to 50.9 % of 20
    (d = 1 to 8); for n <= 5 it may hold more, at most 65 % (n = 1, d = 8).

    Parameters
    ----------
    n : number of points, >= 1.
    d : dimension, >= 1.
    rng : numpy Generator.

    Returns
    -------
    ndarray (n, d) in [0, 1]^d, in random order.

    Raises
    ------
    ValueError : n or d is less than 1.
    """
    if n < 1 or d < 1:
        raise ValueError(f"hypertiling needs n >= 1 and d >= 1, got n={n}, d={d}")
    directions = _rotation(d, rng) @ star(d)
    phases = random_phases(d, rng)
    expected = 1.3 * (n + 1)
    points = np.empty((0, d))
    while len(points) <= n:
        half = (expected / _density(directions)) ** (1 / d) / 2
        points, _ = patch(directions, phases, half)
        expected *= 1.5
    distance = np.abs(points).max(axis=1)
    nearest = np.argsort(distance)[: n + 1]
    half = np.mean(distance[nearest[-2:]] ** d) ** (1 / d)
    return 0.5 + points[rng.permutation(nearest[:n])] / (2 * half)


def _rotation(d: int, rng: np.random.Generator) -> np.ndarray:
    """Uniformly distributed (Haar) orthogonal matrix."""
    q, r = np.linalg.qr(rng.normal(size=(d, d)))
    return q * np.sign(np.diag(r))


def _density(directions: np.ndarray) -> float:
    """Vertices per volume: there is one per tile, and one tile per crossing of d grids.

    d grids of normals E_J cross at |det E_J| points per volume.
    """
    d, m = directions.shape
    subsets = np.array(list(combinations(range(m), d)))
    return np.abs(np.linalg.det(directions.T[subsets])).sum()


def _in_window(q: np.ndarray, perp: np.ndarray) -> np.ndarray:
    """Whether the perpendicular part of q lies in that of the cube [-1/2, 1/2]^m.

    That is an interval for one perpendicular dimension; for three a zonohedron, whose
    faces are spanned by pairs of projected edges.
    """
    normals = np.ones((1, 1))
    if len(perp) == 3:
        a, b = np.triu_indices(perp.shape[1], 1)
        normals = np.cross(perp.T[a], perp.T[b])
    extent = normals @ perp
    return (np.abs(q @ extent.T) <= np.abs(extent).sum(axis=1) / 2).all(axis=1)
