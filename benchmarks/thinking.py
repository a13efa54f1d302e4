"""What strategies think for a trial, beside their library called directly.

    python benchmarks/thinking.py [strategy ...]

prints milliseconds per trial in searches of 50 and of 200 trials on a bowl in five
dimensions, this benchmark's (the column suggest_seconds) and the library's own, called
as its users do (everything but the evaluations), and their ratio. Both take turns, with
the same seeds; medians over the turns, 9 of them, 3 of those that take long. `designs`
and what is written here (ant-colony, bayesian-nn) have nobody to stand beside.

SMAC called directly takes up to ten seconds for a trial: of `random-forest` both sides
are given the same random trials, and the last two are measured.
"""

import contextlib
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchopt.benchmark import Benchmark

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils.problems.simulated import Simulated  # noqa: E402
from benchmark_utils.search import Search  # noqa: E402
from benchmark_utils.seeds import Seeds  # noqa: E402

D = 5
PROBLEM = Simulated(D, D, 0.0, "bowl")
SEEDS = Seeds(search=1, split=0, data=2, training=3)
SLOW = {"gp": 3, "bayesian-nn": 3, "random-forest": 1}  # turns
LAST = {"random-forest": 2}  # trials measured, where not all are


def searching(solver, n_trials: int, seed: int) -> list[float]:
    """Return the thinking of every trial of a search, in seconds."""
    search = Search(PROBLEM, n_trials, replace(SEEDS, search=seed))
    seconds = []
    solver.set_objective(search)
    solver.run(lambda: seconds.append(search.record["suggest_seconds"]) or True)
    return seconds


class Spent(Exception):
    pass


class Bowl:
    """The function that a library minimises: counts, and keeps its own time.

    It does all that a search of ours does between two thoughts, so that the library
    finds the processor's caches as cold as it does there.
    """

    def __init__(self, n: int, seed: int):
        self.search = Search(PROBLEM, n, replace(SEEDS, search=seed))
        self.n, self.n_done, self.seconds = n, 0, 0.0

    def __call__(self, x):
        started = time.perf_counter()
        if self.n_done == self.n:
            raise Spent
        self.n_done += 1
        [configuration] = self.search.cube.configurations([x])
        [trial] = self.search.evaluate([self.search.request(configuration)])
        self.seconds += time.perf_counter() - started
        return trial.loss


def optuna_study(sampler, directions=1):
    def minimise(f, seed):
        import optuna

        def objective(trial):
            loss = f([trial.suggest_float(f"x{i}", 0, 1) for i in range(D)])
            return loss if directions == 1 else (loss, 0.0)

        study = optuna.create_study(
            sampler=sampler(seed), directions=["minimize"] * directions
        )
        study.optimize(objective)

    return minimise


def tpe(seed):
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, multivariate=True)


def gp(seed):
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed)


def nsga_ii(seed):
    from optuna.samplers import NSGAIISampler
    from optuna.samplers.nsgaii import PolynomialMutation, SBXCrossover

    return NSGAIISampler(
        population_size=10,
        crossover=SBXCrossover(),
        mutation=PolynomialMutation(),
        seed=seed,
    )


def cma_es(f, seed):
    from cmaes import CMAwM

    bounds = np.tile([0.0, 1.0], (D, 1))
    optimizer = CMAwM(np.full(D, 0.5), 0.25, bounds, np.zeros(D), seed=seed)
    while not optimizer.should_stop():
        told = []
        for _ in range(optimizer.population_size):
            x, asked = optimizer.ask()
            told.append((asked, f(x)))
        optimizer.tell(told)


def differential_evolution(f, seed):
    from scipy.optimize import differential_evolution
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    init = qmc.LatinHypercube(D, rng=rng).random(8)
    differential_evolution(f, [(0, 1)] * D, init=init, polish=False, rng=rng)


def pso(f, seed):
    from pymoo.algorithms.soo.nonconvex.pso import PSO
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.optimize import minimize

    class Problem(ElementwiseProblem):
        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = f(x)

    minimize(
        Problem(n_var=D, n_obj=1, xl=0, xu=1), PSO(10), ("n_eval", 10**6), seed=seed
    )


