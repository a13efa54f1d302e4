from benchopt import BasePlot

from benchmark_utils import results


class Plot(BasePlot):
    """What stopping early lost, where hpo[finish_stopped=True] trained it to the end.

    Of all configurations of a search, the best is the one whose full training has the
    lowest validation loss. Given away is what the incumbent's has more.
    """

    name = "over_pruning"
    type = "table"
    options = {"dataset": results.problems_in, "objective": results.objectives_in}

    def plot(self, df, dataset, objective):
        lost = results.given_away(df, dataset, objective)
        return [
            [
                strategy,
                f"{own['n_stopped'].mean():.1f}",
                f"{own['stopped'].sum()} of {len(own)}",
                f"{own['valid_loss'].mean():.4g}",
                f"{own['valid_loss'].max():.4g}",
                f"{own['test_loss'].mean():.4g}",
            ]
            for strategy, own in lost.groupby("strategy", sort=False)
        ]

    def get_metadata(self, df, dataset, objective):
        return {
            "title": f"{dataset}: what stopping early lost (hpo[finish_stopped=True])",
            "columns": [
                "strategy",
                "trainings stopped (mean)",
                "searches that had stopped the best",
                "validation loss given away (mean)",
                "(most)",
                "test loss given away (mean)",
            ],
        }
