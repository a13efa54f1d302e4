"""Support vector machines with a Gaussian kernel, through scikit-learn."""

import time
from dataclasses import dataclass

import numpy as np
from ConfigSpace import ConfigurationSpace, Float
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from benchmark_utils.learners import Fit, OneAtATime, all_classes
from benchmark_utils.splits import Parts

MOST_ITERATIONS = 100_000  # libsvm would otherwise run for hours at the largest C


@dataclass(frozen=True, eq=False)
class Scaled:
    parts: Parts
    X_train: np.ndarray
    X_valid: np.ndarray
    X_test: np.ndarray
    target: StandardScaler | None


class SVM(OneAtATime):
    """C and gamma, the classical pair, on the ranges of Hsu, Chang & Lin.

    "A practical guide to support vector classification" (2003) searches C from 2^-5
    to 2^15 and gamma from 2^-15 to 2^3 on logarithmic scales. Features are scaled to
    unit variance as it advises, and so are the targets of regression. Probabilities
    come from Platt's scaling over 5 folds, or as many as the rarest class has rows.

    Folklore: scikit-learn's defaults (C = 1, gamma = 1 / number of features), the
    gamma = 0.001 of its digits example, and points of the guide's coarse grid.
    """

    def __init__(self, n_features: int):
        gamma = min(max(1 / n_features, 2**-15), 2**3)
        self.space = ConfigurationSpace(
            space=[
                Float("C", (2**-5, 2**15), log=True, default=1.0),
                Float("gamma", (2**-15, 2**3), log=True, default=gamma),
            ]
        )
        pairs = [(1.0, gamma), (1.0, 0.001), (100.0, 0.001), (10.0, gamma)]
        pairs += [(2.0**3, 2.0**-3), (2.0**7, 2.0**-7), (2.0**11, 2.0**-11)]
        self.defaults = [{"C": C, "gamma": gamma} for C, gamma in pairs]

    def prepare(self, parts):
        scale = make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler()
        ).fit(parts.X_train)
        target = None
        if parts.task == "regression":
            target = StandardScaler().fit(parts.y_train[:, None])
        features = (parts.X_train, parts.X_valid, parts.X_test)
        return Scaled(parts, *map(scale.transform, features), target)

    def train(self, configuration, data, seed, metric):
        options = {**dict(configuration), "max_iter": MOST_ITERATIONS}
        y = data.parts.y_train
        if data.target is not None:
            model = SVR(**options)
            y = data.target.transform(y[:, None]).ravel()
        else:
            # Platt's scaling needs every class in every fold.
            smallest = np.unique(y, return_counts=True)[1].min()
            model = CalibratedClassifierCV(
                SVC(**options, random_state=seed), ensemble=False, cv=min(5, smallest)
            )
        start = time.perf_counter()
        model.fit(data.X_train, y)
        fitted = time.perf_counter()
        test = self._predict(model, data.X_test, data)
        predicted = time.perf_counter()
        valid = self._predict(model, data.X_valid, data)
        svm = model if data.target else model.calibrated_classifiers_[0].estimator
        return Fit(
            valid,
            test,
            fit_seconds=fitted - start,
            predict_seconds=predicted - fitted,
            size=float(svm.support_vectors_.size),
        )

    @staticmethod
    def _predict(model, X, data):
        if data.target is not None:
            return data.target.inverse_transform(model.predict(X)[:, None]).ravel()
        return all_classes(model, X, data.parts.n_classes)
