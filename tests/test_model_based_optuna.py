"""Strategies through optuna and cmaes: their trials, seeds, failures, and equality."""

import importlib.util
import math

import click
import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    Configuration,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    Integer,
    OrdinalHyperparameter,
)
from conftest import new_search, run_search

from benchmark_utils.designs import SAMPLERS
from benchmark_utils.problems import Problem
from benchmark_utils.trials import Outcome, to_json
from benchmark_utils.unit_cube import UnitCube

optuna = pytest.importorskip("optuna")
cmaes = pytest.importorskip("cmaes")
from benchmark_utils.optuna_space import suggest, to_params  # noqa: E402

HAVE_TORCH = all(map(importlib.util.find_spec, ["torch", "greenlet"]))
GP = pytest.param(
    "gp", marks=pytest.mark.skipif(not HAVE_TORCH, reason="needs torch and greenlet")
)
NAMES = ["tpe", "univariate tpe", GP, "cma-es", "genetic", "nsga-ii"]


@pytest.fixture
def strategy(solver):
    """Return a strategy by name, with its parameters."""

    def make(name, **parameters):
        if name == "univariate tpe":
            return solver("tpe", multivariate=False, **parameters)
        return solver(name, **parameters)

    return make


def mixed_space():
    space = ConfigurationSpace(
        space=[
            Constant("always", "on"),
            Float("share", (0.0, 1.0)),
            Float("rate", (1e-5, 1e-1), log=True),
            Integer("depth", (1, 9)),
            Integer("width", (1, 1024), log=True),
            OrdinalHyperparameter("batch", [16, 32, 64]),
            Categorical("kind", ["a", "b", "c"], weights=[1, 2, 1]),
            Categorical("momentum?", [True, False]),
            Float("momentum", (0.5, 1.0)),
        ]
    )
    space.add(EqualsCondition(space["momentum"], space["momentum?"], True))
    return space


def mixed_loss(c):
    """Return a loss to which every hyperparameter adds; negative ones as well."""
    momentum = c["momentum"] if c["momentum?"] else 0.5
    return (
        (c["share"] - 0.3) ** 2
        + (math.log10(c["rate"]) + 3) ** 2 / 4
        + abs(c["depth"] - 4) / 8
        + abs(math.log2(c["width"]) - 5) / 10
        + (c["batch"] != 32)
        + (c["kind"] != "b")
        + (0.9 - momentum)
        - 1
    )


class Given(Problem):
    """Any space and loss; ``fails`` says which trials, counted from 1, fail."""

    metrics = ("loss",)
    defaults = ()

    def __init__(self, space, loss, fails=lambda trial: False, size=lambda c: math.nan):
        self.space, self.loss, self.fails, self.size = space, loss, fails, size

    def evaluate(self, requests, seeds, setting, kept=None):
        for request in requests:
            c = request.configuration
            if self.fails(request.trial_id):
                yield Outcome(request.trial_id, math.inf)
            else:
                loss = self.loss(c)
                yield Outcome(request.trial_id, loss, regret=loss, size=self.size(c))


def mixed(**options):
    return Given(mixed_space(), mixed_loss, **options)


@pytest.mark.parametrize("n", [1, 2, 7, 40])
@pytest.mark.parametrize("name", NAMES)
def test_exactly_n_trials_on_any_space(name, n, strategy, problem):
    line = problem("simulated", n_dims=1)
    for given in [problem("simulated"), line, mixed(), problem("recorded")]:
        rows = run_search(strategy(name), new_search(given, n))
        assert len(rows) == n
        assert rows["cost"].iloc[-1] == n


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_trials(name, strategy, solver):
    def trials(seed):
        search = new_search(mixed(), 22, seed=seed)
        return run_search(strategy(name), search)["config"].tolist()

    first = trials(3)
    run_search(solver("random"), new_search(mixed(), 5))
    run_search(strategy(name), new_search(mixed(), 12, seed=9))
    assert trials(3) == first
    assert trials(4) != first


@pytest.mark.parametrize("name", NAMES)
def test_no_global_randomness_is_used_or_changed(name, strategy):
    torch = pytest.importorskip("torch")

    def trials(seed):
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        before = np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
        search = new_search(mixed(), 14)
        trials = run_search(strategy(name), search)["config"].tolist()
        after = np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
        assert before[0] == after[0]
        assert (before[1] == after[1]).all()
        return trials

    assert trials(0) == trials(1)


@pytest.mark.parametrize("initial", [None, "sobol"])
@pytest.mark.parametrize(
    "fails",
    [
        lambda trial: trial == 1,
        lambda trial: trial <= 12,
        lambda trial: trial % 3 == 0,
        lambda trial: True,
    ],
    ids=["first", "first-dozen", "every-third", "all"],
)
@pytest.mark.parametrize("name", NAMES)
def test_failed_trials_never_end_a_search(name, fails, initial, strategy):
    search = new_search(mixed(fails=fails, size=lambda c: c["width"]), 30)
    assert len(run_search(strategy(name, initial=initial), search)) == 30


