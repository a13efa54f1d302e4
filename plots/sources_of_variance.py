import numpy as np
from benchopt import BasePlot

from benchmark_utils import results, traces
from benchmark_utils.mean_curves import value_in, without
from benchmark_utils.seeds import SOURCES
from benchmark_utils.variance import sources_of_variance

ORDER = [*SOURCES, "all"]
# benchopt's page needs a box
NOTHING = {"x": ["needs 2 repetitions"], "y": [[]], "label": "", "color": "black"}


class Plot(BasePlot):
    """By how much results scatter when only search, data or training are redrawn.

    From runs with `vary` = search, data, training and all (Bouthillier et al. 2021,
    arXiv:2103.03098): the standard deviation of the loss at the end of the search.
    """

    name = "sources_of_variance"
    type = "boxplot"
    options = {
        "dataset": results.problems_in,
        "objective": lambda df: list(
            dict.fromkeys(without(n, "vary") for n in df["objective_name"].unique())
        ),
        "loss": results.losses_in,
    }

    def plot(self, df, dataset, objective, loss):
        rows = rows_of_all_sources(df, dataset, objective)
        column, _ = results.loss_column(rows, loss)
        boxes = []
        for strategy, own in rows.groupby("strategy", sort=False):
            for source, values in finals(own, column).items():
                [found] = sources_of_variance({source: values}).itertuples()
                heights = [found.low, found.sd, found.high]
                boxes.append(
                    {
                        "x": [f"{strategy}: {source}"],
                        "y": [[float(h) for h in heights if np.isfinite(h)]],
                        "label": source,
                        "color": traces.see_through(self.get_style(source)["color"]),
                    }
                )
        return boxes or [NOTHING]

    def get_metadata(self, df, dataset, objective, loss):
        rows = rows_of_all_sources(df, dataset, objective)
        column, label = results.loss_column(rows, loss)
        n = [
            len(values)
            for _, own in rows.groupby("strategy")
            for values in finals(own, column).values()
        ]
        least, most = (min(n), max(n)) if n else (0, 0)
        count = f"{least} to {most}" if least < most else str(most)
        return {
            "title": traces.title(
                dataset,
                f"middle: standard deviation over {count} repetitions",
                "ends: its 95 % interval (jackknife), if it has one",
            ),
            "xlabel": "",
            "ylabel": f"standard deviation of the {label} at the end",
            "scale": "linear",
        }


def rows_of_all_sources(df, dataset, objective):
    names = df["objective_name"]
    merged = df.assign(
        source=names.map(lambda name: value_in(name, "vary") or "all"),
        objective_name=names.map(lambda name: without(name, "vary")),
    )
    return results.rows_of(merged, dataset, objective)


def finals(own, column):
    """Return the losses at the end for each source that has two searches."""
    losses = {
        source: results.final_losses(own[own["source"] == source], column)
        for source in ORDER
    }
    return {source: values for source, values in losses.items() if len(values) > 1}
