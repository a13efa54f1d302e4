"""The designs that everybody has: independent draws and those of scipy.stats.qmc."""

import numpy as np
from scipy.stats import qmc


def random(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return n independent uniform points, ndarray (n, d)."""
    return rng.random((n, d))


def lhs(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random Latin hypercube of n points, ndarray (n, d)."""
    return qmc.LatinHypercube(d, rng=rng).random(n)


def sobol(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return the first n points of a scrambled Sobol sequence, ndarray (n, d)."""
    # A power of 2 is drawn and cut: scipy warns about any other number.
    return qmc.Sobol(d, rng=rng).random_base2((n - 1).bit_length())[:n]


def halton(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return the first n points of a scrambled Halton sequence, ndarray (n, d)."""
    return qmc.Halton(d, rng=rng).random(n)
