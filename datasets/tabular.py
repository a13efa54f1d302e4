from benchmark_utils.components import ProblemDataset, file_named, one_of
from benchmark_utils.errors import fail
from benchmark_utils.learners.by_name import LEARNERS
from benchmark_utils.problems.trained import Trained
from benchmark_utils.tables import BUNDLED, bundled_table, csv_table, openml_table

MOST_ROWS = 10_000  # of a split, as in Grinsztajn et al. 2022


class Dataset(ProblemDataset):
    """A table times a learner.

    Tables: diabetes, breast_cancer, digits and wine, which scikit-learn carries; any
    OpenML table by its number; a CSV file whose target column is named `target`.
    Learners: lightgbm, svm, random-forest, mlp (needs torch).
    """

    name = "tabular"
    requirements = ["pip::scikit-learn", "pip::lightgbm", "pip::pandas"]

    # task: what to learn from a table of one's own or OpenML's, if "auto" errs.
    parameters = {
        "table": ["diabetes", "breast_cancer"],
        "learner": ["lightgbm"],
        "task": ["auto"],
    }
    test_config = {"table": "wine"}

    def check(self):
        one_of("learner", self.learner, LEARNERS)
        one_of("task", self.task, ["auto", "regression", "classification"])
        if isinstance(self.table, int) and not isinstance(self.table, bool):
            return
        if self._is_csv():
            file_named("table", self.table)
        elif self.table not in BUNDLED:
            fail(
                f"unknown table {self.table!r}: choose from {', '.join(BUNDLED)}, or "
                "give the number of an OpenML table or the path of a CSV file"
            )

    def _is_csv(self):
        return str(self.table).lower().endswith(".csv")

    def files(self):
        return [file_named("table", self.table)] if self._is_csv() else []

    def problem(self):
        if isinstance(self.table, int):
            table = openml_table(self.table, self.task)
        elif self.table in BUNDLED:
            table = bundled_table(self.table)
        else:
            table = csv_table(file_named("table", self.table), self.task)
        learner = LEARNERS[self.learner](table)
        return Trained(table, learner, split_size=min(len(table.y), MOST_ROWS))
