from benchmark_utils.components import (
    ProblemDataset,
    fail,
    file_named,
    one_of,
)
from benchmark_utils.learners import lightgbm, random_forest, svm
from benchmark_utils.problems.trained import Trained
from benchmark_utils.tables import BUNDLED, bundled_table, csv_table, openml_table

LEARNERS = {
    "lightgbm": lambda table: lightgbm.practitioners(),
    "svm": lambda table: svm.SVM(table.X.shape[1]),
    "random-forest": lambda table: random_forest.RandomForest(
        table.task, table.X.shape[1]
    ),
}
MOST_ROWS = 10_000  # of a split, as in Grinsztajn et al. 2022


class Dataset(ProblemDataset):
    """A table times a learner.

    Tables: diabetes, breast_cancer, digits and wine, which scikit-learn carries; any
    OpenML table by its number; a CSV file whose target column is named `target`.
    Learners: lightgbm, svm, random-forest.
    """

    name = "tabular"
    requirements = ["pip::scikit-learn", "pip::lightgbm", "pip::pandas"]

    parameters = {"table": ["diabetes", "breast_cancer"], "learner": ["lightgbm"]}
    test_config = {"table": "wine"}

    def check(self):
        one_of("learner", self.learner, LEARNERS)
        if isinstance(self.table, int):
            return
        if str(self.table).endswith(".csv"):
            file_named("table", self.table)
        elif self.table not in BUNDLED:
            fail(
                f"unknown table {self.table!r}: choose from {', '.join(BUNDLED)}, or "
                "give the number of an OpenML table or the path of a CSV file"
            )

    def files(self):
        if str(self.table).endswith(".csv"):
            return [file_named("table", self.table)]
        return []

    def problem(self):
        if isinstance(self.table, int):
            table = openml_table(self.table)
        elif self.table in BUNDLED:
            table = bundled_table(self.table)
        else:
            table = csv_table(file_named("table", self.table))
        learner = LEARNERS[self.learner](table)
        return Trained(table, learner, split_size=min(len(table.y), MOST_ROWS))
