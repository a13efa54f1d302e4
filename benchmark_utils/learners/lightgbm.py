"""Gradient-boosted trees (Ke et al. 2017), through lightgbm."""

import math
import time
from dataclasses import dataclass

import lightgbm
import numpy as np
from ConfigSpace import ConfigurationSpace, Float, Integer

from benchmark_utils.learners import Continued, Fit, n_of
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


@dataclass(eq=False)
class Boosting:
    """A training under way; ``best_round`` is the one that early stopping keeps.

    Rounds are counted here: one that finds nothing to split leaves no tree.
    """

    params: dict
    booster: lightgbm.Booster | None = None
    rounds: int = 0
    best_round: int = 0
    best_loss: float = math.inf


class LightGBM(Continued):
    """LightGBM, single-threaded and deterministic; the fidelity is a share of trees.

    Parameters
    ----------
    space, defaults
        see `practitioners` and `copenhagen` below.
    most_trees : int
        boosting rounds of a full training; of a partial one its share, rounded up.
    patience : int or None
        stop after so many rounds without a better loss on the validation part, and
        keep the best round; None trains all rounds. What is continued after that
        has nothing left to do, and is charged all the same.
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
        self.min_fidelity = 1 / most_trees
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

    def begin(self, configuration, data, seed, metric):
        n_classes = data.parts.n_classes
        return Boosting(self.parameters(configuration, n_classes, seed, metric))

    def proceed(self, training, data, fidelity):
        n_rounds = n_of(fidelity, self.most_trees)
        start = time.perf_counter()
        while not self._is_done(training, n_rounds):
            self._boost(training, data)
        fitted = time.perf_counter()
        booster = training.booster
        rounds = training.best_round if self.patience else training.rounds
        test = self._predict(booster, data.parts.X_test, rounds)
        predicted = time.perf_counter()
        valid = self._predict(booster, data.parts.X_valid, rounds)
        trees = rounds * booster.num_model_per_iteration()
        return Fit(
            valid,
            test,
            fit_seconds=fitted - start,
            predict_seconds=predicted - fitted,
            size=float(trees * training.params.get("num_leaves", 31)),
        )

    def _is_done(self, training, n_rounds):
        if self.patience and training.rounds - training.best_round >= self.patience:
            return True
        return training.rounds >= n_rounds

    def _boost(self, training, data):
        if training.booster is not None:
            training.booster.update()
        else:
            training.booster = lightgbm.train(
                training.params,
                data.train,
                num_boost_round=1,
                valid_sets=[data.valid] if self.patience else None,
                keep_training_booster=True,
            )
        training.rounds += 1
        if self.patience:
            [(_, _, loss, _)] = training.booster.eval_valid()
            if loss < training.best_loss:
                training.best_loss = loss
                training.best_round = training.rounds

    @staticmethod
    def _predict(booster, X, rounds):
        prediction = booster.predict(X, num_iteration=rounds, num_threads=1)
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
