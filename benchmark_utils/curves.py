"""The picture of the learning curves of one search."""

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmark_utils.results import incumbent_row

GREY, BOLD = "#9a9a9a", "#d6204e"


def picture(search: pd.DataFrame, limits: tuple, pixels: int = 480) -> np.ndarray:
    """Return validation loss against fidelity: an RGB image in [0, 1].

    One grey curve for each configuration; those that were stopped end with a cross;
    the incumbent's is bold. ``limits`` are those of the losses.
    """
    figure = Figure(figsize=(4.8, 4.2), dpi=pixels / 4.8)
    canvas = FigureCanvasAgg(figure)
    axis = figure.add_axes((0.17, 0.13, 0.79, 0.83))
    search = search.rename(columns=lambda name: name.removeprefix("objective_"))
    chosen = incumbent_row(search)
    done = search[np.isfinite(search["valid_loss"])]
    for trial_id, trial in done.groupby("trial_id"):
        trial = trial.sort_values("fidelity")
        x, y = trial["fidelity"], trial["valid_loss"]
        is_chosen = chosen is not None and trial_id == chosen["trial_id"]
        if is_chosen:
            axis.plot(x, y, "o-", color=BOLD, lw=3, ms=5, zorder=3, clip_on=False)
            continue
        axis.plot(x, y, "-", color=GREY, lw=0.8, alpha=0.7)
        stopped = x.iloc[-1] < 1
        axis.plot(
            x.iloc[-1:],
            y.iloc[-1:],
            "x" if stopped else ".",
            color="#444444" if stopped else GREY,
            ms=5,
            zorder=2,
            clip_on=False,
        )
    ticks = sorted(done["fidelity"].round(4).unique())
    if len(ticks) > 6:
        ticks = [ticks[0], 1.0]
    axis.set_xscale("log")
    axis.minorticks_off()
    axis.set_xticks(ticks, [f"{t:.2g}" for t in ticks])
    axis.set(xlabel="fidelity (share of a full training)", ylabel="validation loss")
    low, high = limits
    if low > 0 and high > 5 * low:
        axis.set_yscale("log")
    axis.set_ylim(low, high)
    axis.spines[["top", "right"]].set_visible(False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255
