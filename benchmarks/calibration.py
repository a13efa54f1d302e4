"""Do the error bars of a tuning curve hold? Every estimator against the truth.

    python benchmarks/calibration.py [--quick] [--output outputs/calibration]
        [--logs ../shared/data/random_search_logs] [--noisy-quadratic 0]
        [--only KIND]

Pools of N = 128 random trials are drawn, with replacement, from populations whose true
curve is known (`populations.py`): simulated losses, some of them held out from every
choice that was made about the interval, published random searches (`--logs`, files of
opda, github.com/nicholaslourie/opda), recorded tables, and 1,000 real trainings each of
LightGBM on four tables and SVMs on one (kept in the folder of the output; the Danish
sales where they are). For each estimator, at n = N/32, N/8, N/4, N/2 and N, OUTPUT.csv
has the bias (in standard deviations of one search's result), the
estimated over the true standard deviation of the estimate, the coverage of the nominal
95 % interval, missed below and above, its median width over that of the U-statistic's
t interval, and the trainings used. OUTPUT.png shows the coverage.

repeats: 15 searches of n trials, Student's t. cut: the pool cut into N/n searches.
shuffles: the best of n in 15 shuffles of one pool, Student's t. bootstrap: percentiles
of the U-statistic over 200 resampled pools. t: the U-statistic, Student's t. ours:
`tuning_curves.pool_curve`. opda: simultaneous bands of the median curve (coverage of
the median, at each n on its own). noisy-quadratic: opda's fit to the best half, no
interval; up to 40 s a fit: of published searches, and as many pools as asked for.
"""

import argparse
import sys
import time
import tracemalloc
import warnings
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from populations import Population, held_out, logs, recorded, simulated, trained
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils import intervals  # noqa: E402
from benchmark_utils.opda_curves import noisy_quadratic_curve  # noqa: E402
from benchmark_utils.tuning_curves import (  # noqa: E402
    best_of_n_weights,
    moments,
    pool_curve,
)

