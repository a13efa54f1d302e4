import numpy as np
from benchopt import BasePlot

from benchmark_utils import results


class Plot(BasePlot):
    """How the losses at the end of the search are distributed, per strategy."""

    name = "final_losses"
    type = "boxplot"
    options = {
        "dataset": results.problems_in,
        "objective": results.objectives_in,
        "loss": results.losses_in,
    }

    def plot(self, df, dataset, objective, loss):
        rows = results.rows_of(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        boxes = [
            (strategy, results.final_losses(own, column))
            for strategy, own in rows.groupby("strategy", sort=False)
        ]
        # best strategy first
        boxes = sorted((b for b in boxes if len(b[1])), key=lambda b: np.median(b[1]))
        return [
            {
                "x": [strategy],
                "y": [losses.tolist()],
                "label": strategy,
                "color": self.get_style(strategy)["color"],
            }
            for strategy, losses in boxes
        ]

    def get_metadata(self, df, dataset, objective, loss):
        rows = results.rows_of(df, dataset, objective)
        _, label = results.loss_column(rows, loss)
        repetitions = results.n_repetitions(rows)
        return {
            "title": f"{dataset}\nat the end of the search; {repetitions}",
            "xlabel": "strategy, best median first",
            "ylabel": results.with_metric(label, rows),
        }