def test_optuna_is_told_failures_as_the_worst_loss_seen(solver):
    losses = iter([2.0, 1.0, 5.0])
    fails = {1, 2, 5, 7}
    given = Given(mixed_space(), lambda c: next(losses), fails=fails.__contains__)
    tpe = solver("tpe")
    run_search(tpe, new_search(given, 7))
    assert [t.value for t in tpe.study.trials] == [2, 2, 2, 1, 2, 5, 5]


@pytest.mark.parametrize("initial", ["sobol", "lhs"])
@pytest.mark.parametrize("name", NAMES)
def test_another_initial_design_comes_first(name, initial, strategy):
    search = new_search(mixed(), 16)
    rows = run_search(strategy(name, initial=initial), search)
    points = SAMPLERS[initial](10, search.cube.d, np.random.default_rng(search.seed))
    design = search.cube.points(search.cube.configurations(points)).round(6).tolist()
    assert rows["point"].tolist()[:10] == [str(point) for point in design]
    assert len(rows) == 16
    short = run_search(strategy(name, initial=initial), new_search(mixed(), 3))
    assert len(short) == 3


def test_cma_es_starts_at_the_best_of_its_design(solver):
    search = new_search(Given(mixed_space(), mixed_loss), 11)
    strategy = solver("cma-es", initial="sobol")
    rows = run_search(strategy, search)
    best = rows["point"][rows["valid_loss"][:10].idxmin()]
    assert str(strategy.best[1].round(6).tolist()) == best


def test_wrong_parameters_are_one_clear_line(solver):
    for name, wrong in [
        ("tpe", {"multivariate": 2}),
        ("tpe", {"n_initial": 0}),
        ("gp", {"initial": "sobel"}),
        ("genetic", {"population_size": 1}),
        ("cma-es", {"sigma": 0}),
        ("cma-es", {"sigma": "wide"}),
    ]:
        with pytest.raises(click.UsageError):
            solver(name, **wrong)


