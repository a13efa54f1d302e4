"""How many random trials is a strategy worth? Table and figure from results files.

    for run in pool curves budgets; do
        benchopt run . --config configs/worth/$run.yml --output $run
    done
    cd outputs; python ../benchmarks/worth.py {pool,curves,budgets}.parquet worth.png

Given several results files, of which one has long random searches: the pools. Prints,
for each problem, the mean loss of the incumbent at 25, 50 and 100 trials (test loss
where there is one), and the number of random trials that give the same mean loss as 25
of the strategy, with a 95 % interval (`benchmark_utils/comparison.py`). Strategies are
read at a budget from a search of that budget if there is one, else from a longer one.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils import results  # noqa: E402
from benchmark_utils.comparison import Worth, curves_of, worth_on  # noqa: E402
from benchmark_utils.tuning_curves import pools_of  # noqa: E402

BUDGETS = (25, 50, 100)


def incumbents(rows: pd.DataFrame, column: str, budget: int) -> pd.Series:
    """Return a strategy's losses after ``budget`` trials, by repetition."""
    planned = rows["p_obj_n_trials"]
    rows = rows[planned == planned[planned >= budget].min()]
    rows = rows[rows["objective_trial"] <= budget].sort_values("objective_trial")
    return rows.groupby("idx_rep")[column].last().sort_index()


def worths(df: pd.DataFrame, problem: str) -> tuple[pd.DataFrame, str]:
    """Return a row for each strategy, best first, and what was measured."""
    rows = df[df["dataset_name"] == problem]
    test = results.LOSSES["test"]
    column = test if rows[test].notna().any() else results.LOSSES["validation"]
    own = {test: "objective_test_loss"}.get(column, "objective_valid_loss")
    pools = rows[rows["p_obj_n_trials"] == rows["p_obj_n_trials"].max()]
    valid, reported = (
        pools.pivot(index="idx_rep", columns="objective_trial", values=c).sort_index()
        for c in ("objective_valid_loss", own)
    )
    n, curves = curves_of(pools_of(valid.values, reported.values))
    table = []
    rows = rows[rows["p_obj_n_trials"] <= BUDGETS[-1]]
    for strategy, searches in rows.groupby("solver_name"):
        line = {"strategy": strategy.split("[")[0]}
        for budget in BUDGETS:
            losses = incumbents(searches, column, budget)
            chosen = losses.index.intersection(valid.index)
            line[f"loss {budget}"] = losses.mean()
            own_curves = curves[valid.index.get_indexer(chosen)]
            line[f"worth {budget}"] = worth_on(n, own_curves, losses[chosen].to_numpy())
        table.append(line)
    table = pd.DataFrame(table).sort_values(f"loss {BUDGETS[0]}", ignore_index=True)
    what = "test" if column == test else "validation"
    n_searches = rows.groupby("solver_name")["idx_rep"].nunique().max()
    title = f"{problem.split('[')[0]}: {what} loss, {n_searches} searches each"
    return table, title


def markdown(tables: dict[str, pd.DataFrame]) -> str:
    """Return the tables of all problems side by side, as they stand in the README."""
    head = ["strategy"]
    cells = {}
    for problem, table in tables.items():
        head += [
            f"{problem}: loss at {b}" if b == BUDGETS[0] else f"{b}" for b in BUDGETS
        ]
        head += [f"its {BUDGETS[0]} are worth (95 %)"]
        for _, row in table.iterrows():
            losses = [f"{row[f'loss {b}']:.3g}" for b in BUDGETS]
            line = cells.setdefault(row["strategy"], [f"`{row['strategy']}`"])
            line += [*losses, str(row[f"worth {BUDGETS[0]}"])]
    lines = [head, ["---"] * len(head), *cells.values()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def draw(axis: plt.Axes, table: pd.DataFrame, title: str) -> None:
    """Draw what 25, 50 and 100 trials of every strategy are worth."""
    most = table[f"worth {BUDGETS[0]}"][0].most

    def shown(n: float) -> float:
        return float(np.clip(n, 1, 1.3 * most))

    y = np.arange(len(table))[::-1]
    for budget, color in zip(BUDGETS, ("#1f5fa8", "#5fa05f", "#d08a2e"), strict=True):
        axis.axvline(budget, color=color, lw=0.8, ls=":")
        worth: list[Worth] = list(table[f"worth {budget}"])
        x = [shown(w.worth) for w in worth]
        if budget == BUDGETS[0]:
            low, high = ([shown(getattr(w, e)) for w in worth] for e in ("low", "high"))
            axis.hlines(y, low, high, color=color, lw=1.2, alpha=0.6)
        axis.plot(x, y, "o", color=color, ms=4.5, label=f"{budget} trials")
    axis.axvline(most, color="#888888", lw=0.8)
    axis.set_xscale("log")
    axis.set_xlim(0.9, 1.4 * most)
    axis.set_yticks(y, table["strategy"], fontsize=8)
    axis.set_xlabel(f"worth in random trials (right of the line: more than {most})")
    axis.set_title(title, fontsize=9)
    axis.grid(axis="y", color="#eeeeee")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def main(sources: list[str], target: str) -> None:
    df = pd.concat([pd.read_parquet(source) for source in sources])
    problems = df["dataset_name"].unique()
    figure, axes = plt.subplots(1, len(problems), figsize=(5.2 * len(problems), 4.8))
    tables = {}
    for axis, problem in zip(np.atleast_1d(axes), problems, strict=True):
        table, title = worths(df, problem)
        tables[problem.split("[")[0]] = table
        print(f"{problem}: {title}")
        draw(axis, table, title)
    print(f"\n{markdown(tables)}")
    handles, labels = np.atleast_1d(axes)[0].get_legend_handles_labels()
    figure.legend(handles, labels, ncol=len(BUDGETS), loc="lower center", frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(target, dpi=130)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not sys.argv[-1].endswith((".png", ".pdf", ".svg")):
        raise SystemExit(__doc__)
    main(sys.argv[1:-1], sys.argv[-1])
