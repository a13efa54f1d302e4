"""One run of one strategy on one problem: owns budget, trials and the record."""

import math
import time
from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from benchmark_utils.problems import Kept, Problem, Setting
from benchmark_utils.seeds import Seeds, derive
from benchmark_utils.trials import Outcome, Request, Trial, to_json
from benchmark_utils.unit_cube import UnitCube

ROUNDING = 1e-9  # what sums of fidelities may be off


class BudgetSpent(Exception):
    """More was asked for than the budget holds."""


class Stopwatch:
    """Adds up the seconds between start and stop."""

    def __init__(self):
        self.seconds = 0.0
        self._started = None

    @property
    def running(self) -> bool:
        return self._started is not None

    def start(self) -> None:
        if self._started is None:
            self._started = time.perf_counter()

    def stop(self) -> None:
        if self._started is not None:
            self.seconds += time.perf_counter() - self._started
            self._started = None

    def __enter__(self):
        self.start()

    def __exit__(self, *exception):
        self.stop()

    @property
    def paused(self) -> "Paused":
        """A context that leaves out what runs within, if the watch runs at all."""
        return Paused(self)

    def take(self) -> float:
        """Return the seconds added up so far and begin at zero again."""
        self.stop()
        seconds, self.seconds = self.seconds, 0.0
        return seconds


class Paused:
    # contextlib's would take as long as what some strategies think.
    def __init__(self, watch: Stopwatch):
        self._watch = watch

    def __enter__(self):
        self._running = self._watch.running
        self._watch.stop()

    def __exit__(self, *exception):
        if self._running:
            self._watch.start()


