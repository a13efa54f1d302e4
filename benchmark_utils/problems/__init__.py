"""A problem: something that a configuration can be evaluated on."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from ConfigSpace import ConfigurationSpace

from benchmark_utils.trials import Outcome, Request

# What learners keep of partial trainings: fold -> trial id -> anything.
Kept = dict[int, dict[int, object]]


@dataclass(frozen=True)
class Setting:
    """On what, and by which loss, a search is measured.

    ``split`` is the number of the draw of data, made with ``data_seed``.
    ``training_seed`` is the repetition's, for what its trainings share, such as the
    order of their minibatches; each has besides a seed of its own.
    """

    metric: str
    n_folds: int
    split: int
    data_seed: int
    training_seed: int = 0


class Problem(ABC):
    """What is tuned; immutable, knows nothing of who asks.

    Attributes
    ----------
    space : ConfigSpace.ConfigurationSpace
        the search space.
    metrics : tuple of str
        losses it can be measured by, its default first.
    defaults : list of dict
        the configurations that folklore recommends, best known first; inside
        the space.
    min_fidelity : float
        smallest share of a full training that means something; 1 where partial
        training does not exist.
    has_folds : bool
        whether there is data that cross-validation could cut.
    times_prediction : bool
        whether its outcomes have ``predict_seconds``.
    """

    space: ConfigurationSpace
    metrics: tuple[str, ...]
    defaults: list[dict]
    min_fidelity: float = 1.0
    has_folds: bool = False
    times_prediction: bool = True

    @abstractmethod
    def evaluate(
        self,
        requests: list[Request],
        seeds: dict[int, int],
        setting: Setting,
        kept: Kept | None = None,
    ) -> Iterator[Outcome]:
        """Train every request and yield its outcome, in the order they finish.

        ``seeds`` has the training seed of each trial id. A configuration that
        raises or diverges is an outcome with infinite loss, never an exception.

        A training is continued from what ``kept`` holds of it, and leaves there what
        the next continuation needs. It is the search's, for a problem is immutable;
        without it, or what it had of a trial, the trial is trained from zero, which
        makes no difference to the outcome, measured seconds aside.
        """

    def unfit(self, metric: str, n_folds: int) -> str | None:
        """Say in one line why this problem cannot be measured so, or None."""
        if metric != "default" and metric not in self.metrics:
            return f"metric {metric!r} is not among its own: {', '.join(self.metrics)}"
        if n_folds > 1 and not self.has_folds:
            return f"n_folds={n_folds} needs data to cut; this problem has none"
        return None
