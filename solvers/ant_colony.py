import numpy as np
from ConfigSpace.hyperparameters import CategoricalHyperparameter

from benchmark_utils.ant_colony import AntColony
from benchmark_utils.components import one_of, whole_number
from benchmark_utils.designs import SAMPLERS
from benchmark_utils.strategies import Sequential


class Solver(Sequential):
    name = "ant-colony"
    parameters = {
        "n_archive": [10],
        "n_ants": [2],
        "q": [0.1],
        "xi": [0.85],
        "patience": [None],
        "initial": ["random"],
    }

    def start(self):
        search, rng = self.search, np.random.default_rng(self.search.seed)
        # The cube has categories in cells: {coordinate: middles of its cells}.
        self.cells = {
            i: np.array([axis.coordinate(c) for c in search.space[axis.name].choices])
            for i, axis in enumerate(search.cube.axes)
            if isinstance(search.space[axis.name], CategoricalHyperparameter)
        }

        def initial(n):
            return self.solutions(SAMPLERS[self.initial](n, search.cube.d, rng))

        n_categories = [len(self.cells.get(i, [])) for i in range(search.cube.d)]
        self.colony = AntColony(
            n_categories, rng, self.n_archive, self.n_ants, self.q, self.xi,
            self.patience, initial,
        )

    def solutions(self, points):
        solutions = points.copy()
        middles = self.search.cube.points(self.search.cube.configurations(points))
        for i, cells in self.cells.items():
            inside = np.abs(middles[:, [i]] - cells).argmin(axis=1)
            solutions[:, i] = inside
        return solutions

    def points(self, solutions):
        points = solutions.copy()
        for i, cells in self.cells.items():
            points[:, i] = cells[solutions[:, i].astype(int)]
        return points

    def ask(self):
        self.asked, self.losses = self.colony.ask(), {}
        points = self.search.cube.configurations(self.points(self.asked))
        return [self.search.request(c) for c in points]

    def tell(self, trial):
        self.losses[trial.trial_id] = trial.loss
        if len(self.losses) == len(self.asked):
            losses = [self.losses[i] for i in sorted(self.losses)]
            self.colony.tell(self.asked, losses)