def nelder_mead(f, seed):
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    while True:
        x0 = rng.random(D)
        simplex = np.vstack([x0, x0 + np.diag(np.where(x0 < 0.5, 0.4, -0.4))])
        options = {"initial_simplex": simplex, "xatol": 0.01, "fatol": np.inf}
        minimize(f, x0, method="Nelder-Mead", bounds=[(0, 1)] * D, options=options)


def bobyqa(f, seed):
    import pybobyqa

    rng = np.random.default_rng(seed)
    while True:
        x0, bounds = rng.random(D), (np.zeros(D), np.ones(D))
        pybobyqa.solve(f, x0, bounds=bounds, rhobeg=0.45, rhoend=0.01)


def random_forest(f, seed):
    """SMAC, told of the same random trials as the adapter; only the rest counts."""
    from smac import HyperparameterOptimizationFacade as Facade
    from smac import Scenario
    from smac.runhistory import TrialInfo, TrialValue

    n_given = f.n - LAST["random-forest"]
    cube = Search(PROBLEM, 1, SEEDS).cube
    points = np.random.default_rng(seed).random((n_given, D))
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            deepcopy(PROBLEM.space),
            output_directory=Path(folder),
            deterministic=True,
            n_trials=f.n,
            seed=seed,
        )
        facade = Facade(
            scenario,
            initial_design=Facade.get_initial_design(scenario, n_configs=0),
            config_selector=Facade.get_config_selector(scenario, retrain_after=1),
            logging_level=False,
        )
        for configuration in cube.configurations(points):
            loss = f([configuration[f"x{i}"] for i in range(D)])
            facade.tell(TrialInfo(configuration, seed=0), TrialValue(loss), save=False)
        started, f.seconds = time.perf_counter(), 0.0
        while f.n_done < f.n:
            info = facade.ask()
            loss = f([info.config[f"x{i}"] for i in range(D)])
            facade.tell(info, TrialValue(loss), save=False)
        f.own_seconds = time.perf_counter() - started - f.seconds


DIRECT: dict[str, Callable | None] = {
    "random": None,
    "tpe": optuna_study(tpe),
    "gp": optuna_study(gp),
    "random-forest": random_forest,
    "bayesian-nn": None,
    "cma-es": cma_es,
    "genetic": optuna_study(nsga_ii),
    "nsga-ii": optuna_study(nsga_ii, directions=2),
    "differential-evolution": differential_evolution,
    "pso": pso,
    "ant-colony": None,
    "nelder-mead": nelder_mead,
    "bobyqa": bobyqa,
}


def called(minimise: Callable, n_trials: int, seed: int) -> float:
    """Return the seconds that a library takes for n trials, evaluations left out."""
    f = Bowl(n_trials, seed)
    started = time.perf_counter()
    with contextlib.suppress(Spent):
        minimise(f, seed)
    seconds = time.perf_counter() - started - f.seconds
    return getattr(f, "own_seconds", seconds)


def measured(name: str, solver, n_trials: int) -> tuple[float, float]:
    """Return seconds per trial: ours, and the library's (NaN where there is none)."""
    last = LAST.get(name, n_trials)
    ours, theirs = [], []
    for seed in range(SLOW.get(name, 9)):
        ours.append(sum(searching(solver, n_trials, seed)[-last:]) / last)
        if DIRECT[name]:
            theirs.append(called(DIRECT[name], n_trials, seed) / last)
    return float(np.median(ours)), float(np.median(theirs or [np.nan]))


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(DIRECT))
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(DIRECT)}")
    classes = {cls.name: cls for cls in Benchmark(ROOT).get_solvers()}
    print("| ms per trial | 50 trials | library | ratio | 200 | library | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in names or DIRECT:
        cells = [f"`{name}`"]
        for n_trials in (50, 200):
            parameters = {}
            if name in LAST:
                parameters = {"initial": "random", "n_initial": n_trials - LAST[name]}
            solver = classes[name].get_instance(**parameters)
            if reason := solver.lacks():
                print(f"{name}: {reason}", file=sys.stderr)
                break
            searching(solver, 3 + LAST.get(name, 0), 0)  # imports
            ours, theirs = measured(name, solver, n_trials)
            cells += [f"{1e3 * ours:.3g}"]
            cells += (
                ["-", "-"]
                if np.isnan(theirs)
                else [
                    f"{1e3 * theirs:.3g}",
                    f"{ours / theirs:.2f}",
                ]
            )
        else:
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of the libraries called directly
    logging.disable(logging.WARNING)
    main(sys.argv[1:])
