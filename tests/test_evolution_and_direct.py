"""Differential evolution, particle swarm, ant colony, Nelder-Mead and BOBYQA."""

import contextlib
import json
import math

import click
import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    Integer,
    OrdinalHyperparameter,
)
from conftest import new_search, run_search
from scipy.optimize import differential_evolution, minimize

from benchmark_utils.ant_colony import AntColony
from benchmark_utils.problems import Problem
from benchmark_utils.strategies import Minimiser
from benchmark_utils.trials import Outcome
from benchmark_utils.unit_cube import UnitCube

PACKAGES = {
    "differential-evolution": "scipy",
    "pso": "pymoo",
    "ant-colony": "scipy",
    "nelder-mead": "scipy",
    "bobyqa": "pybobyqa",
}
NAMES = list(PACKAGES)


@pytest.fixture(params=NAMES)
def name(request):
    pytest.importorskip(PACKAGES[request.param])
    return request.param


class Mixed(Problem):
    """Every kind of hyperparameter; trials whose number is in ``failing`` fail."""

    metrics = ("loss",)
    defaults = ()

    def __init__(self, failing=()):
        self.failing = failing
        self.space = ConfigurationSpace(
            space=[
                Float("rate", (1e-5, 1.0), log=True),
                Float("share", (0.0, 1.0)),
                Integer("units", (1, 1000), log=True),
                OrdinalHyperparameter("batch", [8, 16, 32]),
                Categorical("kind", ["a", "b", "c"], weights=[1, 2, 1]),
            ]
        )
        self.space.add(EqualsCondition(self.space["share"], self.space["kind"], "b"))
        self.cube = UnitCube(self.space)

    def evaluate(self, requests, seeds, setting, kept=None):
        for trial_id, configuration, _ in requests:
            [point] = self.cube.points([configuration])
            failed = trial_id in self.failing
            loss = math.inf if failed else float(np.sum((point - 0.4) ** 2))
            yield Outcome(trial_id, loss, regret=loss)


class Spoiled(Problem):
    """The first trials of a problem fail."""

    metrics = ("loss",)
    defaults = ()

    def __init__(self, problem, n):
        self.space, self.problem, self.n = problem.space, problem, n

    def evaluate(self, requests, seeds, setting, kept=None):
        for outcome in self.problem.evaluate(requests, seeds, setting):
            failed = outcome.trial_id <= self.n
            yield Outcome(outcome.trial_id, math.inf) if failed else outcome


def configurations(solver, problem, n=30, seed=0):
    return run_search(solver, new_search(problem, n, seed=seed))["config"].tolist()


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_exactly_n_trials(name, n, solver, problem):
    for tuned in (
        problem("simulated", n_dims=1),
        problem("simulated"),
        problem("simulated", n_dims=11),
        problem("recorded"),
        Mixed(),
    ):
        search = new_search(tuned, n)
        rows = run_search(solver(name), search)
        assert rows["trial"].tolist() == list(range(1, n + 1))
        assert search.cost == n


def test_the_seed_decides_and_nothing_else(name, solver, problem):
    for tuned in (Mixed(), problem("simulated")):
        first = configurations(solver(name), tuned)
        state = np.random.get_state()[1].tolist()  # noqa: NPY002
        for other in NAMES:
            if solver(other).lacks() is None:
                configurations(solver(other), tuned, n=9, seed=5)
        assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
        np.random.seed(1)  # noqa: NPY002
        assert configurations(solver(name), tuned) == first
        assert configurations(solver(name), tuned, seed=1) != first


@pytest.mark.parametrize(
    "failing", [{1}, {2, 3}, {15}, set(range(1, 13)), set(range(20, 61)), range(99)]
)
def test_failed_trials_crash_nothing(name, failing, solver):
    rows = run_search(solver(name), new_search(Mixed(failing), 60))
    assert len(rows) == 60
    assert rows["status"].eq("failed").sum() == sum(1 <= i <= 60 for i in failing)


