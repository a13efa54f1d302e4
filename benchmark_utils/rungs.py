"""Training in parts: the rungs, and configurations that climb them until stopped."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from ConfigSpace import Configuration

from benchmark_utils.search import ROUNDING, Search
from benchmark_utils.trials import Trial

if TYPE_CHECKING:
    import optuna

ETA, N_RUNGS = 3, 4  # from 1/27 to 1


def rungs(min_fidelity: float, eta: int = ETA, n_rungs: int = N_RUNGS) -> list[float]:
    """Return the fidelities ..., 1/eta^2, 1/eta, 1 that a problem can be trained to."""
    fidelities = [float(eta) ** -k for k in reversed(range(n_rungs))]
    return [f for f in fidelities if f >= min_fidelity - ROUNDING]


def median_rule(eta: int) -> "optuna.pruners.BasePruner":
    """Stop what is worse than the median of the finished trials at the same rung.

    Golovin et al. 2017 (Google Vizier, KDD), section 3.2. Optuna's: it compares the
    best loss so far, and waits until 5 trials are finished.
    """
    from optuna.pruners import MedianPruner

    return MedianPruner()


def asha_rule(eta: int) -> "optuna.pruners.BasePruner":
    """Stop what is not among the best 1/eta of those that reached the same rung."""
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(min_resource=1, reduction_factor=eta)


RULES = {"median": median_rule, "asha": asha_rule}


def random_stream(search: Search) -> Iterator[Configuration]:
    """Yield what random search tries, in its order, without end."""
    rng = np.random.default_rng(search.seed)
    while True:
        yield from search.configurations(rng.random((1, search.cube.d)))


def climb(
    search: Search,
    configurations: Iterable[Configuration],
    rule: str,
    eta: int = ETA,
    n_rungs: int = N_RUNGS,
) -> Iterator[Trial]:
    """Train one configuration after the other, rung by rung, until the rule stops it.

    A rung counts as eta^0, eta^1, ... steps of optuna. One that the budget has no room
    for ends its training there: cheaper ones follow until none fits. A failed trial is
    not continued, and the rule does not hear of it.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fidelities = rungs(search.min_fidelity, eta, n_rungs)
    search.thinking.start()
    study = optuna.create_study(pruner=RULES[rule](eta))
    for configuration in configurations:
        if search.budget_left < fidelities[0] - ROUNDING:
            break
        asked, state = study.ask(), optuna.trial.TrialState.FAIL
        request = search.request(configuration)
        for step, fidelity in enumerate(fidelities):
            request = request._replace(fidelity=fidelity)
            if search.price(request) > search.budget_left + ROUNDING:
                break
            [trial] = search.evaluate([request])
            yield trial
            search.thinking.start()
            if trial.failed:
                break
            if fidelity == 1:
                state = optuna.trial.TrialState.COMPLETE
                break
            asked.report(trial.loss, eta**step)
            if asked.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
        finished = state == optuna.trial.TrialState.COMPLETE
        study.tell(asked, trial.loss if finished else None, state)
        search.release([request.trial_id])