N = 128
NUMBERS = (N // 32, N // 8, N // 4, N // 2, N)
REPEATS = 15
BATCH = 1000  # pools at once


class Measured(NamedTuple):
    """Of many replicates: the estimate, its claimed deviation, and the interval."""

    estimate: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray
    trainings: int


def t_interval(values: np.ndarray, trainings: int) -> Measured:
    """Return Student's t interval over the last axis."""
    k = values.shape[-1]
    mean = values.mean(axis=-1)
    if k < 2:
        return Measured(mean, *np.full((3, len(mean)), np.nan), trainings)
    error = values.std(axis=-1, ddof=1) / np.sqrt(k)
    half = stats.t.ppf(0.975, k - 1) * error
    return Measured(mean, error, mean - half, mean + half, trainings)


def best_of_shuffled(pools: np.ndarray, rng, n: int, k: int) -> np.ndarray:
    """Return the losses of the best of n in k shuffles of each pool."""
    # The rank of the best of n of N trials has the weights of the U-statistic.
    w = best_of_n_weights(N, n)
    chances = np.cumsum(w)
    rank = np.searchsorted(chances, rng.random((len(pools), k)) * chances[-1])
    return np.take_along_axis(pools, np.minimum(rank, len(w) - 1), axis=1)


def cut(pools: np.ndarray, rng, n: int) -> np.ndarray:
    """Return the losses of the best in each of N/n pieces of a shuffled pool."""
    pieces = rng.permuted(np.broadcast_to(np.arange(N), pools.shape), axis=1)
    rank = pieces.reshape(len(pools), N // n, n).min(axis=2)
    return np.take_along_axis(pools, rank, axis=1)


def bootstrap(pools: np.ndarray, rng, n: int) -> Measured:
    means = np.empty((len(pools), 200))
    w = best_of_n_weights(N, n)
    for pool, own in zip(pools, means, strict=True):
        again = np.sort(rng.integers(0, N, (200, N)), axis=1)[:, : len(w)]
        own[:] = pool[again] @ w
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    mean = pools[:, : len(w)] @ w
    return Measured(mean, means.std(axis=1, ddof=1), low, high, N)


def u_statistic(pools: np.ndarray, n: int, ours: bool) -> Measured:
    if 2 * n > N:
        mean = pools[:, : N - n + 1] @ best_of_n_weights(N, n)
        return Measured(mean, *np.full((3, len(mean)), np.nan), N)
    mean, _, error = moments(pools, n)
    if ours:
        weights = best_of_n_weights(N, n), best_of_n_weights(N - 1, n)
        below, above = intervals.limits(pools, n, *weights, 0.95)
    else:
        below = above = intervals.student_t(N, n, 0.95)
    return Measured(mean, error, mean - below * error, mean + above * error, N)


def opda_bands(pools: np.ndarray, n: int) -> Measured:
    from opda.nonparametric import EmpiricalDistribution

    rows = []
    for pool in pools:
        bands = EmpiricalDistribution.confidence_bands(
            pool, 0.95, a=-np.inf, b=np.inf, method="ld_equal_tailed"
        )
        rows.append([b.quantile_tuning_curve(n, minimize=True) for b in bands])
    upper, middle, lower = np.array(rows, dtype=float).T
    nothing = np.full(len(pools), np.nan)
    return Measured(middle, nothing, np.minimum(lower, upper), upper, N)


def noisy_quadratic(pools: np.ndarray) -> dict[int, Measured]:
    curves = np.array([noisy_quadratic_curve(p, NUMBERS)["mean"] for p in pools])
    nothing = np.full(len(pools), np.nan)
    return {
        n: Measured(own, nothing, nothing, nothing, N)
        for n, own in zip(NUMBERS, curves.T, strict=True)
    }


def measure(source: Population, size: dict[str, int], rng) -> pd.DataFrame:
    """Return a row for every estimator and n."""
    parts: dict[tuple[str, int], list[Measured]] = {}

    def add(name, n, measured):
        parts.setdefault((name, n), []).append(measured)

    chances_of = {n: np.cumsum(source.best_of(n)) for n in NUMBERS}
    n_pools = size.get(source.kind, size["others"])
    for start in range(0, n_pools, BATCH):
        count = min(BATCH, n_pools - start)
        pools = source.pools(rng, count, N)
        for n in NUMBERS:
            # The best of n of the population, drawn directly.
            chances = chances_of[n]
            u = rng.random((count, REPEATS)) * chances[-1]
            best = np.minimum(np.searchsorted(chances, u), len(source.loss) - 1)
            add("repeats", n, t_interval(source.loss[best], REPEATS * n))
            add("cut", n, t_interval(cut(pools, rng, n), N))
            shuffled = best_of_shuffled(pools, rng, n, REPEATS)
            add("shuffles", n, t_interval(shuffled, N))
            add("t", n, u_statistic(pools, n, ours=False))
            add("ours", n, u_statistic(pools, n, ours=True))
            if start < size["bootstrap"]:
                some = pools[: size["bootstrap"] - start]
                add("bootstrap", n, bootstrap(some, rng, n))
            if start < size["opda"] and source.valid is source.loss:
                add("opda", n, opda_bands(pools[: size["opda"] - start], n))
        if start < size["noisy-quadratic"] and source.kind == "published search":
            for n, own in noisy_quadratic(pools[: size["noisy-quadratic"]]).items():
                add("noisy-quadratic", n, own)

    rows = []
    for (name, n), own in parts.items():
        got = Measured(*map(np.concatenate, zip(*(m[:4] for m in own), strict=True)), 0)
        chance = source.best_of(n)
        truth = chance @ source.loss
        spread = np.sqrt(chance @ (source.loss - truth) ** 2)
        if name == "opda":
            truth = source.loss[np.searchsorted(np.cumsum(chance), 0.5)]
        has = np.isfinite(got.low) | np.isfinite(got.high)
        rows.append(
            {
                "estimator": name,
                "n": n,
                "trainings": own[0].trainings,
                "replicates": len(got.estimate),
                "bias": (got.estimate.mean() - truth) / spread,
                "sd_ratio": np.sqrt(np.mean(got.deviation**2)) / got.estimate.std(),
                "coverage": np.mean((got.low <= truth) & (truth <= got.high))
                if has.all()
                else np.nan,
                "missed_below": np.mean(truth < got.low) if has.all() else np.nan,
                "missed_above": np.mean(truth > got.high) if has.all() else np.nan,
                "width": np.median(got.high - got.low) if has.all() else np.nan,
                "spread": spread,
            }
        )
    return pd.DataFrame(rows)


def searches_for_width(width: float, spread: float) -> float:
    """Return how many independent searches give a t interval of this mean width."""
    k = np.geomspace(2, 10_000, 20_000)
    widths = 2 * stats.t.ppf(0.975, k - 1) * spread / np.sqrt(k)
    return float(np.interp(-width, -widths, k))


def summary(table: pd.DataFrame) -> str:
    """Return the README's table: range over populations at each n."""
    lines = ["| estimator | trainings | " + " | ".join(
        f"n = N/{N // n}" if n < N else "n = N" for n in NUMBERS) + " |"]  # fmt: skip
    lines.append("|---" * (2 + len(NUMBERS)) + "|")
    for name, own in table.groupby("estimator", sort=False):
        cells = []
        for n in NUMBERS:
            c = own[own["n"] == n]["coverage"].dropna()
            cells.append(f"{c.min():.3f} to {c.max():.3f}" if len(c) else "none")
        used = "15 n" if name == "repeats" else "N"
        lines.append(f"| {name} | {used} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def trainings_saved(table: pd.DataFrame) -> pd.DataFrame:
    """Return the trainings rivals need for the width of our interval, over ours."""
    own = table[(table["estimator"] == "ours") & table["width"].notna()].copy()
    pairs = zip(own["width"], own["spread"], strict=True)
    own["repeat_N_trial_searches"] = [searches_for_width(*pair) for pair in pairs]
    own["cut_into_searches"] = own["repeat_N_trial_searches"] * own["n"] / N
    return own.groupby("n")[["repeat_N_trial_searches", "cut_into_searches"]].describe(
        percentiles=[0.5]
    )


def largest() -> str:
    """Measure the curve of 100,000 trials at 200 n: seconds, and memory it needs."""
    loss = np.random.default_rng(0).random(100_000)
    n = np.linspace(1, 25_000, 200).astype(int)
    started = time.perf_counter()
    pool_curve(loss, n=n)
    seconds = time.perf_counter() - started
    tracemalloc.start()
    pool_curve(loss, n=n)
    return f"{seconds:.2f} s, {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MB"


def figure(table: pd.DataFrame) -> plt.Figure:
    """Coverage of every estimator at every n, one dot for each population."""
    names = [n for n in table["estimator"].unique() if n != "noisy-quadratic"]
    drawing, axis = plt.subplots(figsize=(7.5, 3.6))
    for i, name in enumerate(names):
        for j, n in enumerate(NUMBERS):
            own = table[(table["estimator"] == name) & (table["n"] == n)]
            x = j + (i - (len(names) - 1) / 2) * 0.11
            axis.plot(
                np.full(len(own), x), own["coverage"], "o", ms=3.5, alpha=0.6,
                color=f"C{i}", label=name if j == 0 else None,
            )  # fmt: skip
    axis.axhspan(0.93, 0.97, color="k", alpha=0.1, lw=0)
    labels = [f"N/{N // n}" if n < N else "N" for n in NUMBERS]
    axis.set_xticks(range(len(NUMBERS)), ["n = " + labels[0], *labels[1:]])
    axis.set(ylabel="coverage of nominal 95 %", ylim=(-0.03, 1.03))
    axis.set_title(f"one dot: one population; pools of N = {N}; grey: 93 to 97 %")
    axis.legend(ncols=1, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    drawing.tight_layout()
    return drawing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--output", type=Path, default=ROOT / "outputs" / "calibration")
    parser.add_argument(
        "--logs", type=Path, default=ROOT.parent / "shared/data/random_search_logs"
    )
    parser.add_argument("--noisy-quadratic", type=int, default=0, metavar="POOLS")
    parser.add_argument("--only", metavar="KIND", help="'published search', ...")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", RuntimeWarning)  # opda's fits

    size = {"simulated": 10_000, "others": 2000, "bootstrap": 300, "opda": 200}
    if options.quick:
        size = {"simulated": 1000, "others": 500, "bootstrap": 50, "opda": 0}
    size["held out"] = size["simulated"]
    size["noisy-quadratic"] = options.noisy_quadratic
    try:
        import opda  # noqa: F401
    except ImportError:
        print("opda is not installed: left out (pip install opda)")
        size |= {"opda": 0, "noisy-quadratic": 0}

    sources = simulated() | held_out() | logs(options.logs) | recorded()
    if not logs(options.logs):
        print(f"no published searches in {options.logs}: left out")
    sources |= trained(options.output.parent, 200 if options.quick else 1000)
    if options.only:
        sources = {n: own for n, own in sources.items() if own.kind == options.only}
    if not sources:
        parser.error(f"no population is of the kind {options.only!r}")
    tables = []
    for number, (name, source) in enumerate(sources.items(), start=1):
        started = time.perf_counter()
        own = measure(source, size, np.random.default_rng(number))
        own.insert(0, "population", name)
        own.insert(0, "kind", source.kind)
        tables.append(own)
        table = pd.concat(tables, ignore_index=True)
        table.to_csv(options.output.with_suffix(".csv"), index=False)
        ours = own[own["estimator"] == "ours"].set_index("n")["coverage"]
        seconds = time.perf_counter() - started
        print(
            f"{number:2}/{len(sources)} {name}: ours covers {ours[N // 8]:.3f} at N/8, "
            f"{ours[N // 4]:.3f} at N/4 ({seconds:.0f} s)",
            flush=True,
        )
    figure(table).savefig(options.output.with_suffix(".png"), dpi=150)
    print("\nCoverage, lowest to highest population:\n" + summary(table))
    print("\nTrainings for the width of our interval, over ours:")
    print(trainings_saved(table).round(2).T.to_string())
    print(f"\nThe curve of 100,000 trials at 200 n: {largest()}")


if __name__ == "__main__":
    main()
