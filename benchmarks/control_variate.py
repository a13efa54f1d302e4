"""Does a surrogate make the mean of repeated searches cheaper, and hold its interval?

    python benchmarks/control_variate.py [--replicates 100] [--noise 0.001 0.1]
        [--repetitions 6 10 20] [--output outputs/control_variate]

Designs of 16 points on simulated landscapes (`benchmark_utils/problems/simulated.py`)
whose optimum is drawn anew for each twentieth of the replicates; validation and test
loss have independent noise; the result of a search is the test loss of its incumbent,
the truth its mean over 20,000 designs with 10 draws of the noise each. For nominal
95 % intervals OUTPUT.csv has the coverage, the mean squared standard error over the
estimate's true variance, the bias in standard errors of its mean, and the gain:
trainings of plain repetition for the same width, over those used (squared ratio of mean
widths; both at the same number of searches). OUTPUT.png shows coverage and gain.

plain: mean of R results, Student's t. cross-fitted:
`control_variate.search_mean`. same trials: the surrogate is fitted to the trials whose
results it corrects. coefficient: cross-fitted, the control variate times its regression
coefficient in [0, 1] on the other searches. A search costs the same in all of them.
"""

import argparse
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils import control_variate as cv  # noqa: E402
from benchmark_utils.designs import classical  # noqa: E402
from benchmark_utils.problems.simulated import LANDSCAPES  # noqa: E402

N = 16
BANK = 20_000  # designs that replicates and truth are drawn from
FRESH = 1000
OPTIMA = 20


