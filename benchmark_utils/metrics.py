"""Losses, lower is better: from targets and predictions to one number."""

from collections.abc import Callable

import numpy as np
from sklearn.metrics import log_loss, mean_absolute_error, root_mean_squared_error


def cross_entropy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log probability of the true class, in nats."""
    classes = np.arange(probabilities.shape[1])
    return float(log_loss(targets, probabilities, labels=classes))


def error_rate(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of wrong predictions: 1 - accuracy."""
    return float(np.mean(probabilities.argmax(axis=1) != targets))


def angles(targets: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Opening angles in degrees, (n,), between directions (n, 3) of length 1."""
    # Not arccos of the scalar product, which is inexact where the angle is small.
    apart = np.linalg.norm(targets - directions, axis=1)
    together = np.linalg.norm(targets + directions, axis=1)
    return np.degrees(2 * np.arctan2(apart, together))


def mean_angle(targets: np.ndarray, directions: np.ndarray) -> float:
    """Mean opening angle between true and predicted direction, in degrees."""
    return float(angles(targets, directions).mean())


def median_angle(targets: np.ndarray, directions: np.ndarray) -> float:
    """Median opening angle, in degrees: what neutrino telescopes call resolution."""
    return float(np.median(angles(targets, directions)))


# The first of each task is its default.
METRICS: dict[str, dict[str, Callable[[np.ndarray, np.ndarray], float]]] = {
    "regression": {"rmse": root_mean_squared_error, "mae": mean_absolute_error},
    "classification": {"cross-entropy": cross_entropy, "error-rate": error_rate},
    "direction": {"angle": mean_angle, "median-angle": median_angle},
}
