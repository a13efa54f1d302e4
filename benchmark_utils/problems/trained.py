"""Data times learner: a problem whose configurations are really trained."""

import math
import warnings
from collections import defaultdict

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
        validation and test. Splits are disjoint while the table lasts.
    spread : float
        standard deviation of the number of rows.

    With n_folds > 1, validation and test loss are means over the folds, and the
    measured seconds and sizes are sums.
    """

    has_folds = True

    def __init__(
        self, table: Table, learner: Learner, split_size: int, spread: float = 0.0
    ):
        self.space = learner.space
        self.defaults = learner.defaults
        self.metrics = tuple(METRICS[table.task])
        self._table, self._learner = table, learner
        self._split_size, self._spread = split_size, spread
        self._prepared: tuple[Setting, list[tuple[Parts, object]]] | None = None

    def parts(self, setting: Setting) -> list[Parts]:
        """Return the data of a split: one set of parts, or one for each fold."""
        rows = split_rows(
            len(self._table.y),
            self._split_size,
            self._spread,
            setting.data_seed,
            setting.split,
        )
        return cut(self._table, rows, setting.n_folds)

    def evaluate(self, requests, seeds, setting):
        folds = self._prepare(setting)
        fits = [
            self._learner.fit(requests, data, seeds, setting.metric)
            for _, data in folds
        ]
        # A learner may finish its trials in another order on another fold.
        done = defaultdict(dict)
        for answers in zip(*fits, strict=True):
            for fold, (trial_id, fit) in enumerate(answers):
                done[trial_id][fold] = fit
                if len(done[trial_id]) == len(folds):
                    parts = [parts for parts, _ in folds]
                    fitted = [done[trial_id][k] for k in range(len(folds))]
                    yield self._outcome(trial_id, parts, fitted, setting.metric)
                    del done[trial_id]

    def _prepare(self, setting):
        # The latest split is kept: a search asks for one all the time.
        if self._prepared is None or self._prepared[0] != setting:
            folds = [(p, self._learner.prepare(p)) for p in self.parts(setting)]
            self._prepared = (setting, folds)
        return self._prepared[1]

    def _outcome(self, trial_id, parts: list[Parts], fits: list[Fit], metric):
        loss = METRICS[parts[0].task][metric]
        try:
            for fit in fits:
                if isinstance(fit, Exception):
                    raise fit
            valid = [
                loss(p.y_valid, f.valid_prediction)
                for p, f in zip(parts, fits, strict=True)
            ]
            test = [
                loss(p.y_test, f.test_prediction)
                for p, f in zip(parts, fits, strict=True)
            ]
        except Exception as error:  # raised in training, or predictions that are NaN
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            warnings.warn(f"a trial failed: {reason}", RuntimeWarning, stacklevel=2)
            return Outcome(trial_id, valid_loss=math.inf)
        valid_loss = sum(valid) / len(valid)
        return Outcome(
            trial_id,
            valid_loss=valid_loss if math.isfinite(valid_loss) else math.inf,
            test_loss=sum(test) / len(test),
            fit_seconds=sum(fit.fit_seconds for fit in fits),
            predict_seconds=sum(fit.predict_seconds for fit in fits),
            size=sum(fit.size for fit in fits),
        )
