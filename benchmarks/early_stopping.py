"""What buying trainings in parts gains over random search at equal cost.

    benchopt run . --config configs/early-stopping.yml --output early-stopping
    python benchmarks/early_stopping.py outputs/early-stopping.parquet

prints for every problem and strategy: how many configurations a search tried and how
many it trained to the end (means); the incumbent's loss at the end less random
search's on the same split (mean, 95 % interval by Student's t over the splits, which
overlap on small tables and make it too narrow); on how many splits it was lower; and
the seconds of training and thinking. Where the search was run with
`hpo[finish_stopped=True]`, also how often the best of all configurations had been
stopped, and the validation loss given away by that.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils import results  # noqa: E402


def at_the_end(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of every search, by repetition."""
    return rows.sort_values("objective_trial").groupby("idx_rep").last()


def report(df: pd.DataFrame, dataset: str) -> None:
    rows = results.rows_of(df, dataset, results.objectives_in(df)[0])
    ends = {s: at_the_end(own) for s, own in rows.groupby("strategy")}
    print(f"\n{dataset}, {rows['idx_rep'].nunique()} splits")
    for strategy, own in rows.groupby("strategy", sort=False):
        searches = own.groupby("idx_rep")
        full = own[own["objective_fidelity"] == 1].groupby("idx_rep").size()
        seconds = searches[["objective_fit_seconds", "objective_suggest_seconds"]].sum()
        fit, think = seconds.mean()
        print(
            f"  {strategy:20} {searches['objective_trial_id'].nunique().mean():5.1f} "
            f"configurations, {full.mean():4.1f} to the end; cost "
            f"{searches['objective_cost'].max().mean():.2f}; "
            f"{fit:.1f} s training, {think:.1f} s thinking"
        )
        for loss in ("test", "validation"):
            column = results.LOSSES[loss]
            difference = ends[strategy][column] - ends["random"][column]
            if strategy == "random":
                print(f"    {loss:10} {ends['random'][column].mean():.5f}")
                continue
            half = stats.t.ppf(0.975, len(difference) - 1) * stats.sem(difference)
            print(
                f"    {loss:10} {difference.mean():+.5f} ± {half:.5f} against random, "
                f"lower on {np.sum(difference < 0)}, equal on "
                f"{np.sum(difference == 0)} of {len(difference)}"
            )
    lost = results.given_away(df, dataset, results.objectives_in(df)[0])
    for strategy, own in lost.groupby("strategy", sort=False):
        print(
            f"  {strategy:20} had stopped the best on {own['stopped'].sum()} of "
            f"{len(own)} splits; validation loss given away: "
            f"mean {own['valid_loss'].mean():.5f}, most {own['valid_loss'].max():.5f}; "
            f"test loss: mean {own['test_loss'].mean():+.5f}"
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    frame = pd.read_parquet(sys.argv[1])
    for name in results.problems_in(frame):
        report(frame, name)
