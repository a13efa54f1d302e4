"""SMAC's random forest and the Bayesian network: budget, seeds, failures, learning."""

import importlib.util
import json
import math
import os
import subprocess
import sys
import warnings
from copy import deepcopy
from pathlib import Path

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
from scipy.stats import norm

from benchmark_utils.problems import Problem
from benchmark_utils.trials import Outcome

PACKAGES = {"random-forest": "smac", "bayesian-nn": "botorch"}
pytestmark = [
    # Of smac's imports and of scikit-learn, not of a search.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(params=PACKAGES)
def name(request):
    pytest.importorskip(PACKAGES[request.param])
    return request.param


@pytest.fixture
def dngo():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # botorch's parts about one another
        pytest.importorskip("botorch")
        from benchmark_utils import dngo
    return dngo


def mixed_space():
    space = ConfigurationSpace(
        space=[
            Float("share", (0.0, 1.0)),
            Float("rate", (1e-4, 1.0), log=True),
            Integer("depth", (1, 200), log=True),
            OrdinalHyperparameter("batch", [16, 32, 64]),
            Categorical("kind", ["a", "b", "c"]),
        ]
    )
    space.add(EqualsCondition(space["rate"], space["kind"], "b"))
    return space


class Closed(Problem):
    """A closed form over any space; the trials numbered in ``failing`` fail."""

    metrics = ("loss",)
    defaults = ()

    def __init__(self, space, failing=()):
        self.space, self.failing, self.n_done = space, failing, 0

    def evaluate(self, requests, seeds, setting, kept=None):
        for request in requests:
            loss = self.loss(request.configuration)
            failed = self.n_done in self.failing
            self.n_done += 1
            yield Outcome(request.trial_id, math.inf if failed else loss)

    @staticmethod
    def loss(configuration):
        loss = 0.0
        for value in configuration.values():
            loss += len(value) if isinstance(value, str) else (value - 0.3) ** 2
        return float(loss)


def configs(solver, search):
    return run_search(solver, search)["config"].tolist()


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_exactly_n_trials(name, n, solver, problem):
    for tuned in (problem("simulated"), Closed(mixed_space()), problem("recorded")):
        assert len(run_search(solver(name), new_search(tuned, n))) == n


def test_every_trial_is_another_configuration(name, solver, problem):
    tried = configs(solver(name), new_search(problem("recorded"), 40))
    n_own_start = 10  # a Sobol design can meet the same cell twice
    assert len(set(tried[n_own_start:])) == 30
    assert not set(tried[n_own_start:]) & set(tried[:n_own_start])


def test_a_space_smaller_than_the_budget_is_searched_on(name, solver):
    space = ConfigurationSpace({"kind": ["a", "bb", "ccc"], "on": [True, False]})
    tried = configs(solver(name), new_search(Closed(space), 20))
    assert len(tried) == 20
    assert len(set(tried)) == 6


def test_same_seed_same_trials_whatever_ran_before(name, solver):
    def search(seed):
        return new_search(Closed(mixed_space()), 14, seed=seed)

    first = configs(solver(name), search(0))
    np.random.seed(8)  # noqa: NPY002
    configs(solver("random"), search(5))
    other = configs(solver(name), search(1))
    assert configs(solver(name), search(0)) == first
    assert not set(first) & set(other)


SCRIPT = """
from benchopt.benchmark import Benchmark
from conftest import ROOT, new_search, run_search
from test_model_based_smac_bnn import Closed, mixed_space
[cls] = [c for c in Benchmark(ROOT).get_solvers() if c.name == {name!r}]
search = new_search(Closed(mixed_space()), 14)
print(run_search(cls.get_instance(), search)["config"].tolist())
"""


def test_the_order_of_pythons_sets_does_not_matter(name):
    def printed(hash_seed):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT.format(name=name)],
            cwd=Path(__file__).parent,
            env=environment,
            capture_output=True,
            check=True,
        ).stdout

    assert printed("1") == printed("2") != b""


def test_the_shared_space_and_global_randomness_are_left_alone(name, solver):
    space = mixed_space()
    random_state = space.random.get_state()[1].tolist()
    numpy_state = np.random.get_state()[1].tolist()  # noqa: NPY002
    configs(solver(name), new_search(Closed(space), 12))
    assert space.random.get_state()[1].tolist() == random_state
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002


@pytest.mark.parametrize(
    "failing", [[0], [0, 1, 2], [4, 13], range(1, 16), range(16)], ids=str
)
def test_failed_trials_are_survived(name, failing, solver):
    search = new_search(Closed(mixed_space(), failing), 16)
    rows = run_search(solver(name), search)
    assert len(rows) == 16
    assert (rows["status"] == "failed").sum() == len(failing)


@pytest.mark.parametrize("loss", [0.0, 5.0, -1.0, 1e30])
def test_a_flat_loss_is_survived(name, loss, solver):
    flat = Closed(mixed_space())
    flat.loss = lambda configuration: loss
    assert len(run_search(solver(name), new_search(flat, 16))) == 16


@pytest.mark.parametrize("initial", ["sobol", "lhs"])
def test_another_initial_design(name, initial, solver, problem):
    tuned = problem("recorded")
    design = configs(solver(initial), new_search(tuned, 8))
    tried = configs(solver(name, initial=initial, n_initial=8), new_search(tuned, 12))
    assert tried[:8] == design
    assert len(tried) == 12
    short = solver(name, initial=initial, n_initial=8)
    assert len(run_search(short, new_search(tuned, 3))) == 3


