from benchmark_utils.components import file_named
from benchmark_utils.errors import fail
from benchmark_utils.lists import read_configurations, to_configuration
from benchmark_utils.strategies import Design


class Solver(Design):
    """A person's list of configurations, tried in its order.

    `configurations` is a YAML file, a list of `- {name: value, ...}`, or a CSV file
    with one column per hyperparameter. A list longer than the budget is tried as far
    as the budget goes; a shorter one ends when it ends. A file may have configurations
    for several problems: those that share no name with a problem are not for it.
    """

    name = "manual"
    extensible = False
    requirements = ["pip::pyyaml", "pip::pandas"]
    parameters = {**Design.parameters, "configurations": [None]}
    test_config = {
        "configurations": "configs/lists/quick.yml",
        "dataset": {"name": "recorded"},
    }

    def files(self):
        if self.configurations is None:
            return []
        return [file_named("manual: configurations", self.configurations)]

    def check(self):
        self.rows = [row for path in self.files() for row in read_configurations(path)]

    def unfit(self, space, n_trials):
        if not self.rows:
            return "no list: give one as manual[configurations=my_list.yml]"
        if not self._configurations(space):
            names = dict.fromkeys(name for row in self.rows for name in row)
            return (
                f"its names ({', '.join(names)}) are not of this problem, which has "
                f"{', '.join(space)}"
            )
        return None

    def check_together(self, spaces):
        for number, row in enumerate(self.rows, start=1):
            if not any(set(row) & set(space) for space in spaces):
                names = " or ".join(", ".join(space) for space in spaces)
                fail(
                    f"{self.configurations}, number {number}: no hyperparameter is "
                    f"called {', '.join(map(repr, row))}; names are: {names}"
                )

    def propose(self, search):
        return self._configurations(search.space)[: search.n_trials]

    def _configurations(self, space):
        return [
            to_configuration(f"{self.configurations}, number {number}", row, space)
            for number, row in enumerate(self.rows, start=1)
            if set(row) & set(space)
        ]
