"""The learners of any table, by the name that a dataset's parameter gives them."""

from collections.abc import Callable

from benchmark_utils.components import need_neural
from benchmark_utils.learners import Learner
from benchmark_utils.learners.lightgbm import practitioners
from benchmark_utils.learners.random_forest import RandomForest
from benchmark_utils.learners.svm import SVM
from benchmark_utils.tables import Table


def _mlp(table: Table) -> Learner:
    need_neural("torch")
    from benchmark_utils.learners import mlp  # optional, and slow to import

    return mlp.practitioners()


LEARNERS: dict[str, Callable[[Table], Learner]] = {
    "lightgbm": lambda table: practitioners(),
    "svm": lambda table: SVM(table.X.shape[1]),
    "random-forest": lambda table: RandomForest(table.task, table.X.shape[1]),
    "mlp": _mlp,
}
