import numpy as np
from benchopt import BasePlot

from benchmark_utils import results


class Plot(BasePlot):
    """Loss of the incumbent against trials, cost or seconds: the tuning curve."""

    name = "tuning_curve"
    type = "scatter"
    options = {
        "dataset": results.problems_in,
        "objective": results.objectives_in,
        "loss": results.losses_in,
        "x_axis": list(results.X_AXES),
    }

    def plot(self, df, dataset, objective, loss, x_axis):
        rows = results.rows_of(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        curves = []
        for strategy, own in rows.groupby("strategy", sort=False):
            x, y = results.step_curves(own, column, x_axis)
            if len(x) == 0:
                continue
            low, middle, high = np.quantile(y, [0.25, 0.5, 0.75], axis=0)
            curve = {"x": x.tolist(), "y": middle.tolist(), "label": strategy}
            if len(y) > 1:
                curve |= {"y_low": low.tolist(), "y_high": high.tolist()}
            curves.append(curve | self.get_style(strategy))
        return curves

    def get_metadata(self, df, dataset, objective, loss, x_axis):
        rows = results.rows_of(df, dataset, objective)
        column, label = results.loss_column(rows, loss)
        repetitions = results.n_repetitions(rows)
        values = rows[column][np.isfinite(rows[column])]
        wide = len(values) and values.min() > 0 and values.max() > 5 * values.min()
        return {
            "title": f"{dataset}\nline: median of {repetitions}; band: quartiles",
            "xlabel": results.X_AXES[x_axis],
            "ylabel": results.with_metric(label, rows),
            "scale": "semilog-y" if wide else "linear",
        }
