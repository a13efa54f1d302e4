"""The one map between the unit cube [0, 1]^d and configurations.

ConfigSpace's own vectors are not this map: categories and ordinals are indices
there, the two end values of an integer get half a cell, values of inactive
hyperparameters are accepted, and names are sorted as text (x10 before x2).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    Hyperparameter,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)


@dataclass(frozen=True)
class Axis:
    """One hyperparameter as a coordinate in [0, 1].

    ``values`` takes coordinates, ndarray (n,), to a list of n Python values;
    ``coordinate`` takes a value to the middle of the coordinates that give it;
    ``n_values`` is how many different values there are (infinite for floats).
    """

    name: str
    values: Callable[[np.ndarray], list]
    coordinate: Callable[[object], float]
    n_values: float


def _float_axis(hp: UniformFloatHyperparameter) -> Axis:
    to, back = (np.log, np.exp) if hp.log else (float, np.asarray)
    low, high = to(hp.lower), to(hp.upper)
    return Axis(
        hp.name,
        # clipped, because exp(log(upper)) can be just above upper
        lambda u: np.clip(back(low + u * (high - low)), hp.lower, hp.upper).tolist(),
        lambda value: float((to(value) - low) / (high - low)),
        np.inf,
    )


def _integer_axis(hp: UniformIntegerHyperparameter) -> Axis:
    # Every integer k owns [k - 1/2, k + 1/2], the two at the ends as well.
    to, back = (np.log, np.exp) if hp.log else (float, np.asarray)
    low, high = to(hp.lower - 0.5), to(hp.upper + 0.5)

    def values(u):
        k = np.floor(back(low + u * (high - low)) + 0.5)
        return np.clip(k, hp.lower, hp.upper).astype(int).tolist()

    def coordinate(value):
        middle = (to(value - 0.5) + to(value + 0.5)) / 2
        return float((middle - low) / (high - low))

    return Axis(hp.name, values, coordinate, hp.upper - hp.lower + 1)


def _choice_axis(hp: CategoricalHyperparameter | OrdinalHyperparameter) -> Axis:
    # Choices share the axis by their weights; without weights, in equal cells.
    if isinstance(hp, OrdinalHyperparameter):
        choices = list(hp.sequence)
        edges = np.linspace(0, 1, len(choices) + 1)
    else:
        choices = list(hp.choices)
        edges = np.concatenate([[0], np.cumsum(hp.probabilities)])
    last = len(choices) - 1
    middles = dict(zip(choices, ((edges[:-1] + edges[1:]) / 2).tolist(), strict=True))

    def values(u):
        cells = np.searchsorted(edges[1:], u, side="right")
        return [choices[i] for i in np.minimum(cells, last)]

    return Axis(hp.name, values, middles.__getitem__, len(choices))


def _axis(hp: Hyperparameter) -> Axis:
    if isinstance(hp, UniformFloatHyperparameter):
        return _float_axis(hp)
    if isinstance(hp, UniformIntegerHyperparameter):
        return _integer_axis(hp)
    if isinstance(hp, CategoricalHyperparameter | OrdinalHyperparameter):
        return _choice_axis(hp)
    raise TypeError(
        f"hyperparameter {hp.name!r} is a {type(hp).__name__}: use a uniform float or "
        "integer (linear or log), an ordinal or a categorical"
    )


def natural_order(name: str) -> list:
    """Return a key that sorts x2 before x10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


class UnitCube:
    """The unit cube [0, 1]^d of a search space.

    Coordinates follow the hyperparameters' names in natural order (x2 before x10).
    Floats and integers are spread evenly on their own scale (linear or log), the
    integers and choices in cells. Constants have no coordinate. Coordinates of
    inactive hyperparameters are ignored on the way to a configuration, and 0.5 on
    the way back.

    Raises
    ------
    TypeError
        for a kind of hyperparameter that has no place in the cube.
    ValueError
        if the space has no hyperparameter to tune.
    """

    def __init__(self, space: ConfigurationSpace):
        self.space = space
        tuned = [hp for hp in space.values() if not isinstance(hp, Constant)]
        self.axes = [
            _axis(hp) for hp in sorted(tuned, key=lambda hp: natural_order(hp.name))
        ]
        if not self.axes:
            raise ValueError("the search space has no hyperparameter to tune")
        self._constants = {
            hp.name: hp.value for hp in space.values() if isinstance(hp, Constant)
        }

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return len(self.axes)

    @property
    def names(self) -> list[str]:
        """Names of the hyperparameters, one for each coordinate."""
        return [axis.name for axis in self.axes]

    def configurations(self, points: np.ndarray) -> list[Configuration]:
        """Take points, ndarray (n, d) in [0, 1], to n configurations.

        Raises ValueError for a wrong shape or a coordinate outside [0, 1].
        """
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != self.d:
            raise ValueError(
                f"points have shape {points.shape}, expected (n, {self.d}): one "
                f"coordinate for each of {', '.join(self.names)}"
            )
        if not ((points >= 0) & (points <= 1)).all():
            raise ValueError("points must lie in the unit cube: 0 <= coordinate <= 1")
        columns = [axis.values(u) for axis, u in zip(self.axes, points.T, strict=True)]
        return [self._configuration(row) for row in zip(*columns, strict=True)]

    def points(self, configurations: Iterable[Configuration]) -> np.ndarray:
        """Take n configurations to points, ndarray (n, d): the inverse."""
        return np.array(
            [
                [
                    axis.coordinate(configuration[axis.name])
                    if axis.name in configuration
                    else 0.5
                    for axis in self.axes
                ]
                for configuration in configurations
            ]
        ).reshape(-1, self.d)

    def _configuration(self, row: tuple) -> Configuration:
        values = dict(zip(self.names, row, strict=True)) | self._constants
        if self.space.conditions:
            values = active(self.space, values)
        return Configuration(self.space, values=values)


def active(space: ConfigurationSpace, values: dict) -> dict:
    """Return the values without those of inactive hyperparameters."""
    kept = {}
    for name in space:  # parents come before their children
        conditions = space.parent_conditions_of[name]
        if name in values and all(c.satisfied_by_value(kept) for c in conditions):
            kept[name] = values[name]
    return kept
