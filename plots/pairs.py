import itertools

from benchopt import BasePlot

from benchmark_utils import paired, results
from benchmark_utils.comparison import beats, wilcoxon_pairs

COLUMNS = [
    "A", "B", "P(A beats B)", "95 % interval", "p value (sign flips)",
    "p value (Wilcoxon)", "p value (Wilcoxon, Holm)",
]  # fmt: skip


class Plot(BasePlot):
    """Every two strategies, in pairs on the same repetitions, or over problems.

    P(A beats B) with its Clopper-Pearson interval, the p value of the sign-flip test on
    the mean difference, Wilcoxon's on signed ranks, and that corrected for looking at
    all pairs (Holm).
    """

    name = "pairs"
    type = "table"
    options = {
        "dataset": paired.problems_and_all,
        "objective": results.objectives_in,
        "loss": paired.losses_but_regret,
    }

    def plot(self, df, dataset, objective, loss):
        table = paired.final_table(df, dataset, objective, loss)
        if min(table.shape) < 2:
            return []
        lines = []
        tests = wilcoxon_pairs(table).itertuples()
        names = itertools.combinations(table.columns, 2)
        for (a, b), ranks in zip(names, tests, strict=True):
            found = beats(table[a], table[b])
            lines.append(
                [
                    a,
                    b,
                    f"{found.probability:.2f}",
                    f"{found.low:.2f} to {found.high:.2f}",
                    f"{found.p_value:.3f}",
                    f"{ranks.p_value:.3f}",
                    f"{ranks.holm:.3f}",
                ]
            )
        return lines

    def get_metadata(self, df, dataset, objective, loss):
        table = paired.final_table(df, dataset, objective, loss)
        return {
            "title": (
                f"{dataset}\n{loss} loss at the end of the search, in pairs over "
                f"{paired.what_the_rows_are(table, dataset)}; a tie is half a win"
            ),
            "columns": COLUMNS,
        }
