import numpy as np
from benchopt import BasePlot

from benchmark_utils import curves, results


def _limits(losses):
    # What diverges must not press all others flat.
    low, middle, high = np.quantile(losses, [0, 0.5, 0.95])
    margin = 0.05 * (high - low) or 0.1 * abs(low) or 1.0
    bottom = low - margin if low - margin > 0 or low <= 0 else 0.95 * low
    return bottom, max(high, middle) + margin


class Plot(BasePlot):
    """Learning curves of the first search of each strategy that trains in parts."""

    name = "learning_curves"
    type = "image"
    options = {"dataset": results.problems_in, "objective": results.objectives_in}

    def plot(self, df, dataset, objective):
        rows = self._first_repetition(df, dataset, objective)
        losses = rows["objective_valid_loss"]
        losses = losses[np.isfinite(losses)]
        if losses.empty:
            return []
        images = []
        for strategy, search in rows.groupby("strategy", sort=False):
            last = search.groupby("objective_trial_id")["objective_fidelity"].max()
            n_stopped = int((last < 1).sum())
            images.append(
                {
                    "image": curves.picture(search, _limits(losses)),
                    "label": f"{strategy}: {n_stopped} of {len(last)} stopped",
                }
            )
        return images

    def get_metadata(self, df, dataset, objective):
        rows = self._first_repetition(df, dataset, objective)
        title = f"{dataset}: nothing was trained in parts"
        if not rows.empty:
            title = (
                f"{dataset}: learning curves of one search; bold: the incumbent; "
                "cross: stopped"
            )
        # one line: benchopt's page does not break the titles of images
        return {"title": title, "ncols": 3}

    def _first_repetition(self, df, dataset, objective):
        rows = results.rows_of(df, dataset, objective)
        first = rows[rows["idx_rep"] == rows["idx_rep"].min()]
        lowest = first.groupby("strategy")["objective_fidelity"].transform("min")
        return first[lowest < 1]
