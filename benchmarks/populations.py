"""Populations of losses whose true tuning curve is known, for `calibration.py`."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from benchopt.benchmark import Benchmark
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils.errors import Unavailable  # noqa: E402
from benchmark_utils.learners import Learner, lightgbm, svm  # noqa: E402
from benchmark_utils.problems import Setting  # noqa: E402
from benchmark_utils.problems.recorded import BENCHMARKS, _loss, _open  # noqa: E402
from benchmark_utils.problems.trained import Trained  # noqa: E402
from benchmark_utils.seeds import derive  # noqa: E402
from benchmark_utils.tables import Table, bundled_table  # noqa: E402
from benchmark_utils.trials import Request  # noqa: E402
from benchmark_utils.unit_cube import UnitCube  # noqa: E402
from datasets import housing  # noqa: E402


class Population(NamedTuple):
    """Validation and reported losses, best validation loss first."""

    kind: str
    valid: np.ndarray
    loss: np.ndarray

    def best_of(self, n: int) -> np.ndarray:
        """Return the chance of each member to be the best of n drawn ones."""
        new = np.r_[True, self.valid[1:] != self.valid[:-1]]
        tie = np.cumsum(new) - 1
        count = np.bincount(tie)
        above = 1 - np.r_[0, np.cumsum(count)] / len(self.valid)
        chance = above[:-1] ** n - above[1:] ** n
        return (chance / count)[tie]

    def pools(self, rng: np.random.Generator, *shape: int) -> np.ndarray:
        """Return the reported losses of pools, each ranked by validation loss."""
        return self.loss[np.sort(rng.integers(0, len(self.loss), shape), axis=-1)]


def population(kind: str, valid, loss=None) -> Population:
    valid = np.asarray(valid, dtype=float)
    order = np.argsort(valid, kind="stable")
    valid = valid[order]
    # One and the same array where the validation loss is what is reported.
    return Population(kind, valid, valid if loss is None else np.asarray(loss)[order])


def simulated() -> dict[str, Population]:
    p = (np.arange(100_000) + 0.5) / 100_000
    noise = np.random.default_rng(0).normal(size=len(p))
    normal, lognormal = stats.norm.ppf(p), np.exp(stats.norm.ppf(p))
    exponential = stats.expon.ppf(p)
    diverged = stats.expon.ppf(np.minimum(p / 0.7, 0.999_999))
    losses = {
        "normal": (normal,),
        "uniform": (p,),
        "exponential": (exponential,),
        "lognormal": (lognormal,),
        "bowl in 1 dimension": (p**2,),
        "bowl in 5 dimensions": (p**0.4,),
        "Gumbel, long tail to the best": (np.log(exponential),),
        "exponential, 30 % diverged": (np.where(p < 0.7, diverged, 50),),
        "normal, noisy test loss": (normal, normal + 0.5 * noise),
        "lognormal, noisy test loss": (lognormal, lognormal + 0.3 * noise),
    }
    return {name: population("simulated", *own) for name, own in losses.items()}


def held_out() -> dict[str, Population]:
    """Simulated losses that nobody had looked at when the interval was chosen."""
    p = (np.arange(100_000) + 0.5) / 100_000
    noise = np.random.default_rng(1).normal(size=len(p))
    two_modes = np.sort(np.r_[stats.norm.ppf(p[::5]), 6 + stats.norm.ppf(p)])
    skewed = stats.beta.ppf(p, 2, 5)
    losses = {
        "Weibull 4": (stats.weibull_min.ppf(p, 4),),
        "gamma 0.5": (stats.gamma.ppf(p, 0.5),),
        "Student's t, 3": (stats.t.ppf(p, 3),),
        "logistic": (stats.logistic.ppf(p),),
        "a sixth in a better mode": (two_modes,),
        "error rates of 50 rows": (stats.binom.ppf(p, 50, skewed) / 50,),
        "beta, noisy test loss": (skewed, skewed + 0.05 * noise),
    }
    return {name: population("held out", *own) for name, own in losses.items()}


def logs(folder: Path) -> dict[str, Population]:
    """1 - top-1 accuracy at the best epoch; diverged trainings guess one of 1,000."""
    found = {}
    for file in sorted(folder.glob("*.jsonl")):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        best = [
            max([e["top_1"] for e in row["learning_curve"]], default=0.001)
            for row in rows
        ]
        name = file.name.split("_")[0]
        found[name] = population("published search", 1 - np.array(best))
    return found


def recorded() -> dict[str, Population]:
    found = {}
    for benchmark, entry in BENCHMARKS.items():
        for name in entry.interface.available_dataset_names:
            table, _ = _open(benchmark, name)
            found[f"{benchmark} {name}"] = population(
                "recorded",
                [
                    _loss(entry, score)
                    for measured in table.values()
                    for score in measured[entry.measured]
                ],
            )
    return found


def real_trainings(
    file: Path, table: Table, learner: Learner, split_size: int, count: int
) -> Population:
    """Return ``count`` random trainings on one split; kept in a file."""
    if not file.is_file():
        problem = Trained(table, learner, split_size)
        points = np.random.default_rng(0).random((count, len(problem.space)))
        configurations = UnitCube(problem.space).configurations(points)
        requests = [Request(*pair) for pair in enumerate(configurations)]
        seeds = {r.trial_id: derive(file.stem, r.trial_id) for r in requests}
        setting = Setting(problem.metrics[0], 1, 0, 7)
        rows = []
        for done in problem.evaluate(requests, seeds, setting):
            rows.append((done.valid_loss, done.test_loss))
            if len(rows) % 500 == 0:
                print(f"  {file.stem}: {len(rows)} trainings", flush=True)
        pd.DataFrame(rows, columns=["valid", "test"]).to_csv(file, index=False)
    losses = pd.read_csv(file)
    return population("real trainings", losses["valid"], losses["test"])


def trained(folder: Path, count: int) -> dict[str, Population]:
    """Test losses of LightGBM on four tables and of SVMs on one, ``count`` of each."""
    Benchmark(ROOT)  # housing asks it where the data lie
    learner = lightgbm.practitioners()
    found = {}
    for name in ("diabetes", "breast_cancer"):
        table = bundled_table(name)
        file = folder / f"lightgbm_{name}_{count}.csv"
        own = real_trainings(file, table, learner, len(table.y), count)
        found[f"LightGBM, {name}"] = own
    for name, load in housing.MARKETS.items():
        file = folder / f"lightgbm_{name}_{count}.csv"
        try:
            found[f"LightGBM, {name}"] = real_trainings(
                file, load(), learner, 2000, count
            )
        except Unavailable as error:
            print(f"{name} is left out: {error}")
    table = bundled_table("digits")
    file = folder / f"svm_digits_{count}.csv"
    own = real_trainings(file, table, svm.SVM(table.X.shape[1]), 600, count)
    return found | {"SVM, digits": own}
