"""How likely each rank of a pool of N trials is the best of n of them."""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=16)  # pools of one size are asked one after the other
def best_of_n_weights(N: int, n: float) -> np.ndarray:
    """Return w_r = C(N-r, n-1) / C(N, n) for r = 1, 2, ...: rank r is the best of n.

    Cut off where a weight is below 1e-40. Each is the one before it times
    (N-r-n+1) / (N-r): products of numbers below one, which neither overflow nor, as
    differences of log-gamma functions do for large N, lose digits. The same formula
    goes through fractions of a trial, normalised: a smooth curve between whole n.
    """
    whole = float(n).is_integer()
    most = N - int(n) + 1 if whole else N
    if n > 1:  # w_r <= n/N exp(-(r - 1) (n - 1) / (N - 1))
        most = min(most, int(95 * (N - 1) / (n - 1)) + 2)
    r = np.arange(1, most)
    factors = np.maximum((N - r - n + 1) / (N - r), 0)
    weights = n / N * np.cumprod(np.r_[1.0, factors])
    if not whole:
        weights /= weights.sum()
    weights.flags.writeable = False
    return weights
