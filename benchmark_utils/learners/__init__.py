"""A learner: a model family with its hyperparameters. Returns predictions."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from benchmark_utils.problems import Setting
from benchmark_utils.splits import Parts
from benchmark_utils.trials import Request


@dataclass(frozen=True, eq=False)
class Fit:
    """What one training gives.

    Predictions are ndarray (n,) for regression, probabilities (n, n_classes) for
    classification, vectors of length 1, (n, 3), for direction. ``predict_seconds`` is
    for the test part.
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
    min_fidelity : float
        smallest share of a full training that means something; 1 where partial
        training does not exist.
    """

    space: ConfigurationSpace
    defaults: list[dict]
    min_fidelity: float = 1.0

    @abstractmethod
    def prepare(self, parts: Parts) -> object:
        """Do what all trainings on these parts share, once."""

    @abstractmethod
    def fit(
        self,
        requests: list[Request],
        data: object,
        seeds: dict[int, int],
        setting: Setting,
        kept: dict[int, object],
    ) -> Iterator[tuple[int, Fit | Exception]]:
        """Train on what ``prepare`` returned; yield (trial id, fit or error).

        ``kept``, by trial id, is what there is of partial trainings: see `Problem`.
        The seconds of a continued fit are those of the continuation.
        """


class OneAtATime(Learner):
    """A learner that trains one configuration after the other: ``train``."""

    @abstractmethod
    def train(
        self, configuration: Configuration, data: object, seed: int, metric: str
    ) -> Fit:
        """Train one configuration; an exception is a failed trial."""

    def fit(self, requests, data, seeds, setting, kept):
        for trial_id, configuration, _ in requests:
            seed = seeds[trial_id]
            try:
                fit = self.train(configuration, data, seed, setting.metric)
                yield trial_id, fit
            except Exception as error:  # any: the search goes on without this one
                yield trial_id, error


class Continued(Learner):
    """A learner that trains one configuration after the other, each in parts.

    Implement ``begin`` and ``proceed``; several trainings may be under way at once.
    """

    @abstractmethod
    def begin(
        self, configuration: Configuration, data: object, seed: int, metric: str
    ) -> object:
        """Return a training of one configuration at which nothing was done yet."""

    @abstractmethod
    def proceed(self, training: object, data: object, fidelity: float) -> Fit:
        """Train on to the fidelity; an exception is a failed trial."""

    def fit(self, requests, data, seeds, setting, kept):
        for trial_id, configuration, fidelity in requests:
            try:
                training = kept.pop(trial_id, None)
                if training is None:
                    seed = seeds[trial_id]
                    training = self.begin(configuration, data, seed, setting.metric)
                fit = self.proceed(training, data, fidelity)
            except Exception as error:  # any: the search goes on without this one
                yield trial_id, error
                continue
            if fidelity < 1:
                kept[trial_id] = training
            yield trial_id, fit


def n_of(fidelity: float, most: int) -> int:
    """Return how many of the ``most`` trees, epochs, ... a fidelity is: rounded up."""
    return math.ceil(fidelity * most - 1e-6)


def all_classes(model: object, X: np.ndarray, n_classes: int) -> np.ndarray:
    """Return probabilities (n, n_classes): 0 for classes that training never saw."""
    probabilities = np.zeros((len(X), n_classes))
    probabilities[:, model.classes_] = model.predict_proba(X)
    return probabilities
