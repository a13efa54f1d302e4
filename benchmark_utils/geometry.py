"""How points lie in the unit cube: measures of a design."""

import math

import numpy as np
from scipy.spatial import KDTree
from scipy.stats import qmc


def centred_discrepancy(points: np.ndarray) -> float:
    """Centred L2 discrepancy of points, ndarray (n, d): 0 is perfectly even.

    Hickernell 1998, Math. Comp. 67, eq. 7 (scipy's value is its square).
    """
    return math.sqrt(max(qmc.discrepancy(points, method="CD"), 0.0))


def smallest_distance(points: np.ndarray, periodic: bool = False) -> float:
    """Smallest Euclidean distance between two of the points; on the torus if periodic.

    NaN for a single point.
    """
    if len(points) < 2:
        return math.nan
    # On the torus, 1 is the same place as 0.
    tree = KDTree(points % 1.0, boxsize=1.0) if periodic else KDTree(points)
    return float(tree.query(tree.data, k=2)[0][:, 1].min())


def distinct_values(points: np.ndarray) -> float:
    """Different values on an axis: the mean over the axes."""
    return float(np.mean([len(np.unique(u)) for u in points.T]))


def outer_share(points: np.ndarray) -> float:
    """Share of the points in the outer half of the volume; evenly spread, 1/2."""
    inner = 0.5 * 0.5 ** (1 / points.shape[1])
    return float(np.mean(np.abs(points - 0.5).max(axis=1) > inner))
