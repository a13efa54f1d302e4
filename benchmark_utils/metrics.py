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


# The first of each task is its default.
METRICS: dict[str, dict[str, Callable[[np.ndarray, np.ndarray], float]]] = {
    "regression": {"rmse": root_mean_squared_error, "mae": mean_absolute_error},
    "classification": {"cross-entropy": cross_entropy, "error-rate": error_rate},
}
