"""How mean curves become what benchopt draws: lines with ribbons, dots with bars."""

import re
import textwrap

import numpy as np
import pandas as pd

from benchmark_utils.mean_curves import SPREAD

WIDTH = 55  # of a title, in letters
APART = 1.03


def title(*lines: str) -> str:
    """Return a title that is not wider than a PDF: it breaks at spaces and commas.

    Parameters of a problem that are None are left out.
    """
    lines = [re.sub(r"\w+=None,|,\w+=None(?=\])", "", line) for line in lines]
    # a break is allowed after every comma, where there may be no space
    spaced = [re.sub(r",(?=\S)", ", ", line) for line in lines]
    broken = [part for line in spaced for part in textwrap.wrap(line, WIDTH)]
    return "\n".join(broken)


def band(curve: pd.DataFrame, ribbon: str) -> tuple[pd.Series, pd.Series]:
    """Return the limits of a ribbon of `mean_curves.RIBBONS`."""
    if ribbon == SPREAD:
        return curve["mean"] - curve["spread"], curve["mean"] + curve["spread"]
    return curve["low"], curve["high"]


def line(label: str, x, y, low, high, style: dict) -> list[dict]:
    """Return a curve with its band, and by a name of its own what has none."""
    x, y, low, high = (np.asarray(v, dtype=float) for v in (x, y, low, high))
    known = np.isfinite(low) & np.isfinite(high)
    traces: list[dict] = []
    if known.any():
        inside = {"x": x[known], "y": y[known], "y_low": low[known]}
        inside |= {"y_high": high[known]}
        traces.append({k: v.tolist() for k, v in inside.items()} | {"label": label})
    if not known.all():  # never of an empty curve
        # They meet; a band ends and does not come back.
        rest = np.r_[known[1:] < known[:-1], False] | ~known
        if known.any():
            label = f"{label}: no band"
        traces.append({"x": x[rest].tolist(), "y": y[rest].tolist(), "label": label})
    return [trace | style for trace in traces]


def dots(label: str, x, y, low, high, style: dict) -> list[dict]:
    """Return separate dots with upright bars: None between them ends a line."""
    x, y, low, high = (np.asarray(v, dtype=float) for v in (x, y, low, high))
    xs, ys = [], []
    for where, *heights in zip(x, low, y, high, strict=True):
        heights = [float(h) for h in heights if np.isfinite(h)]
        xs += [float(where)] * len(heights) + [None]
        ys += [*heights, None]
    return [{"x": xs[:-1], "y": ys[:-1], "label": label} | style] if xs else []


def side_by_side(dotted: list[dict]) -> list[dict]:
    """Move dots with the same budgets 3 % apart: they would hide each other."""
    middle = (len(dotted) - 1) / 2
    for i, trace in enumerate(dotted):
        factor = APART ** (i - middle)
        trace["x"] = [x if x is None else x * factor for x in trace["x"]]
    return dotted


def see_through(color: tuple) -> tuple:
    """Return a colour in which benchopt's page shows the middle of a box."""
    return (*color[:3], 0.5)
