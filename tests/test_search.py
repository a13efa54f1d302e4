"""Budget, incumbent and record of a search; the three kinds of strategy."""

import math
import time

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, Float
from conftest import new_search, run_search
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from benchmark_utils.problems import Problem
from benchmark_utils.search import BudgetSpent
from benchmark_utils.strategies import Design, Minimiser, Sequential
from benchmark_utils.trials import Outcome


class Scripted(Problem):
    """Losses from a list, in order; infinite ones are failures."""

    metrics = ("loss",)
    defaults = ()

    def __init__(self, losses, min_fidelity=1.0):
        self.space = ConfigurationSpace(space=[Float("x", (0.0, 1.0))])
        self.min_fidelity = min_fidelity
        self.losses = iter(losses)

    def evaluate(self, requests, seeds, setting, kept=None):
        for request in requests:
            loss = next(self.losses)
            yield Outcome(request.trial_id, loss, test_loss=10 * loss, regret=loss)


def scripted(losses, n_trials=None, **options):
    return new_search(Scripted(losses, **options), n_trials or len(losses))


def new_requests(search, n, fidelity=1.0):
    points = np.full((n, 1), 0.5)
    return [search.request(c, fidelity) for c in search.cube.configurations(points)]


def test_the_incumbent_is_the_best_by_validation_loss():
    search = scripted([3.0, 1.0, 2.0])
    rows = []
    for _ in search.evaluate(new_requests(search, 3)):
        rows.append(search.record)
    assert [row["value"] for row in rows] == [3, 1, 1]
    assert [row["incumbent_test_loss"] for row in rows] == [30, 10, 10]
    assert [row["regret"] for row in rows] == [3, 1, 1]
    assert [row["trial"] for row in rows] == [1, 2, 3]
    assert [row["cost"] for row in rows] == [1, 2, 3]


def test_the_first_of_equals_stays_the_incumbent():
    search = new_search(Scripted([1.0, 1.0]), 2)
    problem_losses = iter([5.0, 7.0])

    def evaluate(requests, seeds, setting, kept=None):
        for request in requests:
            yield Outcome(request.trial_id, 1.0, test_loss=next(problem_losses))

    search._problem.evaluate = evaluate
    list(search.evaluate(new_requests(search, 2)))
    assert search.record["incumbent_test_loss"] == 5


@given(st.integers(1, 12), st.integers(1, 12))
def test_sequential_strategies_spend_every_part_of_the_budget(n, parts):
    search = scripted([1.0] * n * parts, n_trials=n, min_fidelity=1 / parts)

    class Parts(Halving):
        def ask(self):
            return new_requests(self.search, 1, 1 / parts)

    assert len(run_search(Parts(), search)) == n * parts


def test_a_failed_trial_is_a_row_and_told_as_the_worst_seen():
    search = scripted([math.inf, 2.0, 5.0, math.inf, 1.0])
    rows, told = [], []
    for trial in search.evaluate(new_requests(search, 5)):
        rows.append(search.record)
        told.append(trial.loss)
    assert told == [math.inf, 2, 5, 5, 1]
    assert [row["status"] for row in rows] == ["failed", "ok", "ok", "failed", "ok"]
    assert [row["value"] for row in rows] == [math.inf, 2, 2, 2, 1]
    assert rows[3]["valid_loss"] == math.inf


def test_trials_come_one_by_one_as_they_finish():
    search = scripted([1.0, 2.0])
    trials = search.evaluate(new_requests(search, 2))
    next(trials)
    assert search.record["trial"] == 1
    assert search.cost == 1


def test_more_than_the_budget_is_refused_before_anything_is_trained():
    search = scripted([1.0] * 3)
    with pytest.raises(BudgetSpent, match="4, 3 of 3"):
        search.evaluate(new_requests(search, 4))
    assert search.cost == 0


def test_continuing_a_trial_costs_the_difference():
    search = scripted([4.0, 3.0, 2.0, 9.0], n_trials=2, min_fidelity=1 / 9)
    [request] = new_requests(search, 1, 1 / 9)
    costs, values = [], []
    for fidelity in (1 / 9, 1 / 3, 1.0):
        list(search.evaluate([request._replace(fidelity=fidelity)]))
        costs.append(search.cost)
        values.append(search.record["value"])
        assert search.record["trial_id"] == 1
    assert costs == pytest.approx([1 / 9, 1 / 3, 1])
    assert values == [4, 3, 2]
    list(search.evaluate(new_requests(search, 1, 1 / 3)))
    assert search.cost == pytest.approx(4 / 3)
    assert search.record["value"] == 2  # a lower fidelity does not count