def shifted_grid(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return a grid of n = k^d points, moved as a whole by a random part of a cell."""
    k = round(n ** (1 / d))
    cells = np.stack(np.meshgrid(*[np.arange(k)] * d), axis=-1).reshape(-1, d)
    return (cells + rng.random(d)) / k


PROBLEMS = (
    ("bowl", 2, classical.random),
    ("valley", 2, classical.sobol),
    ("basins", 2, shifted_grid),
    ("bowl", 5, classical.lhs),
    ("valley", 5, classical.sobol),
    ("basins", 5, classical.random),
)


def returned(valid: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the test losses (...,) of the incumbents of searches (..., n)."""
    best = valid.argmin(axis=-1)[..., None]
    return np.take_along_axis(test, best, axis=-1)[..., 0]


def estimates(points, valid, test, fresh) -> dict[str, tuple[float, float, float]]:
    """Return mean, standard error and half the 95 % interval of each estimator."""
    results, excess, foretold = cv.cross_fitted(points, valid, test, fresh)
    R = len(results)
    sizes, designs = cv.polynomial(np.concatenate([points, fresh]))
    model = cv.surrogate(designs[:R], np.stack([valid, test], axis=-1), sizes)
    control = cv.expected_result(designs, *model)
    seen = control[:R] - control[R:].mean()
    slopes = np.zeros(R)
    for r in range(R):
        x, y = np.delete(excess, r), np.delete(results, r)
        if np.ptp(x) > 0:
            slopes[r] = np.clip(np.cov(x, y)[0, 1] / np.var(x, ddof=1), 0, 1)
    found = {
        "plain": (results, np.zeros(2)),
        "cross-fitted": (results - excess, foretold),
        "same trials": (results - seen, control[R:]),
        "coefficient": (results - slopes * excess, slopes.mean() * foretold),
    }
    return {name: cv.t_interval(*own, 0.95) for name, own in found.items()}


def measure(landscape, bank, noise, repetitions, replicates, rng) -> pd.DataFrame:
    """Return a row for each number of repetitions and estimator."""
    d = bank.shape[-1]
    errors = {R: {} for R in repetitions}
    for _ in range(OPTIMA):
        loss = LANDSCAPES[landscape](bank - rng.uniform(0.1, 0.9, d))
        draws = [
            returned(loss + rng.normal(0, noise, loss.shape), loss) for _ in range(10)
        ]
        truth = np.mean(draws)
        for R in repetitions:
            for _ in range(replicates // OPTIMA):
                drawn = rng.choice(len(bank), R + FRESH, replace=False)
                valid, test = loss[drawn[:R]] + rng.normal(0, noise, (2, R, N))
                found = estimates(bank[drawn[:R]], valid, test, bank[drawn[R:]])
                for name, (mean, *widths) in found.items():
                    errors[R].setdefault(name, []).append((mean - truth, *widths))
    rows = []
    for R, own in errors.items():
        widths = {}
        for name, found in own.items():
            off, error, half = np.array(found).T
            widths[name] = half.mean()
            rows.append(
                {
                    "R": R,
                    "estimator": name,
                    "coverage": np.mean(abs(off) <= half),
                    "variance ratio": np.mean(error**2) / np.var(off),
                    "bias": off.mean() / off.std() * np.sqrt(len(off)),
                    "gain": (widths["plain"] / half.mean()) ** 2,
                }
            )
    return pd.DataFrame(rows)


def figure(table: pd.DataFrame) -> plt.Figure:
    """Coverage, and the gain of the cross-fitted mean, over all settings."""
    drawn, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    colors = {
        "plain": "#888888",
        "cross-fitted": "#1f5fa8",
        "same trials": "#d62728",
        "coefficient": "#d08a2e",
    }
    for place, (name, color) in enumerate(colors.items()):
        own = table[table["estimator"] == name]
        # side by side where settings share a coverage
        across = place + np.linspace(-0.3, 0.3, len(own))
        left.plot(across, own["coverage"], ".", color=color)
    left.axhspan(0.93, 0.97, color="#dddddd", zorder=0)
    left.set_xticks(range(len(colors)), colors)
    left.set_title("coverage of nominal 95 %, one dot a setting", fontsize=10)
    ours = table[table["estimator"] == "cross-fitted"]
    markers = dict(zip(table["noise"].unique(), "osv^D", strict=False))
    problems = list(table["problem"].unique())
    for noise, own in ours.groupby("noise"):
        y = own["problem"].map(problems.index)
        style = {"color": "#1f5fa8", "fillstyle": "none", "label": f"noise {noise:g}"}
        right.plot(own["gain"], y, markers[noise], **style)
    right.axvline(1, color="#888888", lw=0.8)
    right.set_xscale("log")
    right.set_yticks(range(len(problems)), problems)
    right.set_title("trainings of plain repetition over those used", fontsize=10)
    right.legend(frameon=False)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    drawn.tight_layout()
    return drawn


def markdown(table: pd.DataFrame) -> str:
    """Return coverage of all estimators and the gain of ours, a line for a setting."""
    settings = ["problem", "noise", "R"]
    cover = table.pivot(index=settings, columns="estimator", values="coverage")
    ours = table[table["estimator"] == "cross-fitted"].set_index(settings)
    names = ["plain", "cross-fitted", "same trials", "coefficient"]
    head = [*settings, *names, "gain", "variance ratio", "bias"]
    lines = [head, ["---"] * len(head)]
    for key in ours.index:
        own = ours.loc[key]
        line = [*map(str, key), *(f"{cover.loc[key, name]:.3f}" for name in names)]
        line += [f"{own[c]:.2f}" for c in ("gain", "variance ratio", "bias")]
        lines.append(line)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.001, 0.1])
    parser.add_argument("--repetitions", type=int, nargs="+", default=[6, 10, 20])
    parser.add_argument("--output", type=Path, default=Path("outputs/control_variate"))
    options = parser.parse_args()
    if options.replicates < OPTIMA or min(options.repetitions) < 3:
        parser.error(f"needs {OPTIMA} replicates and 3 repetitions")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    tables = []
    for number, (landscape, d, sample) in enumerate(PROBLEMS):
        rng = np.random.default_rng(number)
        bank = np.stack([sample(N, d, rng) for _ in range(BANK)])
        for noise in options.noise:
            rng = np.random.default_rng([number, round(1e6 * noise)])
            started = time.perf_counter()
            own = measure(
                landscape, bank, noise, options.repetitions, options.replicates, rng
            )
            name = f"{landscape}, d = {d}, {sample.__name__.replace('_', ' ')}"
            own.insert(0, "problem", name)
            own.insert(1, "noise", noise)
            tables.append(own)
            table = pd.concat(tables, ignore_index=True)
            table.to_csv(options.output.with_suffix(".csv"), index=False)
            seconds = time.perf_counter() - started
            print(f"{name}, noise {noise:g} ({seconds:.0f} s)", flush=True)
    print("\n" + markdown(table))
    figure(table).savefig(options.output.with_suffix(".png"), dpi=130)


if __name__ == "__main__":
    main()
