"""Losses at the end of searches as a table: what comparisons in pairs start from."""

import numpy as np
import pandas as pd

from benchmark_utils import results

ALL_PROBLEMS = "all problems"


def problems_and_all(df: pd.DataFrame) -> list[str]:
    problems = results.problems_in(df)
    return [*problems, ALL_PROBLEMS] if len(problems) > 1 else problems


def losses_but_regret(df: pd.DataFrame) -> list[str]:
    return [x for x in results.losses_in(df) if x != "regret"] or ["validation"]


def final_table(df, dataset: str, objective: str, loss: str) -> pd.DataFrame:
    """Return losses at the end: a row for each repetition, a column per strategy.

    Of all problems: a row for each problem, with means over its repetitions. Only rows
    that every strategy has. A search in which all failed has an infinite loss.
    """
    if dataset == ALL_PROBLEMS:
        problems = results.problems_in(df)
        means = [
            final_table(df, problem, objective, loss).mean() for problem in problems
        ]
        return pd.DataFrame(means, index=problems).dropna()
    rows = results.rows_of(df, dataset, objective)
    column, _ = results.loss_column(rows, loss)
    last = rows.sort_values("objective_trial").groupby(["strategy", "idx_rep"]).last()
    failed = np.isinf(last["objective_value"])
    final = last[column].mask(failed, np.inf).unstack("strategy")
    return final[list(rows["strategy"].unique())].dropna()


def what_the_rows_are(table: pd.DataFrame, dataset: str) -> str:
    n = len(table)
    if dataset == ALL_PROBLEMS:
        return f"{n} problem{'s' * (n != 1)}"
    return f"{n} repetition{'s' * (n != 1)}"
