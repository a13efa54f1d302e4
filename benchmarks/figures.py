"""Draw the README's figures from results files.

    python benchmarks/figures.py curves outputs/quick.parquet docs/figures/quick.png
    python benchmarks/figures.py designs outputs/designs.parquet designs.png
    python benchmarks/figures.py landscapes outputs/landscapes.parquet neural.png

curves: one panel for each problem, the loss of the incumbent (test loss where there is
one) against trials, the median over repetitions of every strategy; the band has the
quartiles of random search. designs: the landscape plot of the first problem in the
file, one panel for each strategy. landscapes: one panel for each problem, the trials
of all repetitions and the best of each over two hyperparameters (of more, those that
matter most); below, the test loss of random search over that of its median
configuration, mean over repetitions.
"""

import sys
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from benchopt.benchmark import Benchmark

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils import results  # noqa: E402
from benchmark_utils.landscape import axes_of, points_of  # noqa: E402
from benchmark_utils.tuning_curves import splits_curve  # noqa: E402

COLORS = {
    "random": "#222222",
    "grid": "#d62728",
    "lhs": "#1f77b4",
    "sobol": "#2ca02c",
    "halton": "#9467bd",
    "rsa": "#17becf",
    "rsa-lhs": "#7fc8f8",
    "hypertiling": "#e377c2",
    "folklore": "#ff7f0e",
    "manual": "#8c564b",
}


def curves(df: pd.DataFrame) -> plt.Figure:
    """Return the tuning curves of every problem in a results file."""
    names = results.problems_in(df)
    objective = results.objectives_in(df)[0]
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(4.6 * columns, 3.1 * lines), squeeze=False
    )
    for axis, name in zip(axes.ravel(), names, strict=False):
        rows = results.rows_of(df, name, objective)
        has_test = np.isfinite(rows[results.LOSSES["test"]]).any()
        column, label = results.loss_column(rows, "test" if has_test else "validation")
        for strategy, own in rows.groupby("strategy", sort=False):
            x, y = results.step_curves(own, column, "trials")
            color = COLORS.get(strategy)
            low, middle, high = np.quantile(y, [0.25, 0.5, 0.75], axis=0)
            axis.step(x, middle, where="post", color=color, label=strategy, lw=1.6)
            if x[-1] < rows["objective_trial"].max():  # a list that ended
                axis.plot(x[-1], middle[-1], "o", color=color, ms=4)
            if strategy == "random":
                axis.fill_between(x, low, high, step="post", color=color, alpha=0.12)
        axis.set_title(name.replace("[", "\n["), fontsize=8)
        axis.set_xlabel("trials")
        metric = rows["objective_metric"].iloc[0]
        axis.set_ylabel(f"{label} ({metric})", fontsize=8)
        finite = rows[column][np.isfinite(rows[column])]
        if finite.max() > 5 * finite.min() > 0:
            axis.set_yscale("log")
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.ravel()[len(names) :]:
        axis.set_visible(False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, ncol=5, loc="lower center", frameon=False, fontsize=9
    )
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    return figure


def designs(df: pd.DataFrame) -> plt.Figure:
    """Return the landscape of the first problem, and every strategy's points on it."""
    [plot] = [p for p in Benchmark(ROOT).get_plots() if p.name == "landscape"]
    options = {
        "dataset": results.problems_in(df)[0],
        "objective": results.objectives_in(df)[0],
    }
    images = plot.plot(df, **options)
    columns = 4
    lines = -(-len(images) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(2.6 * columns, 2.85 * lines), squeeze=False
    )
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, image in zip(axes.ravel(), images, strict=False):
        axis.imshow(image["image"], interpolation="lanczos")
        axis.set_title(image["label"], fontsize=9)
    figure.tight_layout(pad=0.3)
    return figure


def what_matters(places: np.ndarray, loss: np.ndarray) -> list[int]:
    """Return the two coordinates of which a parabola explains the loss best."""

    def left(u):
        return np.var(loss - np.polyval(np.polyfit(u, loss, 2), u))

    return sorted(sorted(range(places.shape[1]), key=lambda k: left(places[:, k]))[:2])


def landscapes(df: pd.DataFrame) -> plt.Figure:
    """Return the validation loss over two hyperparameters, and random search on it."""
    objective = results.objectives_in(df)[0]
    rows_of = {n: results.rows_of(df, n, objective) for n in results.problems_in(df)}
    figure, axes = plt.subplots(
        2, len(rows_of), figsize=(2.9 * len(rows_of), 5.4), squeeze=False,
        height_ratios=[1.25, 1],
    )  # fmt: skip
    for (above, below), (name, rows) in zip(axes.T, rows_of.items(), strict=True):
        trials = rows.drop_duplicates(["idx_rep", "objective_config"])
        loss = trials.groupby("idx_rep")["objective_valid_loss"]
        places, rank = points_of(trials), loss.rank(pct=True)
        two = what_matters(places, rank)
        points = places[:, two].T
        above.scatter(*points, c=rank, s=13, cmap="YlGnBu_r", linewidths=0)
        best = points_of(trials.loc[loss.idxmin()])[:, two].T
        above.scatter(*best, marker="*", s=150, c="#ff2d55", edgecolors="white")
        names = [axes_of(trials)[k] for k in two]
        for side, (label, ticks, texts) in zip("xy", names, strict=True):
            above.set(**{f"{side}label": label})
            above.set(**{f"{side}ticks": ticks, f"{side}ticklabels": texts})
        above.tick_params(labelsize=7)
        title, _, parameters = name.partition("[")
        below_it = textwrap.shorten(parameters.replace(",", " ").strip("]"), 40)
        above.set_title(f"{title}\n{below_it}", fontsize=8)
        own = rows[rows["strategy"] == "random"]
        pools = [
            (pool["objective_valid_loss"], pool["objective_test_loss"])
            for _, pool in own.groupby("idx_rep")
        ]
        curve = splits_curve(
            *zip(*[(v, t / t.median()) for v, t in pools], strict=True)
        )
        below.plot(curve["n"], curve["mean"], color=COLORS["random"])
        band = {"color": COLORS["random"], "alpha": 0.15, "lw": 0}
        below.fill_between(curve["n"], curve["low"], curve["high"], **band)
        below.axhline(1, color="#d62728", lw=1, ls="--")
        below.set_xlabel("trials of random search", fontsize=8)
        below.set_ylabel("test loss / median configuration's", fontsize=8)
        below.tick_params(labelsize=7)
        below.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


FIGURES = {"curves": curves, "designs": designs, "landscapes": landscapes}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in FIGURES:
        raise SystemExit(__doc__)
    _, kind, source, target = sys.argv
    FIGURES[kind](pd.read_parquet(source)).savefig(target, dpi=130)
