import numpy as np
from benchopt import BasePlot

from benchmark_utils import mean_curves, paired, results, traces
from benchmark_utils.comparison import curves_of, worth_on
from benchmark_utils.tuning_curves import pools_of

N_POINTS = 15  # of a curve


class Plot(BasePlot):
    """How many random trials are n trials of this strategy worth?

    As many as have the same mean loss, in pairs on the same repetitions; random search
    with a larger budget, in the same run, makes the pools larger.
    """

    name = "worth"
    type = "scatter"
    options = {
        "dataset": results.problems_in,
        "objective": mean_curves.objectives_of_any_budget,
        "loss": paired.losses_but_regret,
    }

    def plot(self, df, dataset, objective, loss):
        rows = mean_curves.rows_of_any_budget(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        pools = mean_curves.pools_of_random_search(rows, column)
        if not pools:
            return []
        most = min(len(valid) for valid, _ in pools.values())
        lines, dots = self.diagonal(rows, most), []
        for strategy, own in rows[~mean_curves.is_random_search(rows)].groupby(
            "strategy", sort=False
        ):
            found = worths(own, column, pools)
            if not found:
                continue
            n, worth, low, high = np.array(found, dtype=float).T
            worth, low, high = (v.clip(1, most) for v in (worth, low, high))
            points = n, worth, low, high
            if mean_curves.is_extensible(own):
                lines += traces.line(strategy, *points, self.get_style(strategy))
            else:
                dots += traces.dots(strategy, *points, self.get_style(strategy))
        return lines + traces.side_by_side(dots)

    def diagonal(self, rows, most):
        end = float(min(rows["objective_trial"].max(), most))
        found = rows[mean_curves.is_random_search(rows)]["strategy"].iloc[0]
        line = {"x": [1.0, end], "y": [1.0, end], "label": found}
        return [line | self.get_style(found)]

    def get_metadata(self, df, dataset, objective, loss):
        rows = mean_curves.rows_of_any_budget(df, dataset, objective)
        column, label = results.loss_column(rows, loss)
        pools = mean_curves.pools_of_random_search(rows, column)
        sizes = [len(valid) for valid, _ in pools.values()]
        lines = [dataset]
        if pools:
            lines += [
                f"by {label}; band: 95 % over {results.n_repetitions(rows)}",
                f"random: pools of {min(sizes)}, {sum(sizes)} trainings; at "
                f"{min(sizes)}: or more",
            ]
        else:
            lines += ["needs random search in the same run"]
        return {
            "title": traces.title(*lines),
            "xlabel": "trials of the strategy",
            "ylabel": "random trials with the same mean loss",
            "scale": "loglog",
        }


def worths(own, column, pools):
    """Return (n, worth, low, high) at some n, or at the budgets that were run."""
    if mean_curves.is_extensible(own):
        own = mean_curves.longest(own)
        most = own["objective_trial"].max()
        numbers = np.unique(np.geomspace(1, most, N_POINTS).round().astype(int))
        searches = [own[own["objective_trial"] <= n] for n in numbers]
    else:
        searches = [search for _, search in own.groupby("budget")]
    curves, found = {}, []
    for search in searches:
        last = search.sort_values("objective_trial").groupby("idx_rep")[column].last()
        both = tuple(r for r in last.index[np.isfinite(last)] if r in pools)
        if both:
            if both not in curves:
                pairs = zip(*(pools[r] for r in both), strict=True)
                curves[both] = curves_of(pools_of(*pairs))
            losses = last[list(both)].to_numpy(dtype=float)
            worth = worth_on(*curves[both], losses)
            n = search["objective_trial"].max()
            found.append((n, worth.worth, worth.low, worth.high))
    return found
