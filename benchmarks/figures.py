"""Draw the README's figure from a results file.

    python benchmarks/figures.py outputs/quick.parquet docs/figures/quick.png

One panel for each problem: the loss of the incumbent (test loss where there is one)
against trials, the median over repetitions of every strategy; the band has the
quartiles of random search.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark_utils import results

COLORS = dict(
    zip(
        ["random", "grid", "lhs", "sobol", "halton", "folklore", "manual"],
        ["#222222", "#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b"],
        strict=True,
    )
)


def draw(df: pd.DataFrame) -> plt.Figure:
    """Return the figure of a results file."""
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
        handles, labels, ncol=7, loc="lower center", frameon=False, fontsize=9
    )
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    return figure


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(
            "usage: python benchmarks/figures.py RESULTS.parquet FIGURE.png"
        )
    draw(pd.read_parquet(sys.argv[1])).savefig(sys.argv[2], dpi=130)
