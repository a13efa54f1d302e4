"""A ConfigSpace space as optuna's suggestions, and searches by optuna's samplers."""

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    Hyperparameter,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
)

from benchmark_utils.components import whole_number
from benchmark_utils.strategies import ModelBased
from benchmark_utils.trials import Trial
from benchmark_utils.unit_cube import active

if TYPE_CHECKING:
    import optuna


def choices(hp: Hyperparameter) -> tuple | None:
    """Return the values of a hyperparameter that is a choice, else None."""
    if isinstance(hp, CategoricalHyperparameter):
        return hp.choices
    return hp.sequence if isinstance(hp, OrdinalHyperparameter) else None


def suggest_value(trial: "optuna.Trial", hp: Hyperparameter) -> object:
    """Ask optuna for the value of one hyperparameter.

    Categories and ordinals are suggested as their index, the first as an unordered
    choice, the second as an integer: any value can be one.
    """
    if isinstance(hp, Constant):
        return hp.value
    if isinstance(hp, CategoricalHyperparameter):
        return hp.choices[trial.suggest_categorical(hp.name, range(len(hp.choices)))]
    if isinstance(hp, OrdinalHyperparameter):
        return hp.sequence[trial.suggest_int(hp.name, 0, len(hp.sequence) - 1)]
    if isinstance(hp, UniformFloatHyperparameter):
        return trial.suggest_float(hp.name, hp.lower, hp.upper, log=hp.log)
    return trial.suggest_int(hp.name, hp.lower, hp.upper, log=hp.log)


def suggest(
    trial: "optuna.Trial", space: ConfigurationSpace, inactive: bool = False
) -> dict[str, object]:
    """Ask optuna for the values of a configuration.

    Parents come before their children, and a hyperparameter whose conditions do not
    hold is not asked for; with ``inactive`` it is, and left out afterwards, so that
    optuna sees a space that is always the same.
    """
    conditions = space.conditions
    if inactive or not conditions:
        values = {hp.name: suggest_value(trial, hp) for hp in space.values()}
        return active(space, values) if conditions else values
    values = {}
    for name, hp in space.items():
        if all(c.satisfied_by_value(values) for c in space.parent_conditions_of[name]):
            values[name] = suggest_value(trial, hp)
    return values


def to_params(space: ConfigurationSpace, configuration: Mapping) -> dict:
    """Return what optuna would have suggested for a configuration."""
    params = {}
    for name, value in configuration.items():
        values = choices(space[name])
        params[name] = value if values is None else values.index(value)
    return params


class Optuna(ModelBased):
    """A search by one of optuna's samplers: implement ``sampler``.

    Optuna's own start is random; ``n_initial`` is how long it lasts, and a design
    in its place is told in the same way.

    ``inactive``: whether the sampler needs a space that is always the same, see
    `suggest`. ``n_objectives``: how many losses `losses` returns.
    """

    requirements = ["pip::optuna"]
    libraries = {"optuna": "optuna"}
    inactive = False
    n_objectives = 1

    @abstractmethod
    def sampler(self, seed: int) -> "optuna.samplers.BaseSampler":
        """Return the sampler."""

    def losses(self, trial: Trial) -> list[float]:
        """Return what is minimised."""
        return [trial.loss]

    def start(self):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(
            sampler=self.sampler(self.search.seed),
            directions=["minimize"] * self.n_objectives,
        )
        self.asked = None

    def suggest(self):
        self.asked = self.study.ask()
        values = suggest(self.asked, self.search.space, self.inactive)
        with self.search.thinking.paused:
            return Configuration(self.search.space, values)

    def tell(self, trial):
        if self.asked is None:  # of the initial design
            params = to_params(self.search.space, trial.configuration)
            self.study.enqueue_trial(params)
            self.suggest()
        for asked, due in self.due(self.asked, trial):
            self.study.tell(asked, self.losses(due))
        self.asked = None


class Genetic(Optuna):
    """A search by generations; an initial design is the first one."""

    requirements = ["pip::optuna>=5"]  # for the mutation
    parameters = {"initial": [None], "population_size": [10]}

    def check(self):
        super().check()
        whole_number(f"{self.name}: population_size", self.population_size, low=2)

    @property
    def n_initial(self) -> int:
        return self.population_size

    def sampler(self, seed):
        from optuna.exceptions import ExperimentalWarning
        from optuna.samplers import NSGAIISampler
        from optuna.samplers.nsgaii import PolynomialMutation, SBXCrossover

        with warnings.catch_warnings():
            # Optuna may still change how these two are called.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return NSGAIISampler(
                population_size=self.population_size,
                crossover=SBXCrossover(),
                mutation=PolynomialMutation(),
                seed=seed,
            )
