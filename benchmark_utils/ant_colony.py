"""Ant colony optimisation in continuous and mixed spaces: ACO_R and ACO_MV.

Socha & Dorigo 2008, "Ant colony optimization for continuous domains", Eur. J. Oper.
Res. 185, 1155-1173; Liao, Socha, Montes de Oca, Stützle & Dorigo 2014, "Ant colony
optimization for mixed-variable optimization problems", IEEE Trans. Evol. Comput. 18,
503-518. Equation numbers are those of T. Liao's thesis (Université libre de Bruxelles,
2013, chapters 2 and 4), which states both.

What takes the place of pheromone is an archive of the k best solutions, best first. An
ant chooses one of them by its rank and samples around it: in a Gaussian whose width is
the mean distance of the others from it. A category is drawn by how highly the
solutions rank that have it, and how many they are.
"""

import numpy as np
from scipy.special import ndtr, ndtri


class AntColony:
    """Minimise over [0, 1] and categories: ask for solutions, tell their losses.

    Parameters
    ----------
    n_categories : sequence of int
        for each variable the number of its categories, 0 for a continuous one.
        Integers and ordinals are continuous ones that the caller rounds (the continuous
        relaxation of ACO_MV); the archive keeps them unrounded.
    rng : numpy.random.Generator
        the only source of randomness.
    n_archive, n_ants : int
        k and m: solutions that are kept (at least 2), and new ones per iteration.
    q : float
        locality: the standard deviation, in units of k, of the ranks that are followed.
        Near 0 only the best is.
    xi : float
        the widths of the Gaussians in units of the mean distance: the smaller, the
        faster the colony converges.
    patience : int or None
        the number of solutions without a better one after which the archive, but for
        its best, is drawn anew (the restart of ACO_MV); None for never.
    initial : callable or None
        takes a number n, returns the n solutions, (n, d), to start from; None for
        uniformly random ones.

    Notes
    -----
    Solutions are rows of floats: values in [0, 1], and categories as indices.

    An ant follows the same solution in all its continuous variables, as in the 2008
    paper; the thesis has it choose anew for each. Left out is that paper's rotation of
    the coordinates. Chosen here: the Gaussians are cut off at 0 and 1, and of equal
    losses the older solution ranks first.
    """

    def __init__(
        self,
        n_categories,
        rng: np.random.Generator,
        n_archive: int = 50,
        n_ants: int = 2,
        q: float = 1e-4,
        xi: float = 0.85,
        patience: int | None = None,
        initial=None,
    ):
        self.n_categories = np.asarray(n_categories)
        self.rng = rng
        self.n_archive = n_archive
        self.n_ants = n_ants
        self.q = q
        self.xi = xi
        self.patience = patience
        self.initial = initial or self.uniform
        self.solutions = np.empty((0, len(self.n_categories)))
        self.losses = np.empty(0)
        self.n_vain = 0
        # eq. 2.2, the weights of ranks 1 ... k
        ranks, qk = np.arange(1, n_archive + 1), q * n_archive
        self.weights = np.exp(-((ranks - 1) ** 2) / (2 * qk**2))
        self.weights /= qk * np.sqrt(2 * np.pi)

    def uniform(self, n: int) -> np.ndarray:
        """Return n uniformly random solutions."""
        u = self.rng.random((n, len(self.n_categories)))
        return np.where(self.n_categories, np.floor(u * self.n_categories), u)

    def ask(self) -> np.ndarray:
        """Return the next solutions, (n, d): what the archive lacks, or n_ants."""
        lacking = self.n_archive - len(self.losses)
        if lacking:
            return self.initial(lacking)
        chances = self.weights / self.weights.sum()
        chosen = self.rng.choice(self.n_archive, size=self.n_ants, p=chances)
        return np.column_stack(
            [
                self._categories(x, n, self.n_ants) if n else self._gaussian(x, chosen)
                for x, n in zip(self.solutions.T, self.n_categories, strict=True)
            ]
        )

    def tell(self, solutions: np.ndarray, losses) -> None:
        """Learn the losses of what was asked for; the best k are kept."""
        was_full = len(self.losses) == self.n_archive
        better = np.min(losses) < self.losses.min(initial=np.inf)
        self.n_vain = 0 if better or not was_full else self.n_vain + len(losses)

        losses = np.concatenate([self.losses, losses])
        solutions = np.concatenate([self.solutions, solutions])
        restart = self.patience is not None and self.n_vain >= self.patience
        n_kept = 1 if restart else self.n_archive
        kept = np.argsort(losses, kind="stable")[:n_kept]
        self.losses, self.solutions = losses[kept], solutions[kept]

    def _gaussian(self, x: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        mu = x[chosen]
        # eq. 2.3
        sigma = self.xi * np.abs(x - mu[:, None]).sum(axis=1) / (self.n_archive - 1)
        # One term of eq. 2.1, sampled by its inverse between the bounds 0 and 1.
        sigma = np.maximum(sigma, np.finfo(float).tiny)
        low, high = ndtr((0 - mu) / sigma), ndtr((1 - mu) / sigma)
        u = self.rng.uniform(low, high)
        return np.clip(mu + sigma * ndtri(u), 0, 1)

    def _categories(self, x: np.ndarray, n: int, size: int) -> np.ndarray:
        has = x == np.arange(n)[:, None]
        used, best = has.sum(axis=1), has.argmax(axis=1)
        n_unused = (used == 0).sum()
        # eq. 4.2: the weight of the best solution that has it, over their number, ...
        w = np.where(used > 0, self.weights[best] / np.maximum(used, 1), 0)
        # ... and a share for every category as long as some are unused
        if n_unused:
            w += self.q / n_unused
        return self.rng.choice(n, size=size, p=w / w.sum())  # eq. 4.1
