"""The picture of a search over two hyperparameters: surface, points, incumbent."""

import json

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from scipy.interpolate import RBFInterpolator

from benchmark_utils.unit_cube import natural_order

SIDE = 101  # of the grid on which the surface is drawn


def points_of(rows: pd.DataFrame) -> np.ndarray:
    """Return the places of trials in the unit cube, ndarray (n, d)."""
    return np.array(rows["objective_point"].map(json.loads).tolist())


def surface(rows: pd.DataFrame) -> np.ndarray:
    """Return the validation loss over the unit square, ndarray (SIDE, SIDE).

    Interpolated from all trials, whoever made them, by thin-plate splines of the
    losses' ranks (what matters is where it is lower, and outliers would bend the
    splines), as smooth as 5-fold cross-validation says.
    """
    done = rows[np.isfinite(rows["objective_valid_loss"])]
    places, inverse = np.unique(points_of(done), axis=0, return_inverse=True)
    ranks = done["objective_valid_loss"].rank(pct=True).to_numpy()
    ranks = np.bincount(inverse.ravel(), ranks) / np.bincount(inverse.ravel())
    if len(places) < 10:
        return np.full((SIDE, SIDE), 0.5)
    fold = np.arange(len(places)) * 7 % 5

    def spline(smoothing, kept=slice(None)):
        neighbours = None if len(places) <= 500 else 60  # exact while it is quick
        return RBFInterpolator(places[kept], ranks[kept], neighbours, smoothing)

    def error(smoothing):
        return sum(
            np.sum(
                (spline(smoothing, fold != k)(places[fold == k]) - ranks[fold == k])
                ** 2
            )
            for k in range(5)
        )

    best = min([1e-3, 1e-2, 1e-1, 1.0, 10.0], key=error)
    u = np.linspace(0, 1, SIDE)
    grid = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)
    return np.clip(spline(best)(grid), 0, 1).reshape(SIDE, SIDE)


def picture(
    trials: pd.DataFrame, values: np.ndarray, axes: list[tuple], pixels: int = 400
) -> np.ndarray:
    """Return one strategy's trials on the surface: an RGB image in [0, 1].

    Points get lighter from the first trial to the last; the star is the incumbent, a
    cross a failed trial. ``axes`` are those of `axes_of`.
    """
    figure = Figure(figsize=(4, 4), dpi=pixels / 4)
    canvas = FigureCanvasAgg(figure)
    axis = figure.add_axes((0.14, 0.13, 0.82, 0.82))
    u = np.linspace(0, 1, SIDE)
    levels = np.linspace(values.min(), values.max() + 1e-9, 26)
    axis.contourf(u, u, values, levels, cmap="YlGnBu_r")
    axis.contour(u, u, values, levels[::5], colors="white", linewidths=0.4, alpha=0.6)

    points, loss = points_of(trials), trials["objective_valid_loss"].to_numpy()
    failed = ~np.isfinite(loss)
    on_top = {"clip_on": False, "zorder": 3}
    axis.scatter(
        *points[~failed].T,
        c=np.linspace(0, 1, len(points))[~failed],
        cmap=LinearSegmentedColormap.from_list("order", ["#ff8c1a", "#ffffff"]),
        edgecolors="#1b1b1b",
        linewidths=0.7,
        s=34,
        **on_top,
    )
    axis.scatter(*points[failed].T, marker="x", c="#d62728", s=34, **on_top)
    if not failed.all():
        best = points[np.argmin(np.where(failed, np.inf, loss))]
        axis.scatter(
            *best, marker="*", s=330, c="#ff2d55", edgecolors="white", **on_top
        )
    (x_name, *x_ticks), (y_name, *y_ticks) = axes
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel=x_name, ylabel=y_name)
    axis.set_xticks(*x_ticks, fontsize=8)
    axis.set_yticks(*y_ticks, fontsize=8, rotation=90, va="center")
    # the labels at the ends stay inside the picture
    for labels, side, first, last in [
        (axis.get_xticklabels(), "ha", "left", "right"),
        (axis.get_yticklabels(), "va", "bottom", "top"),
    ]:
        labels[0].set(**{side: first})
        labels[-1].set(**{side: last})
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def axes_of(rows: pd.DataFrame) -> list[tuple[str, list[float], list[str]]]:
    """Return name, places of ticks and their labels for both hyperparameters.

    The results do not hold the search space: numbers are labelled by the scale,
    linear or logarithmic, on which they are a straight line of their coordinate.
    """
    values = pd.DataFrame(rows["objective_config"].map(json.loads).tolist())
    points = points_of(rows)
    axes = []
    for name, u in zip(sorted(values, key=natural_order), points.T, strict=True):
        value = values[name]
        numbers = pd.api.types.is_numeric_dtype(value) and value.dtype != bool
        if not numbers or len(np.unique(u)) < 2:
            labels = dict(zip(u.tolist(), value.astype(str), strict=True))
            axes.append((name, list(labels), list(labels.values())))
            continue
        to, back = float, float
        if (value > 0).all():
            linear, logarithmic = (
                np.corrcoef(u, v)[0, 1] for v in (value, np.log(value))
            )
            if logarithmic > linear:
                to, back = np.log, np.exp
        line = np.polyfit(u, [to(v) for v in value], 1)
        places = [0.0, 0.5, 1.0]
        ends = [float(back(np.polyval(line, p))) for p in places]
        # places are rounded to six digits, and so is what should be 0
        axes.append((name, places, [f"{v if abs(v) > 1e-6 else 0:.3g}" for v in ends]))
    return axes
