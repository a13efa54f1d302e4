from benchopt import BasePlot

from benchmark_utils import paired, results, traces
from benchmark_utils.comparison import mean_ranks


class Plot(BasePlot):
    """Mean ranks at the end of the search, over repetitions or over problems.

    Strategies whose intervals (half of Nemenyi's critical difference on either side) do
    not overlap differ at 5 % (Demšar 2006).
    """

    name = "ranks"
    type = "boxplot"
    options = {
        "dataset": paired.problems_and_all,
        "objective": results.objectives_in,
        "loss": paired.losses_but_regret,
    }

    def plot(self, df, dataset, objective, loss):
        table = paired.final_table(df, dataset, objective, loss)
        if min(table.shape) > 1:
            names = ["low", "mean_rank", "high"]
            heights = mean_ranks(table)[names].T.to_dict("list")
        else:  # nothing to have an interval of
            ranks = table.rank(axis=1).T.to_dict("split")
            heights = dict(zip(ranks["index"], ranks["data"], strict=True))
        return [
            {
                "x": [strategy],
                "y": [own],
                "label": strategy,
                "color": traces.see_through(self.get_style(strategy)["color"]),
            }
            for strategy, own in heights.items()
        ]

    def get_metadata(self, df, dataset, objective, loss):
        table = paired.final_table(df, dataset, objective, loss)
        lines = [dataset, f"mean rank over {paired.what_the_rows_are(table, dataset)}"]
        if min(table.shape) > 1:
            p_value = mean_ranks(table)["p_value"].iloc[0]
            lines[1] += f"; all the same: p = {p_value:.3f}"
            lines += ["ends: no overlap, different at 5 % (Nemenyi)"]
        return {
            "title": traces.title(*lines),
            "xlabel": "strategy, best first",
            "ylabel": f"mean rank by {loss} loss at the end",
            "scale": "linear",
        }
