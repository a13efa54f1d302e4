import numpy as np
from benchopt import BasePlot

from benchmark_utils import landscape, results


def _has_two_hyperparameters(rows):
    return rows["objective_point"].iloc[0].count(",") == 1


class Plot(BasePlot):
    """Two hyperparameters: the loss surface, and where each strategy looked on it."""

    name = "landscape"
    type = "image"
    options = {"dataset": results.problems_in, "objective": results.objectives_in}

    def plot(self, df, dataset, objective):
        rows = self._first_repetition(df, dataset, objective)
        if rows.empty or not _has_two_hyperparameters(rows):
            return []
        values, axes = landscape.surface(rows), landscape.axes_of(rows)
        images = []
        for strategy, own in rows.groupby("strategy", sort=False):
            trials = own[own["idx_rep"] == own["idx_rep"].min()]
            trials = trials.sort_values("objective_trial")
            losses = trials["objective_valid_loss"]
            best = losses[np.isfinite(losses)].min()
            images.append(
                {
                    "image": landscape.picture(trials, values, axes),
                    "label": f"{strategy}: best of {len(trials)} is {best:.4g}",
                }
            )
        return images

    def get_metadata(self, df, dataset, objective):
        rows = self._first_repetition(df, dataset, objective)
        if rows.empty or not _has_two_hyperparameters(rows):
            title = f"{dataset} has not two hyperparameters"
        else:
            title = (
                f"{dataset}: validation loss, darker is lower, interpolated from "
                f"{len(rows)} trials; star: incumbent; lighter points came later"
            )
        # one line: benchopt's page does not break the titles of images
        return {"title": title, "ncols": 3}

    def _first_repetition(self, df, dataset, objective):
        # All trials that met the same data and seeds as those of repetition 0.
        rows = results.one_row_each(results.rows_of(df, dataset, objective))
        first = rows[rows["idx_rep"] == rows["idx_rep"].min()]
        same = np.ones(len(rows), dtype=bool)
        for column in ("objective_split", "objective_training_seed"):
            same &= rows[column].isin(first[column])
        return rows[same]
