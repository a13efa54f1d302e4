"""Gradient-boosted trees (Ke et al. 2017), through lightgbm."""

import time
from dataclasses import dataclass

import lightgbm
import numpy as np
from ConfigSpace import ConfigurationSpace, Float, Integer

from benchmark_utils.learners import Fit, OneAtATime
from benchmark_utils.splits import Parts

METRIC_NAMES = {
    "rmse": "rmse",
    "mae": "l1",
    "cross-entropy": {True: "multi_logloss", False: "binary_logloss"},
    "error-rate": {True: "multi_error", False: "binary_error"},
}

# Without it, features that min_data_in_leaf rules out are dropped at binning, and
# one binned dataset could not serve every configuration.
BINNING = {"feature_pre_filter": False, "verbosity": -1}


@dataclass(frozen=True, eq=False)
class Binned:
    parts: Parts
    train: lightgbm.Dataset
    valid: lightgbm.Dataset


class LightGBM(OneAtATime):
    """LightGBM, single-threaded and deterministic.

    Parameters
    ----------
    space, defaults
        see `practitioners` and `copenhagen` below.
    most_trees : int
        boosting rounds of a full training.
    patience : int or None
        stop after so many rounds without a better loss on the validation part, and
        keep the best round; None trains all rounds.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        defaults: list[dict],
        most_trees: int = 100,
        patience: int | None = None,
    ):
        self.space = space
        self.defaults = defaults
        self.most_trees = most_trees
        self.patience = patience

    def prepare(self, parts):
        train = lightgbm.Dataset(parts.X_train, parts.y_train, params=BINNING)
        valid = train.create_valid(parts.X_valid, parts.y_valid, params=BINNING)
        return Binned(parts, train.construct(), valid.construct())

    def parameters(
        self, configuration: dict, n_classes: int, seed: int, metric: str
    ) -> dict:
        """Return what a bare `lightgbm.train` would be given.

        One thread per trial, whatever OMP_NUM_THREADS says; column-wise always, as
        LightGBM would otherwise choose by a stopwatch.
        """
        name = METRIC_NAMES[metric]
        if n_classes:
            name = name[n_classes > 2]
        task = {"objective": "regression"}
        if n_classes:
            task = {"objective": "binary"}
        if n_classes > 2:
            task = {"objective": "multiclass", "num_class": n_classes}
        return {
            **dict(configuration),
            **task,
            "metric": name,
            "bagging_freq": 1,
            "seed": seed,
            "num_threads": 1,
            "deterministic": True,
            "force_col_wise": True,
            **BINNING,
        }

    def train(self, configuration, data, seed, metric):
        parts = data.parts
        params = self.parameters(configuration, parts.n_classes, seed, metric)
        start = time.perf_counter()
        if self.patience is None:
            booster = lightgbm.train(params, data.train, self.most_trees)
        else:
            stop = lightgbm.early_stopping(self.patience, verbose=False)
            booster = lightgbm.train(
                params,
                data.train,
                self.most_trees,
                valid_sets=[data.valid],
                callbacks=[stop],
            )
        fitted = time.perf_counter()
        test = self._predict(booster, parts.X_test)
        predicted = time.perf_counter()
        valid = self._predict(booster, parts.X_valid)
        rounds = booster.best_iteration if self.patience else self.most_trees
        trees = rounds * booster.num_model_per_iteration()
        return Fit(
            valid,
            test,
            fit_seconds=fitted - start,
            predict_seconds=predicted - fitted,
            size=float(trees * configuration.get("num_leaves", 31)),
        )

    @staticmethod
    def _predict(booster, X):
        prediction = booster.predict(X, num_threads=1)
        if booster.params["objective"] == "binary":
            return np.column_stack([1 - prediction, prediction])
        return prediction


def practitioners() -> LightGBM:
    """Seven hyperparameters, 100 trees (LightGBM's default number).

    Ranges of leaves, child samples, fractions and penalties are those of Optuna's
    LightGBM tuner (Akiba et al. 2019); the learning rate goes a factor of ten below
    and three above the default 0.1. Folklore is LightGBM's own page "Parameters
    Tuning": slower, larger trees for accuracy; fewer leaves, more data in a leaf,
    bagging, feature sub-sampling and penalties against over-fitting.
    """
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (0.01, 0.3), log=True, default=0.1),
            Integer("num_leaves", (2, 256), log=True, default=31),
            Integer("min_child_samples", (5, 100), log=True, default=20),
            Float("feature_fraction", (0.4, 1.0), default=1.0),
            Float("bagging_fraction", (0.4, 1.0), default=1.0),
            Float("lambda_l1", (1e-8, 10.0), log=True, default=1e-8),
            Float("lambda_l2", (1e-8, 10.0), log=True, default=1e-8),
        ]
    )
    own = dict(space.get_default_configuration())
    fractions = {"feature_fraction": 0.8, "bagging_fraction": 0.8}
    penalties = {"lambda_l1": 1.0, "lambda_l2": 1.0}
    careful = {"num_leaves": 15, "min_child_samples": 50}
    return LightGBM(
        space,
        [
            own,
            own | {"learning_rate": 0.05},
            own | {"num_leaves": 70},
            own | careful,
            own | fractions,
            own | penalties,
            own | careful | fractions | penalties,
            own | {"learning_rate": 0.05} | fractions,
        ],
    )


def copenhagen() -> LightGBM:
    """Learning rate and maximum depth, as the Copenhagen study tuned housing prices.

    Early stopping on the validation part takes the place of a number of trees.
    Everything else is LightGBM's default, the 31 leaves included.
    """
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (0.03, 0.25), log=True, default=0.1),
            Integer("max_depth", (8, 22), default=22),
        ]
    )
    # LightGBM's default depth is unlimited: the deepest here comes closest to it.
    defaults = [
        {"learning_rate": rate, "max_depth": depth}
        for rate, depth in [(0.1, 22), (0.05, 22), (0.03, 22), (0.05, 8), (0.1, 8)]
    ]
    return LightGBM(space, defaults, most_trees=2000, patience=50)