def test_a_restart_follows_failures_before_any_success(name, solver, problem):
    bowl = problem("simulated")
    rows = run_search(solver(name), new_search(Spoiled(bowl, 5), 65))
    assert rows["regret"].iloc[-1] < 1e-2
    assert rows["config"].nunique() > 50


def test_it_learns(name, solver, problem):
    def regrets(name):
        searches = [
            new_search(problem("simulated"), 60, seed=seed, split=seed)
            for seed in range(5)
        ]
        return [run_search(solver(name), s)["regret"].iloc[-1] for s in searches]

    assert np.median(regrets(name)) < np.median(regrets("random")) / 4


@pytest.mark.parametrize("name", ["differential-evolution", "pso", "ant-colony"])
@pytest.mark.parametrize("initial", ["sobol", "rsa", "lhs"])
def test_the_population_starts_as_the_design(name, initial, solver, problem):
    pytest.importorskip(PACKAGES[name])
    tuned = problem("simulated")
    size = 8 if name == "differential-evolution" else 10
    strategy = solver(name, initial=initial)
    expected = solver(initial).sample(size, 2, np.random.default_rng(0))
    expected = [dict(c) for c in UnitCube(tuned.space).configurations(expected)]
    assert [json.loads(c) for c in configurations(strategy, tuned)[:size]] == expected


@pytest.mark.parametrize("name", ["differential-evolution", "nelder-mead", "bobyqa"])
def test_minimisers_train_no_configuration_twice(name, solver, problem):
    pytest.importorskip(PACKAGES[name])
    tried = configurations(solver(name), problem("recorded"), n=100)
    assert len(set(tried)) == 100


@pytest.mark.parametrize("name", ["differential-evolution", "nelder-mead", "bobyqa"])
def test_an_exhausted_space_is_trained_again(name, solver):
    pytest.importorskip(PACKAGES[name])
    few = Mixed()
    few.space = ConfigurationSpace({"kind": ["a", "b", "c"], "on": [True, False]})
    few.cube = UnitCube(few.space)
    tried = configurations(solver(name), few, n=20)
    assert len(tried) == 20
    assert len(set(tried)) == 6


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("differential-evolution", {"pop_size": 4}, "pop_size=4.*at least 5"),
        ("pso", {"pop_size": 1}, "pop_size=1.*at least 2"),
        ("pso", {"initial": "moon"}, "unknown initial 'moon'"),
        ("ant-colony", {"n_archive": 1}, "n_archive=1.*at least 2"),
        ("ant-colony", {"xi": 0}, "xi=0: must be a number above 0"),
        ("nelder-mead", {"step": "moon"}, "step='moon': must be a number"),
        ("bobyqa", {"rhobeg": 0.6}, "rhobeg=0.6.*at most 0.5"),
        ("bobyqa", {"rhoend": 0.3}, "rhoend=0.3"),
    ],
)
def test_wrong_parameters_are_one_clear_line(name, parameters, says, solver):
    with pytest.raises(click.UsageError, match=says):
        solver(name, **parameters)


