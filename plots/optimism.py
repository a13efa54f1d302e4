from benchopt import BasePlot

from benchmark_utils import mean_curves, results, traces
from benchmark_utils.variance import optimism

VALIDATION, TEST = results.LOSSES["validation"], results.LOSSES["test"]


class Plot(BasePlot):
    """Optimism: what choosing by the validation loss makes it too good by.

    Test minus validation loss of the incumbent after n trials, less the same of the
    first trial, where nothing was chosen. Random search: the mean over all searches
    within its pools. Problems without a test part have none.
    """

    name = "optimism"
    type = "scatter"
    options = {
        "dataset": lambda df: (
            results.problems_in(df[df[TEST].notna()]) or results.problems_in(df)
        ),
        "objective": mean_curves.objectives_of_any_budget,
    }

    def plot(self, df, dataset, objective):
        rows = with_gap(mean_curves.rows_of_any_budget(df, dataset, objective))
        lines, dots = [], []
        for strategy, own in rows.groupby("strategy", sort=False):
            if mean_curves.has_pools(own, TEST):
                pools = mean_curves.pools_of_random_search(own, TEST).values()
                curve = optimism(*zip(*pools, strict=True)).rename(columns={"n": "x"})
            else:
                curve = mean_curves.mean_curve(own, "gap")
            if len(curve):
                columns = (curve[name] for name in ("x", "mean", "low", "high"))
                if mean_curves.is_extensible(own):
                    lines += traces.line(strategy, *columns, self.get_style(strategy))
                else:
                    dots += traces.dots(strategy, *columns, self.get_style(strategy))
        return lines + traces.side_by_side(dots)

    def get_metadata(self, df, dataset, objective):
        rows = with_gap(mean_curves.rows_of_any_budget(df, dataset, objective))
        lines = mean_curves.provenance(rows, TEST, "mean, its 95 % interval")
        if rows.empty:
            lines = ["no test loss: nothing is known of optimism"]
        return {
            "title": traces.title(dataset, *lines),
            "xlabel": results.X_AXES["trials"],
            "ylabel": "test − validation loss, less that of one trial",
            "scale": "linear",
        }


def with_gap(rows):
    """Return the rows that have both losses, and ``gap``: the incumbent's optimism."""
    gap = rows[TEST] - rows[VALIDATION]
    rows = rows.assign(gap=gap)[gap.notna()].sort_values("objective_trial")
    search = rows.groupby(["strategy", "budget", "idx_rep"])["gap"]
    return rows.assign(gap=rows["gap"] - search.transform("first")).sort_index()
