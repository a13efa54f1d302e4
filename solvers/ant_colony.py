import numpy as np

from benchmark_utils.ant_colony import AntColony
from benchmark_utils.components import number_between, one_of, whole_number
from benchmark_utils.designs import SAMPLERS
from benchmark_utils.strategies import Sequential


class Solver(Sequential):
    """Ant colony optimisation: ants sample around an archive of the best solutions.

    ACO_R of Socha & Dorigo 2008, Eur. J. Oper. Res. 185, and ACO_MV of Liao et al.
    2014, IEEE Trans. Evol. Comput. 18, for categories: an own implementation. Floats,
    integers and ordinals move in the unit cube (log scales are linear there, integers
    and ordinals are cells); categories are categories, drawn by the archive; inactive
    hyperparameters are sampled unseen.

    The archive starts as the design `initial`, random as in the papers. They keep 50
    solutions and follow only the best (q = 1e-4), for thousands of evaluations. Of
    archives of 5 to 20, 1 to 5 ants, q from 1e-4 to 0.5 and xi from 0.5 to 1, those
    here had low median regrets on all problems tried, after 25 to 200 trials in 1 to 10
    dimensions. After `patience` trials without a better one the archive but for its
    best is drawn anew.
    """

    name = "ant-colony"
    requirements = ["pip::scipy"]
    parameters = {
        "n_archive": [10],
        "n_ants": [2],
        "q": [0.1],
        "xi": [0.85],
        "patience": [50],
        "initial": ["random"],
    }

    def check(self):
        whole_number("ant-colony: n_archive", self.n_archive, low=2)
        whole_number("ant-colony: n_ants", self.n_ants, low=1)
        whole_number("ant-colony: patience", self.patience, low=1)
        number_between("ant-colony: q", self.q, 0, 1000)
        number_between("ant-colony: xi", self.xi, 0, 1000)
        one_of("initial", self.initial, SAMPLERS)

    def start(self):
        axes, space = self.search.cube.axes, self.search.space
        self.choices = [list(getattr(space[a.name], "choices", [])) for a in axes]
        self.rng = np.random.default_rng(self.search.seed)
        self.colony = AntColony(
            [len(choices) for choices in self.choices],
            self.rng,
            self.n_archive,
            self.n_ants,
            self.q,
            self.xi,
            self.patience,
            self.design,
        )

    def design(self, n):
        x = SAMPLERS[self.initial](n, self.search.cube.d, self.rng)
        for i, (axis, choices) in enumerate(self._axes()):
            if choices:
                x[:, i] = [choices.index(value) for value in axis.values(x[:, i])]
        return x

    def points(self, x):
        x = x.copy()
        for i, (axis, choices) in enumerate(self._axes()):
            if choices:
                x[:, i] = [axis.coordinate(choices[int(index)]) for index in x[:, i]]
        return x

    def _axes(self):
        return zip(self.search.cube.axes, self.choices, strict=True)

    def ask(self):
        self.asked, self.losses = self.colony.ask(), {}
        points = self.search.configurations(self.points(self.asked))
        return [self.search.request(c) for c in points]

    def tell(self, trial):
        self.losses[trial.trial_id] = trial.loss
        if len(self.losses) == len(self.asked):
            losses = [self.losses[i] for i in sorted(self.losses)]
            self.colony.tell(self.asked, losses)
