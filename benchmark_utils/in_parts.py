"""Strategies that train in parts, by the rungs of their parameters."""

from benchmark_utils.components import whole_number
from benchmark_utils.rungs import ETA, N_RUNGS, climb, random_stream
from benchmark_utils.strategies import Strategy


class InParts(Strategy):
    """A strategy with rungs: a factor ``eta`` between them, ``n_rungs`` at most."""

    parameters = {"eta": [ETA], "n_rungs": [N_RUNGS]}
    in_parts = True

    def check(self):
        whole_number(f"{self.name}: eta", self.eta, low=2)
        whole_number(f"{self.name}: n_rungs", self.n_rungs, low=2)


class Climbing(InParts):
    """Random search under a stopping rule, until the budget is spent: name ``rule``."""

    requirements = ["pip::optuna"]
    libraries = {"optuna": "optuna"}
    rule: str

    def trials(self):
        stream = random_stream(self.search)
        return climb(self.search, stream, self.rule, self.eta, self.n_rungs)
