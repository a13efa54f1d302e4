"""Random forests (Breiman 2001), through scikit-learn."""

import time

from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    Integer,
)
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from benchmark_utils.learners import Continued, Fit, all_classes, n_of

N_TREES = 100


class RandomForest(Continued):
    """100 trees; features per split, node size, and whether and how to resample.

    The hyperparameters that Probst, Wright & Boulesteix 2019 (WIREs Data Mining 9,
    "Hyperparameters and tuning strategies for random forest") find to matter:
    `max_samples` exists only where `bootstrap` is true.

    The fidelity is a share of the trees, as in HPOBench (Eggensperger et al. 2021).

    Folklore: scikit-learn's defaults for the task; the other task's share of
    features; larger leaves; extremely small samples; all data for every tree.
    """

    min_fidelity = 1 / N_TREES

    def __init__(self, task: str, n_features: int):
        self._forest = {
            "regression": RandomForestRegressor,
            "classification": RandomForestClassifier,
        }[task]
        root = max(n_features**-0.5, 0.1)
        share = 1.0 if task == "regression" else root
        self.space = ConfigurationSpace(
            space=[
                Float("max_features", (0.1, 1.0), default=share),
                Integer("min_samples_leaf", (1, 50), log=True, default=1),
                Categorical("bootstrap", [True, False], default=True),
                Float("max_samples", (0.1, 1.0), default=1.0),
            ]
        )
        self.space.add(
            EqualsCondition(self.space["max_samples"], self.space["bootstrap"], True)
        )
        own = {"max_features": share, "min_samples_leaf": 1, "bootstrap": True}
        own["max_samples"] = 1.0
        all_data = {k: v for k, v in own.items() if k != "max_samples"}
        self.defaults = [
            own,
            own | {"max_features": root if task == "regression" else 1.0},
            own | {"max_features": max(1 / 3, 0.1)},
            own | {"min_samples_leaf": 5},
            own | {"max_samples": 0.632},
            all_data | {"bootstrap": False, "max_features": root},
        ]

    def prepare(self, parts):
        return parts

    def begin(self, configuration, data, seed, metric):
        values = dict(configuration)
        if "max_samples" in values:  # as a number: of a share of few it warns
            share, n = values["max_samples"], len(data.X_train)
            values["max_samples"] = max(1, round(share * n))
        return self._forest(
            n_estimators=0,
            warm_start=True,  # the trees there are stay, as they would have been
            random_state=seed,
            n_jobs=1,
            **values,
        )

    def proceed(self, model, data, fidelity):
        n_trees = n_of(fidelity, N_TREES)
        start = time.perf_counter()
        if n_trees > model.n_estimators:
            model.set_params(n_estimators=n_trees).fit(data.X_train, data.y_train)
        fitted = time.perf_counter()
        test = self._predict(model, data.X_test, data.n_classes)
        predicted = time.perf_counter()
        valid = self._predict(model, data.X_valid, data.n_classes)
        return Fit(
            valid,
            test,
            fit_seconds=fitted - start,
            predict_seconds=predicted - fitted,
            size=float(sum(tree.get_n_leaves() for tree in model.estimators_)),
        )

    @staticmethod
    def _predict(model, X, n_classes):
        return all_classes(model, X, n_classes) if n_classes else model.predict(X)
