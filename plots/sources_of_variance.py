import numpy as np
from benchopt import BasePlot

from benchmark_utils import results, traces
from benchmark_utils.mean_curves import (
    has_pools,
    pools_of_random_search,
    value_in,
    without,
)
from benchmark_utils.seeds import SOURCES
from benchmark_utils.variance import sources_of_variance, split_share

ORDER = [*SOURCES, "all"]
# benchopt's page needs a box
NOTHING = {"x": ["needs 2 repetitions"], "y": [[]], "label": "", "color": "black"}


class Plot(BasePlot):
    """By how much results scatter when only search, data or training are redrawn.

    From runs with `vary` = search, data, training and all (Bouthillier et al. 2021,
    arXiv:2103.03098): the standard deviation of the loss at the end of the search. For
    random search besides the part of the split alone after half of the trials, from the
    pools of all repetitions.
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
                found = sources_of_variance({source: values})
                boxes.append(self._box(f"{strategy}: {source}", found))
            share = share_of_the_split(own, column)
            if share is not None:
                n, found = share
                boxes.append(self._box(f"{strategy}: split (pools, {n} trials)", found))
        return boxes or [NOTHING]

    def _box(self, name, found):
        [row] = found.itertuples()
        heights = [row.low, row.sd, row.high]
        return {
            "x": [name],
            "y": [[float(h) for h in heights if np.isfinite(h)]],
            "label": row.source,
            "color": traces.see_through(self.get_style(row.source)["color"]),
        }

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
                "ends: its 95 % interval, if it has one",
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


def share_of_the_split(own, column):
    """Return half the budget of random search and `split_share`, if it has pools."""
    everything = own[own["source"] == "all"]
    if not has_pools(everything, column):
        return None
    pools = list(pools_of_random_search(everything, column).values())
    n = min(len(valid) for valid, _ in pools) // 2
    if len(pools) < 3 or n < 1:
        return None
    return n, split_share(*zip(*pools, strict=True), n)
