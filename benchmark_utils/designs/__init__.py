"""Space-filling designs: n points in [0, 1]^d, by name."""

from collections.abc import Callable

import numpy as np

from benchmark_utils.designs import classical, hypertiling, rsa, rsa_lhs

SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], np.ndarray]] = {
    "random": classical.random,
    "lhs": classical.lhs,
    "sobol": classical.sobol,
    "halton": classical.halton,
    "rsa": rsa.rsa,
    "rsa-lhs": rsa_lhs.rsa_lhs,
    "hypertiling": hypertiling.hypertiling,
}