@pytest.mark.parametrize("name", NAMES)
def test_without_its_package_a_strategy_says_so(name, strategy, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    skip, reason = strategy(name).skip(new_search(mixed(), 3))
    assert skip
    assert reason in [
        f"needs the package {p}: pip install {p}" for p in _packages(name)
    ]


def _packages(name):
    return ["cmaes"] if name == "cma-es" else ["optuna"]


@pytest.mark.parametrize("name", NAMES)
def test_it_learns(name, strategy, problem):
    bowl = problem("simulated")

    def median(name):
        searches = [new_search(bowl, 60, seed=s, split=s) for s in range(5)]
        ends = [run_search(strategy(name), s)["regret"].iloc[-1] for s in searches]
        return np.median(ends)

    assert median(name) < median("random")


# The library called directly


def plane():
    names = ["x", "y"]
    return ConfigurationSpace(space=[Float(name, (-2.0, 3.0)) for name in names])


def plane_loss(c):
    return (c["x"] - 1) ** 2 + (c["y"] + 0.5) ** 4


def samplers():
    from optuna.samplers import GPSampler, NSGAIISampler, TPESampler, nsgaii

    def genetic(seed):
        return NSGAIISampler(
            population_size=10,
            crossover=nsgaii.SBXCrossover(),
            mutation=nsgaii.PolynomialMutation(),
            seed=seed,
        )

    return {
        "tpe": lambda seed: TPESampler(seed=seed, multivariate=True),
        "univariate tpe": lambda seed: TPESampler(seed=seed, multivariate=False),
        "gp": lambda seed: GPSampler(seed=seed),
        "genetic": genetic,
        "nsga-ii": genetic,
    }


def mixed_by_hand(trial):
    """The mixed space as a user of optuna writes it, in ConfigSpace's order."""
    c = {}
    for name in mixed_space():
        if name == "batch":
            c[name] = [16, 32, 64][trial.suggest_int(name, 0, 2)]
        elif name == "depth":
            c[name] = trial.suggest_int(name, 1, 9)
        elif name == "width":
            c[name] = trial.suggest_int(name, 1, 1024, log=True)
        elif name == "kind":
            c[name] = trial.suggest_categorical(name, ["a", "b", "c"])
        elif name == "momentum?":
            c[name] = trial.suggest_categorical(name, [True, False])
        elif name == "share":
            c[name] = trial.suggest_float(name, 0, 1)
        elif name == "rate":
            c[name] = trial.suggest_float(name, 1e-5, 1e-1, log=True)
        elif name == "momentum" and c["momentum?"]:
            c[name] = trial.suggest_float(name, 0.5, 1)
    return c


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", [n for n in NAMES if n != "cma-es"])
def test_the_adapter_is_optuna(name, strategy):
    n = 20 if name == "gp" else 60
    given = Given(plane(), plane_loss, size=lambda c: abs(c["x"]))
    search = new_search(given, n, seed=5)
    rows = run_search(strategy(name), search)

    tried = []

    def objective(trial):
        c = {x: trial.suggest_float(x, -2, 3) for x in ("x", "y")}
        tried.append(Configuration(given.space, values=c))
        both = plane_loss(c), abs(c["x"])
        return both if name == "nsga-ii" else both[0]

    study = optuna.create_study(
        sampler=samplers()[name](5),
        directions=["minimize"] * (2 if name == "nsga-ii" else 1),
    )
    study.optimize(objective, n_trials=n)
    points = search.cube.points(tried).round(6).tolist()
    assert rows["point"].tolist() == [str(point) for point in points]


@pytest.mark.parametrize("multivariate", [False, True])
def test_the_adapter_is_optuna_on_a_conditional_space(multivariate, solver):
    search = new_search(mixed(), 50, seed=2)
    rows = run_search(solver("tpe", multivariate=multivariate), search)
    tried = []

    def objective(trial):
        tried.append(mixed_by_hand(trial))
        return mixed_loss(tried[-1])

    sampler = optuna.samplers.TPESampler(seed=2, multivariate=multivariate)
    optuna.create_study(sampler=sampler).optimize(objective, n_trials=50)
    tried = [Configuration(search.space, values={"always": "on", **c}) for c in tried]
    points = search.cube.points(tried).round(6).tolist()
    assert rows["point"].tolist() == [str(point) for point in points]


def test_the_adapter_is_cmaes(solver):
    search = new_search(Given(plane(), plane_loss), 60, seed=5)
    rows = run_search(solver("cma-es"), search)
    optimizer = cmaes.CMA(
        mean=np.full(2, 0.5), sigma=0.25, bounds=np.array([[0, 1], [0, 1]]), seed=5
    )
    points = []
    while len(points) < 60:
        solutions = []
        for _ in range(optimizer.population_size):
            u = optimizer.ask()
            x, y = -2 + 5 * u
            solutions.append((u, plane_loss({"x": x, "y": y})))
            points.append(str(u.round(6).tolist()))
        optimizer.tell(solutions)
    assert rows["point"].tolist() == points[:60]


def test_cma_es_starts_anew_when_it_has_converged(solver):
    flat = Given(plane(), lambda c: 1.0)
    strategy = solver("cma-es")
    assert len(run_search(strategy, new_search(flat, 500))) == 500
    assert strategy.optimizer.population_size > 6


def test_cma_es_keeps_a_margin_for_evenly_spaced_values_only(solver):
    search = new_search(mixed(), 8)
    strategy = solver("cma-es")
    run_search(strategy, search)
    steps = dict(zip(search.cube.names, strategy.steps, strict=True))
    assert {name: 1 / step for name, step in steps.items() if step} == pytest.approx(
        {"batch": 3, "depth": 9, "momentum?": 2}
    )


def test_nsga_ii_without_sizes_looks_at_losses_only(solver):
    search = new_search(mixed(), 40)
    strategy = solver("nsga-ii")
    run_search(strategy, search)
    assert {t.values[1] for t in strategy.study.trials} == {0.0}


def test_nsga_ii_keeps_small_models_that_genetic_drops(strategy):
    space = ConfigurationSpace(space=[Integer("width", (1, 1000))])
    large_is_good = Given(space, lambda c: -c["width"], size=lambda c: c["width"])

    def late_sizes(name):
        return run_search(strategy(name), new_search(large_is_good, 60))["size"][40:]

    assert late_sizes("nsga-ii").median() < late_sizes("genetic").min()


# The space


def fixed(space, configuration, inactive=False):
    trial = optuna.trial.FixedTrial(to_params(space, configuration))
    return Configuration(space, suggest(trial, space, inactive))


def test_configurations_go_to_optuna_and_back():
    cube = UnitCube(mixed_space())
    points = np.random.default_rng(0).random((50, cube.d))
    for configuration in cube.configurations(points):
        back = fixed(cube.space, configuration)
        assert back == configuration
        assert to_json(back) == to_json(configuration)


def test_values_of_any_kind_can_be_categories():
    space = ConfigurationSpace(
        space=[
            Categorical("layers", [(64,), (64, 64)]),
            OrdinalHyperparameter("size", ["small", "large"]),
            Categorical("one", ["only"]),
        ]
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    got = {Configuration(space, suggest(study.ask(), space)) for _ in range(40)}
    assert len(got) == 4


@pytest.mark.parametrize("inactive", [False, True])
def test_inactive_hyperparameters_are_asked_for_only_on_demand(inactive):
    space = mixed_space()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        configuration = Configuration(space, suggest(trial, space, inactive))
        assert ("momentum" in configuration) == configuration["momentum?"]
        assert ("momentum" in trial.params) == (inactive or configuration["momentum?"])
