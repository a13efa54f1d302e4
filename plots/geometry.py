import numpy as np
from benchopt import BasePlot

from benchmark_utils import geometry, landscape, results

COLUMNS = {
    "discrepancy": geometry.centred_discrepancy,
    "distance": geometry.smallest_distance,
    "periodic distance": lambda p: geometry.smallest_distance(p, True),
    "values per axis": geometry.distinct_values,
    "outer half": geometry.outer_share,
}


class Plot(BasePlot):
    """Where each strategy really looked, beside the loss that it reached.

    Centred L2 discrepancy; smallest distance between two points, in the cube and on the
    torus; different values on an axis; share of the points in the outer half of the
    volume. In the unit cube, where categories are in the middle of their cells.
    """

    name = "geometry"
    type = "table"
    options = {
        "dataset": results.problems_in,
        "objective": results.objectives_in,
        "loss": results.losses_in,
    }

    def plot(self, df, dataset, objective, loss):
        rows = results.rows_of(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        table = []
        for strategy, own in rows.groupby("strategy", sort=False):
            tried = results.one_row_each(own)
            designs = [
                landscape.points_of(search) for _, search in tried.groupby("idx_rep")
            ]
            losses = results.final_losses(own, column)
            measures = [
                np.mean([len(points) for points in designs]),
                *(
                    np.median([measure(points) for points in designs])
                    for measure in COLUMNS.values()
                ),
                np.median(losses) if len(losses) else np.nan,
            ]
            table.append([strategy, *(float(f"{m:.4g}") for m in measures)])
        return table

    def get_metadata(self, df, dataset, objective, loss):
        rows = results.rows_of(df, dataset, objective)
        _, label = results.loss_column(rows, loss)
        repetitions = results.n_repetitions(rows)
        return {
            "title": (
                f"{dataset}\npoints in the unit cube: centred L2 discrepancy, smallest "
                f"distance, ...; medians over {repetitions}"
            ),
            "columns": ["strategy", "points", *COLUMNS, label],
            "default_order_column": len(COLUMNS) + 2,
            "default_order_ascending": True,
        }
