import numpy as np
from benchopt import BasePlot

from benchmark_utils import results

SECONDS = {
    "predict_seconds": "seconds to predict the test part",
    "fit_seconds": "seconds to train it, all its rungs",
}


class Plot(BasePlot):
    """What the incumbent costs: its loss against the time to predict or to train it."""

    name = "pareto"
    type = "scatter"
    options = {
        "dataset": results.problems_in,
        "objective": results.objectives_in,
        "loss": results.losses_in,
        "seconds": list(SECONDS),
    }

    def plot(self, df, dataset, objective, loss, seconds):
        rows = results.rows_of(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        points = []
        for strategy, own in rows.groupby("strategy", sort=False):
            found = results.incumbents(own, column)
            if len(found):
                x, y = found[[seconds, "loss"]].median()
                points.append(
                    {"x": [x], "y": [y], "label": strategy} | self.get_style(strategy)
                )
        points.sort(key=lambda point: (point["x"], point["y"]))
        front, lowest = {"x": [], "y": []}, np.inf
        for point in points:
            if point["y"][0] < lowest:
                lowest = point["y"][0]
                front["x"] += point["x"]
                front["y"] += point["y"]
        if points:
            front |= {"label": "not dominated", "color": (0.75, 0.75, 0.75, 1.0)}
            points.insert(0, front | {"marker": 0})
        return points

    def get_metadata(self, df, dataset, objective, loss, seconds):
        rows = results.rows_of(df, dataset, objective)
        _, label = results.loss_column(rows, loss)
        return {
            "title": f"{dataset}\nmedians of {results.n_repetitions(rows)}",
            "xlabel": f"the incumbent's {SECONDS[seconds]}",
            "ylabel": results.with_metric(label, rows),
            "scale": "linear",
        }
