import numpy as np
from benchopt import BasePlot

from benchmark_utils import paired, results
from benchmark_utils.comparison import beats, mean_ranks, random_trials_worth
from benchmark_utils.mean_curves import pools_of_random_search

COLUMNS = [
    "strategy", "trials", "repetitions", "mean loss", "mean rank",
    "P(beats random)", "95 % interval", "p value", "worth in random trials",
]  # fmt: skip


class Plot(BasePlot):
    """Which strategy is better, how sure is that, and what is it worth.

    At the end of the searches, in pairs with random search on the same repetition:
    P(beats random), its Clopper-Pearson interval, the p value of the sign-flip test;
    and how many random trials have the same mean loss, with a 95 % interval (paired t
    over repetitions; random search's own trials are the pools).
    """

    name = "comparison"
    type = "table"
    options = {
        "dataset": results.problems_in,
        "objective": results.objectives_in,
        "loss": paired.losses_but_regret,
    }

    def plot(self, df, dataset, objective, loss):
        rows = results.rows_of(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        last = rows.sort_values("objective_trial").groupby(["strategy", "idx_rep"])
        final = last[column].last().unstack("strategy").replace(np.inf, np.nan)
        trials = last["objective_trial"].last().groupby("strategy").max()
        shared = final.dropna()
        ranks = mean_ranks(shared)["mean_rank"] if min(shared.shape) > 1 else {}
        pools = pools_of_random_search(rows, column)
        table = []
        for strategy in rows["strategy"].unique():
            own = final[strategy].dropna()
            against = ["", "", "", ""]
            both = [rep for rep in own.index if rep in pools]
            if both:
                worth = random_trials_worth(
                    own[both], *zip(*(pools[rep] for rep in both), strict=True)
                )
                against[3] = str(worth)
                both = [rep for rep in both if np.isfinite(final["random"][rep])]
                found = beats(own[both], final["random"][both])
                against[:3] = [
                    f"{found.probability:.2f}",
                    f"{found.low:.2f} to {found.high:.2f}",
                    f"{found.p_value:.3f}",
                ]
            if strategy == "random":
                against = ["", "", "", ""]
            mean = float(f"{own.mean():.4g}") if len(own) else np.nan
            rank = round(float(ranks[strategy]), 2) if len(ranks) else np.nan
            counts = [int(trials[strategy]), len(own)]
            table.append([strategy, *counts, mean, rank, *against])
        return table

    def get_metadata(self, df, dataset, objective, loss):
        rows = results.rows_of(df, dataset, objective)
        _, label = results.loss_column(rows, loss)
        return {
            "title": (
                f"{dataset}\n{label} at the end of the search, in pairs over "
                f"{results.n_repetitions(rows)}; intervals: 95 %"
            ),
            "columns": COLUMNS,
            "default_order_column": 3,
            "default_order_ascending": True,
        }
