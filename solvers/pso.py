import numpy as np

from benchmark_utils.components import missing, one_of, whole_number
from benchmark_utils.designs import SAMPLERS
from benchmark_utils.strategies import Sequential


class Solver(Sequential):
    name = "pso"
    requirements = ["pip::pymoo"]
    parameters = {"pop_size": [10], "initial": ["lhs"]}

    def unfit(self, space, n_trials):
        return missing("pymoo", "pymoo")

    def start(self):
        from pymoo.algorithms.soo.nonconvex.pso import PSO
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination

        d, seed = self.search.cube.d, self.search.seed
        rng = np.random.default_rng(seed)
        points = SAMPLERS[self.initial](self.pop_size, d, rng)
        self.swarm = PSO(pop_size=self.pop_size, sampling=points)
        self.swarm.setup(
            Problem(n_var=d, n_obj=1, xl=0, xu=1),
            seed=seed,
            termination=NoTermination(),
        )

    def ask(self):
        self.asked, self.losses = self.swarm.ask(), {}
        points = self.search.cube.configurations(self.asked.get("X"))
        return [self.search.request(c) for c in points]

    def tell(self, trial):
        self.losses[trial.trial_id] = trial.loss
        if len(self.losses) == len(self.asked):
            losses = [self.losses[i] for i in sorted(self.losses)]
            self.asked.set("F", np.array(losses)[:, None])
            self.swarm.tell(infills=self.asked)
