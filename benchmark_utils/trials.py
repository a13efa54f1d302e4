"""What passes between strategy, search and problem: request, outcome, trial."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ConfigSpace import Configuration


class Request(NamedTuple):
    """A training that is asked for.

    Asking for a known ``trial_id`` at a higher fidelity continues its training.
    """

    trial_id: int
    configuration: Configuration
    fidelity: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a problem answers to a request.

    ``regret`` is this training's own, NaN where the best is not known. A training
    that raised or diverged has an infinite ``valid_loss``.
    """

    trial_id: int
    valid_loss: float
    test_loss: float = math.nan
    regret: float = math.nan
    fit_seconds: float = math.nan
    predict_seconds: float = math.nan
    size: float = math.nan

    @property
    def failed(self) -> bool:
        return not math.isfinite(self.valid_loss)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a strategy gets to know of a finished training.

    ``loss`` is the validation loss; of a failed trial, or one too slow to serve, it is
    the worst loss seen so far (infinite as long as none has been seen).
    """

    trial_id: int
    configuration: Configuration
    fidelity: float
    loss: float
    size: float
    failed: bool


# ConfigSpace hands out numpy scalars, which JSON refuses.
_JSON = json.JSONEncoder(default=lambda value: value.item())


def to_json(configuration: Mapping) -> str:
    """Return a configuration as JSON: the same text for the same configuration."""
    return _JSON.encode(dict(configuration))
