import numpy as np
from benchopt import BasePlot

from benchmark_utils import mean_curves, results, traces

BANDS = {
    mean_curves.INTERVAL: "mean, its 95 % interval",
    mean_curves.SPREAD: "mean ± standard deviation",
}


class Plot(BasePlot):
    """The tuning curve: mean loss of the incumbent against trials, cost or seconds.

    Random search: the mean over all searches within its pools of trials. Others: over
    repetitions. Strategies that plan for their budget (grid, lhs, ...) are dots at the
    budgets that were run.
    """

    name = "tuning_curve"
    type = "scatter"
    options = {
        "dataset": results.problems_in,
        "objective": mean_curves.objectives_of_any_budget,
        "loss": results.losses_in,
        "x_axis": list(results.X_AXES),
        "ribbon": mean_curves.RIBBONS,
    }

    def plot(self, df, dataset, objective, loss, x_axis, ribbon):
        rows = mean_curves.rows_of_any_budget(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        curves = {
            strategy: (mean_curves.mean_curve(own, column, x_axis), own)
            for strategy, own in rows.groupby("strategy", sort=False)
        }
        floor = -np.inf
        if is_wide(rows, column):  # a logarithmic axis has to end above 0
            floor = min(curve["mean"].min() for curve, _ in curves.values()) / 3
        lines, dots = [], []
        for strategy, (curve, own) in curves.items():
            low, high = traces.band(curve, ribbon)
            points = curve["x"], curve["mean"], low.clip(lower=floor), high
            if mean_curves.is_extensible(own):
                lines += traces.line(strategy, *points, self.get_style(strategy))
            else:
                dots += traces.dots(strategy, *points, self.get_style(strategy))
        return lines + traces.side_by_side(dots)

    def get_metadata(self, df, dataset, objective, loss, x_axis, ribbon):
        rows = mean_curves.rows_of_any_budget(df, dataset, objective)
        column, label = results.loss_column(rows, loss)
        lines = mean_curves.provenance(rows, column, BANDS[ribbon])
        return {
            "title": traces.title(dataset, *lines),
            "xlabel": results.X_AXES[x_axis],
            "ylabel": results.with_metric(label, rows),
            "scale": "semilog-y" if is_wide(rows, column) else "linear",
        }


def is_wide(rows, column):
    values = rows[column][np.isfinite(rows[column])]
    return bool(len(values)) and values.min() > 0 and values.max() > 5 * values.min()
