"""A learner: a model family with its hyperparameters. Returns predictions."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from benchmark_utils.splits import Parts
from benchmark_utils.trials import Request


@dataclass(frozen=True, eq=False)
class Fit:
    """What one training gives.

    Predictions are ndarray (n,) for regression, probabilities (n, n_classes) for
    classification. ``predict_seconds`` is for the test part.
    """

    valid_prediction: np.ndarray
    test_prediction: np.ndarray
    fit_seconds: float
    predict_seconds: float
    size: float


class Learner(ABC):
    """Fits many requests in one call; yields each fit as it is done.

    Attributes
    ----------
    space : ConfigSpace.ConfigurationSpace
    defaults : list of dict
        its own defaults first, then the settings its documentation recommends.
    """

    space: ConfigurationSpace
    defaults: list[dict]

    @abstractmethod
    def prepare(self, parts: Parts) -> object:
        """Do what all trainings on these parts share, once."""

    @abstractmethod
    def fit(
        self, requests: list[Request], data: object, seeds: dict[int, int], metric: str
    ) -> Iterator[tuple[int, Fit | Exception]]:
        """Train on what ``prepare`` returned; yield (trial id, fit or error)."""


class OneAtATime(Learner):
    """A learner that trains one configuration after the other: ``train``."""

    @abstractmethod
    def train(
        self, configuration: Configuration, data: object, seed: int, metric: str
    ) -> Fit:
        """Train one configuration; an exception is a failed trial."""

    def fit(self, requests, data, seeds, metric):
        for trial_id, configuration, _ in requests:
            try:
                yield trial_id, self.train(configuration, data, seeds[trial_id], metric)
            except Exception as error:  # any: the search goes on without this one
                yield trial_id, error


def all_classes(model: object, X: np.ndarray, n_classes: int) -> np.ndarray:
    """Return probabilities (n, n_classes): 0 for classes that training never saw."""
    probabilities = np.zeros((len(X), n_classes))
    probabilities[:, model.classes_] = model.predict_proba(X)
    return probabilities
