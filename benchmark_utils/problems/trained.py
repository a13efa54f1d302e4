"""Data times learner: a problem whose configurations are really trained."""

import math
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from statistics import mean

import numpy as np

from benchmark_utils.learners import Fit, Learner
from benchmark_utils.metrics import METRICS
from benchmark_utils.problems import Problem, Setting
from benchmark_utils.splits import Parts, cut, split_rows
from benchmark_utils.tables import Table
from benchmark_utils.trials import Outcome


class Trained(Problem):
    """A learner on splits of a table.

    Parameters
    ----------
    table : Table
    learner : Learner
    split_size : int
        mean number of rows of a split; a split is cut 3 : 1 : 1 into train,
        validation and test.
    spread : float
        by how much the number of rows varies, as ``draw`` has it.
    draw : callable
        one of `splits`: ``split_rows`` (disjoint while the table lasts; the spread is
        a standard deviation) or ``random_subset`` (overlapping; half the range).

    With n_folds > 1, validation and test loss are means over the folds, and the
    measured seconds and sizes are sums.
    """

    has_folds = True

    def __init__(
        self,
        table: Table,
        learner: Learner,
        split_size: int,
        spread: float = 0.0,
        draw: Callable[..., np.ndarray] = split_rows,
    ):
        self.space = learner.space
        self.defaults = learner.defaults
        self.metrics = tuple(METRICS[table.task])
        self.min_fidelity = learner.min_fidelity
        self._table, self._learner = table, learner
        self._split_size, self._spread, self._draw = split_size, spread, draw
        self._prepared: tuple[Setting, list[tuple[Parts, object]]] | None = None

    def unfit(self, metric, n_folds):
        fewest = self._split_size * 4 // 5  # rows for training and validation
        if n_folds > fewest // 2:
            return f"n_folds={n_folds} is too many: a split has {fewest} rows to cut"
        return super().unfit(metric, n_folds)

    def parts(self, setting: Setting) -> list[Parts]:
        """Return the data of a split: one set of parts, or one for each fold."""
        rows = self._draw(
            len(self._table.y),
            self._split_size,
            self._spread,
            setting.data_seed,
            setting.split,
        )
        return cut(self._table, rows, setting.n_folds)

    def evaluate(self, requests, seeds, setting, kept=None):
        try:
            folds = self._prepare(setting)
        except Exception as error:  # the learner cannot take this data at all
            for request in requests:
                yield failed(request.trial_id, error, 0.0)
            return
        kept = {} if kept is None else kept
        started = time.perf_counter()
        fits = [
            self._learner.fit(requests, data, seeds, setting, kept.setdefault(fold, {}))
            for fold, (_, data) in enumerate(folds)
        ]
        # A learner may finish its trials in another order on another fold.
        done = defaultdict(dict)
        for answers in zip(*fits, strict=True):
            for fold, (trial_id, fit) in enumerate(answers):
                done[trial_id][fold] = fit
                if len(done[trial_id]) == len(folds):
                    fitted = [
                        (parts, done[trial_id][k]) for k, (parts, _) in enumerate(folds)
                    ]
                    del done[trial_id]
                    try:
                        yield outcome_of(trial_id, fitted, setting.metric)
                    except Exception as error:  # in training, or predictions are NaN
                        yield failed(trial_id, error, time.perf_counter() - started)
                    started = time.perf_counter()

    def _prepare(self, setting):
        # The latest split is kept: a search asks for one all the time.
        if self._prepared is None or self._prepared[0] != setting:
            folds = [(p, self._learner.prepare(p)) for p in self.parts(setting)]
            self._prepared = (setting, folds)
        return self._prepared[1]


def outcome_of(
    trial_id: int, fitted: list[tuple[Parts, Fit | Exception]], metric: str
) -> Outcome:
    """Turn the predictions on every fold into losses; raise what a training raised."""
    for _, fit in fitted:
        if isinstance(fit, Exception):
            raise fit
    loss = METRICS[fitted[0][0].task][metric]
    valid = mean(loss(p.y_valid, fit.valid_prediction) for p, fit in fitted)
    test = mean(loss(p.y_test, fit.test_prediction) for p, fit in fitted)
    if not math.isfinite(valid):
        raise ValueError(f"the validation loss is {valid}")
    return Outcome(
        trial_id,
        valid_loss=valid,
        test_loss=test,
        fit_seconds=sum(fit.fit_seconds for _, fit in fitted),
        predict_seconds=sum(fit.predict_seconds for _, fit in fitted),
        size=sum(fit.size for _, fit in fitted),
    )


def failed(trial_id: int, error: Exception, seconds: float) -> Outcome:
    """Return the outcome of a failed training, and say once why it failed."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    warnings.warn(f"a trial failed: {reason}", RuntimeWarning, stacklevel=2)
    return Outcome(trial_id, valid_loss=math.inf, fit_seconds=seconds)