class Search:
    """What a strategy sees: a space, a budget, a seed, and ``evaluate``.

    Parameters
    ----------
    problem : Problem
        what is tuned.
    n_trials : int
        the budget, in full trainings.
    seeds : Seeds
        of this repetition.
    metric, n_folds : str, int
        the loss ("default": the problem's own), and how it is validated.
    max_predict_seconds : float or None
        trials that took longer to predict the test part are too slow to serve.
    finish_stopped : bool
        whether `finish` trains to the end what the search did not.

    Attributes
    ----------
    space : ConfigSpace.ConfigurationSpace
        shared with others: copy it before changing it, its seed included.
    cube : UnitCube
        the same space as [0, 1]^d.
    seed : int
        the only source of randomness of a strategy.
    defaults : list of dict
        configurations that folklore recommends for this problem.
    cost : float
        what has been charged so far, in full trainings.
    thinking : Stopwatch
        runs while the strategy thinks; read by ``evaluate``. Bookkeeping that is the
        same for all strategies, above all making a Configuration, is not thinking.
    record : dict
        the row of the latest trial.
    """

    def __init__(
        self,
        problem: Problem,
        n_trials: int,
        seeds: Seeds,
        metric: str = "default",
        n_folds: int = 1,
        max_predict_seconds: float | None = None,
        finish_stopped: bool = False,
    ):
        self.n_trials = n_trials
        self.seed = seeds.search
        self.cost = 0.0
        self.thinking = Stopwatch()
        self.record: dict = {}
        self._problem = problem
        metric = problem.metrics[0] if metric == "default" else metric
        self._setting = Setting(
            metric, n_folds, seeds.split, seeds.data, seeds.training
        )
        self._training_seed = seeds.training
        self._constant_columns = {
            "metric": metric,
            "split": seeds.split,
            "search_seed": seeds.search,
            "training_seed": seeds.training,
        }
        self._n_ids = 0
        self._n_done = 0
        self._admitted = 0.0  # cost of everything asked for, finished or not
        self._max_predict_seconds = max_predict_seconds
        self._finish_stopped = finish_stopped
        self._kept: Kept = {}
        self._trained_to: dict[int, float] = {}
        self._stopped: dict[int, Request] = {}  # by id, the latest of each
        self._worst = -math.inf
        self._incumbent: tuple[float, Outcome] | None = None

    @property
    def space(self) -> ConfigurationSpace:
        return self._problem.space

    @property
    def min_fidelity(self) -> float:
        """The smallest fidelity that can be asked for."""
        return self._problem.min_fidelity

    @property
    def defaults(self) -> list[dict]:
        return self._problem.defaults

    @cached_property
    def cube(self) -> UnitCube:
        return UnitCube(self.space)

    @property
    def budget_left(self) -> float:
        """What can still be asked for, in full trainings."""
        return self.n_trials - self._admitted

    def configurations(self, points: np.ndarray) -> list[Configuration]:
        """Take points of the unit cube, (n, d), to configurations: not thinking."""
        with self.thinking.paused:
            return self.cube.configurations(points)

    def request(self, configuration: Configuration, fidelity: float = 1.0) -> Request:
        """Return a request for a new trial; its id is the next one free."""
        self._n_ids += 1
        return Request(self._n_ids, configuration, fidelity)

    def price(self, request: Request) -> float:
        """What a request would be charged: its fidelity less what is trained."""
        return request.fidelity - self._trained_to.get(request.trial_id, 0.0)

    def release(self, ids: Iterable[int]) -> None:
        """Free the partial models of these trials.

        They can still be continued: then they are trained anew from zero, with the
        same result, and charged as if they were not.
        """
        if not self._finish_stopped:
            self._forget(ids)

    def _forget(self, ids: Iterable[int]) -> None:
        for trial_id in ids:
            for fold in self._kept.values():
                fold.pop(trial_id, None)

    def evaluate(self, requests: Iterable[Request]) -> Iterator[Trial]:
        """Train what is asked for; trials come one by one, as they finish.

        A known trial id at a higher fidelity continues that training.

        The strategy's thinking since the last call is shared out over the requests.

        Raises
        ------
        BudgetSpent
            if the requests together cost more than is left; nothing is trained.
        ValueError
            if a fidelity is outside [min_fidelity, 1] or not above what the trial
            was already trained to.
        """
        requests = {request.trial_id: request for request in requests}
        suggest_seconds = self.thinking.take() / max(len(requests), 1)
        self._admit(requests.values())
        return self._train(requests, suggest_seconds)

    def _admit(self, requests: Iterable[Request]) -> None:
        total = 0.0
        for request in requests:
            if not self.min_fidelity - ROUNDING <= request.fidelity <= 1:
                raise ValueError(
                    f"trial {request.trial_id} was asked for at fidelity "
                    f"{request.fidelity:g}: this problem trains from "
                    f"{self.min_fidelity:g} to 1"
                )
            if self.price(request) <= 0:
                raise ValueError(
                    f"trial {request.trial_id} is already trained to fidelity "
                    f"{self._trained_to[request.trial_id]:g}"
                )
            total += self.price(request)
        if total > self.budget_left + ROUNDING:
            raise BudgetSpent(
                f"asked for trainings worth {total:g}, {self.budget_left:g} of "
                f"{self.n_trials} are left"
            )
        self._admitted += total

    def finish(self) -> Iterator[None]:
        """Train to the end, if that was asked for, what was stopped; row by row.

        The search is over: incumbent and cost stay what they are, and no strategy is
        told. In order of the trial ids. What failed or was too slow stays so.
        """
        if self._finish_stopped:
            requests = {
                i: request._replace(fidelity=1.0)
                for i, request in sorted(self._stopped.items())
            }
            for _ in self._train(requests, suggest_seconds=0.0, afterwards=True):
                yield

    def _note_stopped(self, request: Request, outcome: Outcome) -> None:
        if request.fidelity < 1 and self._status(outcome) == "ok":
            self._stopped[request.trial_id] = request
        else:
            self._stopped.pop(request.trial_id, None)

    def _status(self, outcome: Outcome) -> str:
        if outcome.failed:
            return "failed"
        limit = self._max_predict_seconds
        return "too slow" if limit and outcome.predict_seconds > limit else "ok"

    def _train(self, requests, suggest_seconds, afterwards=False):
        texts = {i: to_json(r.configuration) for i, r in requests.items()}
        points = self.cube.points(r.configuration for r in requests.values())
        points = dict(zip(requests, points.round(6).tolist(), strict=True))
        seeds = {i: derive(self._training_seed, text) for i, text in texts.items()}
        outcomes = self._problem.evaluate(
            list(requests.values()), seeds, self._setting, self._kept
        )
        for outcome in outcomes:
            request = requests[outcome.trial_id]
            self._n_done += 1
            if not afterwards:
                self.cost += self.price(request)
                self._trained_to[request.trial_id] = request.fidelity
                self._note_stopped(request, outcome)
                if outcome.failed:  # perhaps on one fold only
                    self._forget([request.trial_id])
                self._update_incumbent(request.fidelity, outcome)
            self.record = {
                **self._row(request, outcome),
                "suggest_seconds": suggest_seconds,
                "afterwards": afterwards,
                "config": texts[outcome.trial_id],
                "point": str(points[outcome.trial_id]),
                **self._constant_columns,
            }
            yield self._trial(request, outcome)

    def _update_incumbent(self, fidelity: float, outcome: Outcome) -> None:
        # At a higher fidelity the comparison starts anew.
        if self._incumbent is not None:
            best_fidelity, best = self._incumbent
            if (-fidelity, outcome.valid_loss) >= (-best_fidelity, best.valid_loss):
                return
        if self._status(outcome) == "ok":
            self._incumbent = (fidelity, outcome)

    def _trial(self, request: Request, outcome: Outcome) -> Trial:
        failed = self._status(outcome) != "ok"
        if not failed:
            self._worst = max(self._worst, outcome.valid_loss)
            loss = outcome.valid_loss
        else:
            loss = self._worst if math.isfinite(self._worst) else math.inf
        return Trial(*request, loss=loss, size=outcome.size, failed=failed)

    def _row(self, request: Request, outcome: Outcome) -> dict:
        incumbent = self._incumbent[1] if self._incumbent else None
        return {
            "value": incumbent.valid_loss if incumbent else math.inf,
            "incumbent_test_loss": incumbent.test_loss if incumbent else math.nan,
            "trial": self._n_done,
            "trial_id": request.trial_id,
            "valid_loss": outcome.valid_loss,
            "test_loss": outcome.test_loss,
            "regret": incumbent.regret if incumbent else math.nan,
            "fidelity": request.fidelity,
            "cost": self.cost,
            "fit_seconds": outcome.fit_seconds,
            "predict_seconds": outcome.predict_seconds,
            "size": outcome.size,
            "status": self._status(outcome),
        }
