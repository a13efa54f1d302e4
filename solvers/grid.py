import itertools
import math

import numpy as np
from ConfigSpace import Configuration

from benchmark_utils.components import file_named
from benchmark_utils.designs import factorial
from benchmark_utils.errors import fail
from benchmark_utils.lists import check_names, legal_values, read_values
from benchmark_utils.strategies import Design
from benchmark_utils.unit_cube import active


class Solver(Design):
    """Grid search: a full factorial, evenly spaced from end to end.

    N^d points where the budget is N^d, otherwise the fullest factorial that fits: one
    level at a time goes to the hyperparameter with the fewest, and which of those with
    equally few comes first is drawn anew for each search: a grid does not know what
    matters, and its names must not decide. A single level is in the middle. The points
    are tried in random order, so that the curve does not depend on what is swept first.

    With `values`, a YAML file with `name: [value, ...]` for each hyperparameter, the
    grid is a person's own; hyperparameters that it leaves out stay at their default.
    """

    name = "grid"
    extensible = False
    requirements = ["pip::pyyaml"]
    parameters = {**Design.parameters, "values": [None]}

    def files(self):
        if self.values is None:
            return []
        return [file_named("grid: values", self.values)]

    def check(self):
        [self.own] = [read_values(path) for path in self.files()] or [None]

    def unfit(self, space, n_trials):
        if self.own is None:
            return None
        if not set(self.own) & set(space):
            return f"its names are not of this problem, which has {', '.join(space)}"
        n_points = math.prod(len(values) for values in self.own.values())
        if n_points <= 100 * n_trials:  # inactive ones may make it fewer
            n_points = len(self._own_grid(space))
        if n_points > n_trials:
            fail(
                f"{self.values}: the grid has {n_points} points, n_trials={n_trials}: "
                "raise n_trials or drop values"
            )
        return None

    def propose(self, search):
        rng = np.random.default_rng(search.seed)
        if self.own is not None:
            grid = self._own_grid(search.space)
        else:
            axes = search.cube.axes
            order = rng.permutation(len(axes))
            counts = np.empty(len(axes), dtype=int)
            counts[order] = factorial.levels(
                search.n_trials, [axes[i].n_values for i in order]
            )
            ticks = [
                factorial.ticks(axis, k) for axis, k in zip(axes, counts, strict=True)
            ]
            points = np.array(list(itertools.product(*ticks)))
            # Points that differ in inactive hyperparameters only are one.
            grid = list(dict.fromkeys(search.cube.configurations(points)))
        return [grid[i] for i in rng.permutation(len(grid))]

    def _own_grid(self, space):
        check_names(self.values, self.own, space)
        columns = {hp.name: [hp.default_value] for hp in space.values()}
        for name, values in self.own.items():
            columns[name] = legal_values(self.values, space[name], values)
        rows = itertools.product(*columns.values())
        grid = [active(space, dict(zip(columns, row, strict=True))) for row in rows]
        return list(dict.fromkeys(Configuration(space, values=row) for row in grid))
