"""Tune the widths of the two hidden layers for aleph-bjet, as the study did beforehand.

    python benchmarks/tune_aleph_widths.py [n_trials]

Optuna's TPE chooses pairs of widths. Each is judged by the lowest validation loss
among 16 configurations of what is tuned later, learning rate and epochs (a scrambled
Sobol sequence, the same for all), trained together, in the mean over three splits of
a partition that the benchmark does not use (of the same jets, though). Prints the
pairs from best to worst. With 50 trials: 4 and 12 units 5.640 GeV, 4 and 29 5.655, 3
and 30 5.656, and at the other end 54 and 46 5.886: wide layers overfit. The best ones
are closer than such a mean over three splits can tell apart.
"""

import sys
from pathlib import Path

import numpy as np
import optuna
from benchopt.benchmark import Benchmark
from scipy.stats import qmc

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils.learners.mlp import copenhagen  # noqa: E402
from benchmark_utils.problems import Setting  # noqa: E402
from benchmark_utils.problems.trained import Trained  # noqa: E402
from benchmark_utils.trials import Request  # noqa: E402
from benchmark_utils.unit_cube import UnitCube  # noqa: E402

NARROWEST, WIDEST = 2, 64
N_CONFIGURATIONS, N_SPLITS, SEED = 16, 3, 20230


def loss(table, split_size: int, widths: tuple[int, int]) -> float:
    """Return what can be reached with these widths: root mean squared error, GeV."""
    learner = copenhagen(widths)
    problem = Trained(table, learner, split_size)
    points = qmc.Sobol(2, rng=SEED).random(N_CONFIGURATIONS)
    configurations = UnitCube(learner.space).configurations(points)
    requests = [Request(i, c) for i, c in enumerate(configurations)]
    seeds = {i: i for i in range(N_CONFIGURATIONS)}
    lowest = []
    for split in range(N_SPLITS):
        setting = Setting("rmse", 1, split, data_seed=SEED, training_seed=split)
        outcomes = problem.evaluate(requests, seeds, setting)
        lowest.append(min(outcome.valid_loss for outcome in outcomes))
    return float(np.mean(lowest))


def main(n_trials: int = 50) -> None:
    datasets = {cls.name: cls for cls in Benchmark(ROOT).get_datasets()}
    answer = datasets["aleph-bjet"].get_instance().get_data()
    problem = answer["problem"]
    if problem is None:
        sys.exit(f"aleph-bjet: {answer['unavailable']}")
    table, split_size = problem._table, problem._split_size

    def objective(trial):
        widths = [trial.suggest_int(n, NARROWEST, WIDEST, log=True) for n in "ab"]
        return loss(table, split_size, tuple(widths))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))
    study.optimize(objective, n_trials)
    for trial in sorted(study.trials, key=lambda trial: trial.value):
        print(f"{trial.value:.4f}", *trial.params.values())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