@pytest.mark.parametrize("name", ["pso", "bobyqa"])
def test_without_its_library_a_solver_is_skipped(name, solver, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    skipped, reason = solver(name).skip(new_search(Mixed(), 5))
    assert skipped
    package = {"pso": "pymoo", "bobyqa": "Py-BOBYQA"}[name]
    assert reason == f"needs the package {package}: pip install {package}"


# The libraries called directly


class Spent(Exception):
    pass


class Called:
    """A closed form that notes where it was evaluated, and stops after 60.

    With ``remembers``, being asked again for what is known is no evaluation.
    """

    def __init__(self, search, problem, remembers):
        self.known, self.remembers = set(), remembers
        self.cube = search.cube
        self.problem = problem
        self.setting = search._setting
        self.points = []

    def __call__(self, x):
        [configuration] = self.cube.configurations([x])
        x = np.array(list(configuration.values()))  # to 13 digits
        known = configuration in self.known
        self.known.add(configuration)
        if not (known and self.remembers):
            if len(self.points) == 60:
                raise Spent
            self.points.append(x.copy())
        optimum, _ = self.problem.optimum(self.setting.split, self.setting.data_seed)
        return float(np.mean((x - optimum) ** 2))


def direct_differential_evolution(f, d, seed):
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    init = qmc.LatinHypercube(d, rng=rng).random(8)
    differential_evolution(f, [(0, 1)] * d, init=init, polish=False, rng=rng)


def direct_pso(f, d, seed):
    from pymoo.algorithms.soo.nonconvex.pso import PSO
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.optimize import minimize
    from scipy.stats import qmc

    class Bowl(ElementwiseProblem):
        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = f(x)

    rng = np.random.default_rng(seed)
    sampling = qmc.LatinHypercube(d, rng=rng).random(10)
    swarm = PSO(pop_size=10, sampling=sampling)
    minimize(Bowl(n_var=d, n_obj=1, xl=0, xu=1), swarm, ("n_gen", 6), seed=seed)


def direct_ant_colony(f, d, seed):
    colony = AntColony([0] * d, np.random.default_rng(seed), 10, 2, 0.1, 0.85, 50)
    while True:
        asked = colony.ask()
        colony.tell(asked, [f(x) for x in asked])


def direct_nelder_mead(f, d, seed):
    rng = np.random.default_rng(seed)
    while True:
        x0 = rng.random(d)
        simplex = [x0]
        for i in range(d):
            corner = x0.copy()
            corner[i] += 0.4 if x0[i] < 0.5 else -0.4
            simplex.append(corner)
        options = {"initial_simplex": simplex, "xatol": 0.01, "fatol": math.inf}
        minimize(f, x0, method="Nelder-Mead", bounds=[(0, 1)] * d, options=options)


def direct_bobyqa(f, d, seed):
    import pybobyqa

    rng = np.random.default_rng(seed)
    while True:
        x0, bounds = rng.random(d), (np.zeros(d), np.ones(d))
        pybobyqa.solve(f, x0, bounds=bounds, rhobeg=0.45, rhoend=0.01)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_adapter_is_the_library(name, d, solver, problem):
    tuned = problem("simulated", n_dims=d)
    search = new_search(tuned, 60, seed=3, split=2)
    direct = Called(search, tuned, isinstance(solver(name), Minimiser))
    with contextlib.suppress(Spent):
        globals()[f"direct_{name.replace('-', '_')}"](direct, d, 3)
    asked = [
        list(json.loads(config).values())
        for config in run_search(solver(name), search)["config"]
    ]
    assert len(direct.points) == 60
    assert np.allclose(asked, direct.points, rtol=0, atol=1e-9)


# The ant colony itself


def colony(n_categories=(0, 0), seed=0, **parameters):
    return AntColony(n_categories, np.random.default_rng(seed), **parameters)


def run(colony, f, n):
    while n > 0:
        asked = colony.ask()
        colony.tell(asked, [f(x) for x in asked])
        n -= len(asked)


def test_the_archive_keeps_the_best_in_their_order():
    ants = colony(n_archive=3, n_ants=2)
    assert ants.ask().shape == (3, 2)
    first = np.array([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])
    ants.tell(first, [3.0, 1.0, math.inf])
    assert ants.losses.tolist() == [1, 3, math.inf]
    assert ants.ask().shape == (2, 2)
    ants.tell(np.array([[0.4, 0.4], [0.5, 0.5]]), [2.0, 1.0])
    assert ants.losses.tolist() == [1, 1, 2]  # of equals the older comes first
    assert ants.solutions[:, 0].tolist() == [0.2, 0.5, 0.4]


def test_weights_are_gaussian_in_the_rank():
    weights = colony(n_archive=4, q=0.5).weights
    by_hand = [
        math.exp(-(rank**2) / (2 * 0.5**2 * 4**2)) / (0.5 * 4 * math.sqrt(2 * math.pi))
        for rank in range(4)
    ]
    assert weights.tolist() == pytest.approx(by_hand)


def test_gaussians_are_as_wide_as_the_mean_distance():
    # Far from the bounds; with q near 0 all ants follow the best solution.
    ants = colony((0,), n_archive=3, n_ants=20_000, q=1e-4, xi=0.5)
    ants.tell(np.array([[0.50], [0.52], [0.46]]), [1.0, 2.0, 3.0])
    x = ants.ask()[:, 0]
    sigma = 0.5 * (0.02 + 0.04) / 2
    assert x.mean() == pytest.approx(0.5, abs=4 * sigma / math.sqrt(20_000))
    assert x.std() == pytest.approx(sigma, rel=0.02)


def test_an_ant_follows_one_solution_in_all_variables():
    ants = colony(n_archive=2, n_ants=1000, q=10, xi=0.01)
    ants.tell(np.array([[0.1, 0.9], [0.9, 0.1]]), [1.0, 2.0])
    x = ants.ask()
    assert np.allclose(x.sum(axis=1), 1, atol=0.2)
    assert 300 < (x[:, 0] < 0.5).sum() < 700


def test_solutions_stay_within_the_bounds():
    ants = colony(n_archive=2, n_ants=1000, xi=5)
    ants.tell(np.array([[0.0, 1.0], [0.3, 0.2]]), [1.0, 2.0])
    x = ants.ask()
    assert ((x >= 0) & (x <= 1)).all()
    assert len(np.unique(x)) > 1900  # not piled up on them


def test_categories_are_drawn_by_rank_number_and_novelty():
    ants = colony((4,), n_archive=3, n_ants=40_000, q=0.5)
    ants.tell(np.array([[2.0], [0.0], [2.0]]), [1.0, 2.0, 3.0])
    # eq. 4.2 by hand: two of the four are unused
    w = np.array([ants.weights[1] / 1, 0, ants.weights[0] / 2, 0]) + 0.5 / 2
    shares = np.bincount(ants.ask()[:, 0].astype(int), minlength=4) / 40_000
    assert shares == pytest.approx(w / w.sum(), abs=0.01)


def test_when_all_categories_are_used_none_is_given_a_share():
    ants = colony((2,), n_archive=3, n_ants=40_000, q=0.5)
    ants.tell(np.array([[1.0], [1.0], [0.0]]), [1.0, 2.0, 3.0])
    w = np.array([ants.weights[2], ants.weights[0] / 2])
    shares = np.bincount(ants.ask()[:, 0].astype(int)) / 40_000
    assert shares == pytest.approx(w / w.sum(), abs=0.01)


def test_an_archive_that_has_become_one_point_goes_on():
    ants = colony((0, 3), n_archive=4)
    ants.tell(np.tile([0.0, 1.0], (4, 1)), [1.0] * 4)
    assert (ants.ask()[:, 0] < 1e-12).all()


def test_patience_draws_the_archive_anew_but_for_its_best():
    ants = colony(n_archive=4, n_ants=2, patience=6)
    run(ants, lambda x: 1.0, 4)
    best = ants.solutions[0]
    run(ants, lambda x: 1.0, 6)
    assert ants.solutions.tolist() == [best.tolist()]
    assert ants.ask().shape == (3, 2)
    run(ants, lambda x: 2.0, 3)
    assert len(ants.solutions) == 4
    assert ants.losses[0] == 1


def test_the_colony_finds_a_mixed_optimum():
    ants = colony((0, 4, 0), n_archive=15, q=0.1, seed=1)
    run(ants, lambda x: (x[0] - 0.3) ** 2 + (x[1] != 2) + (x[2] - 1) ** 2, 400)
    assert ants.losses[0] < 1e-3
    assert ants.solutions[0, 1] == 2