def test_a_higher_fidelity_makes_a_new_incumbent_even_if_worse():
    search = scripted([1.0, 5.0], n_trials=2, min_fidelity=0.5)
    list(search.evaluate(new_requests(search, 1, 0.5)))
    list(search.evaluate(new_requests(search, 1, 1.0)))
    assert search.record["value"] == 5


@pytest.mark.parametrize("fidelity", [0.0, 0.2, 1.5, math.nan])
def test_fidelities_outside_the_problems_range_are_refused(fidelity):
    search = scripted([1.0], min_fidelity=0.5)
    with pytest.raises(ValueError, match="fidelity"):
        search.evaluate(new_requests(search, 1, fidelity))


def test_asking_for_less_than_is_trained_is_refused():
    search = scripted([1.0, 1.0])
    [request] = new_requests(search, 1)
    list(search.evaluate([request]))
    with pytest.raises(ValueError, match="already trained"):
        search.evaluate([request])


def test_thinking_is_shared_out_over_the_trials_it_led_to():
    search = scripted([1.0] * 4)
    with search.thinking:
        time.sleep(0.02)
    seconds = []
    for _ in search.evaluate(new_requests(search, 2)):
        seconds.append(search.record["suggest_seconds"])
        time.sleep(0.02)  # not the strategy's
    assert seconds[0] == seconds[1] >= 0.01
    assert seconds[0] < 0.019  # half of it, and not what passed between the two
    list(search.evaluate(new_requests(search, 1)))
    assert search.record["suggest_seconds"] < 0.01


def test_making_configurations_is_not_thinking(monkeypatch):
    search = scripted([1.0])
    made = search.cube.configurations
    monkeypatch.setattr(
        search.cube, "configurations", lambda points: time.sleep(0.05) or made(points)
    )
    with search.thinking:
        [configuration] = search.configurations([[0.5] * search.cube.d])
    list(search.evaluate([search.request(configuration)]))
    assert search.record["suggest_seconds"] < 0.02


# The three kinds of strategy, each as the smallest thing that is one.


class TwoPoints(Design):
    _module_filename = __file__

    def sample(self, n, d, rng):
        return rng.random((min(n, 2), d))


class Halving(Sequential):
    """Asks for three at a time."""

    def start(self):
        self.told = []

    def ask(self):
        return new_requests(self.search, 3)

    def tell(self, trial):
        self.told.append(trial)


class NelderMead(Minimiser):
    def minimise(self, f):
        minimize(f, x0=[0.3], method="Nelder-Mead", bounds=[(0, 1)])


class Idle(Minimiser):
    def minimise(self, f):
        pass


def test_a_design_shorter_than_the_budget_ends_when_it_ends():
    assert len(run_search(TwoPoints(), scripted([1.0] * 5))) == 2


@given(st.integers(1, 10))
def test_a_sequential_strategy_makes_exactly_the_trials_of_its_budget(n):
    strategy = Halving()
    assert len(run_search(strategy, scripted([1.0] * n))) == n
    assert len(strategy.told) == n


@pytest.mark.parametrize("n", [1, 7, 300])
def test_a_minimiser_is_stopped_at_its_budget_and_restarted_before(n, problem):
    search = new_search(problem("simulated", n_dims=1), n)
    rows = run_search(NelderMead(), search)
    assert len(rows) == n
    assert rows["value"].iloc[-1] <= rows["value"].iloc[0]


def test_a_minimiser_that_evaluates_nothing_ends():
    assert len(run_search(Idle(), scripted([1.0]))) == 0


def test_strategies_stop_when_benchopt_says_so(problem):
    for strategy in (TwoPoints(), Halving(), NelderMead()):
        search = new_search(problem("simulated", n_dims=1), 20)
        strategy.set_objective(search)
        strategy.run(lambda: False)
        assert search.cost == 1