def test_it_learns(name, solver, problem):
    def median_regret(strategy):
        searches = [
            new_search(problem("simulated"), 60, seed=seed, split=seed)
            for seed in range(5)
        ]
        return np.median(
            [run_search(strategy, search)["regret"].iloc[-1] for search in searches]
        )

    quick = {"retrain_after": 8} if name == "random-forest" else {}
    assert median_regret(solver(name, **quick)) < median_regret(solver("random")) / 2


def test_nothing_is_printed_and_no_file_is_left(
    name, solver, capfd, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    solved = solver(name, initial="sobol", n_initial=4)
    run_search(solved, new_search(Closed(mixed_space()), 8))
    assert os.listdir(tmp_path) == []
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_a_missing_package_is_one_line(name, solver, monkeypatch):
    package, find = PACKAGES[name], importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == package else find(n)
    )
    reason = solver(name).lacks()
    assert reason == f"needs the package {package}: pip install {package}"


# SMAC


@pytest.mark.filterwarnings("ignore:Mean of empty|invalid value")  # smac's own
@pytest.mark.parametrize("space", ["floats", "mixed"])
@pytest.mark.parametrize("retrain_after", [1, 8])
def test_the_configurations_are_smacs(
    space, retrain_after, solver, tmp_path, monkeypatch
):
    smac = pytest.importorskip("smac")
    from smac.acquisition.maximizer import LocalSearch
    from smac.runhistory import TrialValue

    if space == "mixed":
        problem = Closed(mixed_space())
    else:
        problem = Closed(ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)}))
    n = 9  # smac itself takes seconds for each
    search = new_search(problem, n, seed=3)
    ours = configs(solver("random-forest", retrain_after=retrain_after), search)

    scenario = smac.Scenario(
        deepcopy(problem.space),
        output_directory=tmp_path,
        deterministic=True,
        n_trials=n,
        seed=3,
    )
    # smac starts its local searches in the order of a set: another in every process.
    method = "_get_init_points_from_previous_configs"
    starts = getattr(LocalSearch, method)
    monkeypatch.setattr(LocalSearch, method, lambda *a: sorted(starts(*a), key=repr))
    facade = smac.HyperparameterOptimizationFacade
    selector = facade.get_config_selector(scenario, retrain_after=retrain_after)
    direct = facade(scenario, config_selector=selector, logging_level=False)
    theirs = []
    for _ in range(n):
        info = direct.ask()
        theirs.append(dict(info.config))
        direct.tell(info, TrialValue(problem.loss(info.config)))
    assert [json.loads(text) for text in ours] == theirs


# DNGO


def test_expected_improvement_is_the_closed_form(dngo):
    rng = np.random.default_rng(0)
    X, new = rng.uniform(-1, 1, (12, 3)), rng.uniform(-1, 1, (40, 3))
    y = (X**2).sum(axis=1)
    basis = dngo.trained(X, y, seed=4)
    predict = dngo.regression(basis(X), y)
    mean, s = predict(basis(new))
    z = (predict(basis(X))[0].min() - mean) / s
    gain = dngo.expected_improvement(X, y, new, seed=4)
    likely = z > -5  # further out, scipy's difference is rounding only
    assert likely.sum() > 5
    z, s = z[likely], s[likely]
    expected = np.log(s * (z * norm.cdf(z) + norm.pdf(z)))
    assert gain[likely] == pytest.approx(expected, rel=1e-6)
    assert np.isfinite(gain).all()


def test_the_regression_is_the_textbooks(dngo):
    rng = np.random.default_rng(0)
    basis, new = rng.normal(size=(30, 5)), rng.normal(size=(7, 5))
    y = basis @ rng.normal(size=5) + 0.1 * rng.normal(size=30)
    mean, deviation = dngo.regression(basis, y)(new)
    # Bishop 2006, eq. 3.53 f., with the precisions that maximise the evidence.
    from scipy.optimize import minimize
    from scipy.stats import multivariate_normal

    def surprise(log_variances):
        v, noise = np.exp(log_variances)
        covariance = v * basis @ basis.T + noise * np.eye(30)
        return -multivariate_normal(np.zeros(30), covariance).logpdf(y)

    v, noise = np.exp(minimize(surprise, [0.0, -2.0], method="Nelder-Mead").x)
    S = np.linalg.inv(np.eye(5) / v + basis.T @ basis / noise)
    assert mean == pytest.approx(new @ S @ basis.T @ y / noise, rel=0.02, abs=0.01)
    textbook = np.sqrt(np.einsum("ij,jk,ik->i", new, S, new))
    assert deviation == pytest.approx(textbook, rel=0.2)


def test_losses_are_standardised_and_bad_ones_pulled_in(dngo):
    y = dngo.standardised(np.array([1.0, 2.0, 3.0, 1e9, math.inf]))
    assert y.mean() == pytest.approx(0)
    assert y.std() == pytest.approx(1)
    assert y[3] == y[4] > y[2] > y[1] > y[0]
    assert not dngo.standardised(np.array([math.inf, 4.0, 4.0])).any()
    assert not dngo.standardised(np.array([math.inf, math.inf])).any()


def test_categories_are_one_hot_and_threads_are_put_back(solver):
    torch = pytest.importorskip("torch")
    network, n_threads = solver("bayesian-nn"), torch.get_num_threads()
    run_search(network, new_search(Closed(mixed_space()), 12))
    # batch, depth, kind = a, b, c, rate, share
    assert network.encoded(network.points).shape == (12, 7)
    kinds = network.encoded(network.points)[:, 2:5]
    assert (np.sort(kinds, axis=1) == [-1, -1, 1]).all()
    assert torch.get_num_threads() == n_threads
