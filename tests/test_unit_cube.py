import json

import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    Configuration,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    Integer,
    NormalFloatHyperparameter,
    OrdinalHyperparameter,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_utils.trials import to_json
from benchmark_utils.unit_cube import UnitCube


def mixed_space():
    space = ConfigurationSpace(
        space=[
            Float("x10", (-2.0, 3.0)),
            Float("x2", (1e-6, 1.0), log=True),
            Integer("k", (1, 4)),
            Integer("m", (1, 1000), log=True),
            Categorical("kind", ["a", "b", "c"]),
            OrdinalHyperparameter("width", [16, 32, 64]),
            Categorical("on", [True, False]),
            Float("share", (0.1, 1.0)),
            Constant("fixed", 3),
        ]
    )
    space.add(EqualsCondition(space["share"], space["on"], True))
    return space


def assert_close(a, b):
    assert set(a) == set(b)
    for name, value in b.items():
        if isinstance(value, float):
            assert a[name] == pytest.approx(value, rel=1e-6, abs=1e-12)
        else:
            assert a[name] == value


CUBE = UnitCube(mixed_space())
UNIT = st.floats(0, 1, allow_nan=False)


@given(st.lists(UNIT, min_size=CUBE.d, max_size=CUBE.d))
def test_every_point_is_a_legal_configuration_that_comes_back(point):
    [configuration] = CUBE.configurations([point])
    configuration.check_valid_configuration()
    [again] = CUBE.configurations(CUBE.points([configuration]))
    assert_close(again, configuration)
    assert configuration["fixed"] == 3
    assert ("share" in configuration) == configuration["on"]


@given(st.lists(UNIT, min_size=CUBE.d, max_size=CUBE.d))
def test_values_are_plain_python_and_json(point):
    [configuration] = CUBE.configurations([point])
    assert json.loads(to_json(configuration)) == dict(configuration)
    for value in dict(configuration).values():
        assert type(value) in (int, float, str, bool)


def test_names_are_in_natural_order():
    assert CUBE.names == ["k", "kind", "m", "on", "share", "width", "x2", "x10"]


def test_floats_are_exact_on_their_scale():
    space = ConfigurationSpace(
        space=[Float("a", (2.0, 4.0)), Float("b", (1e-4, 1.0), log=True)]
    )
    for u, a, b in [(0, 2, 1e-4), (0.25, 2.5, 1e-3), (0.5, 3, 1e-2), (1, 4, 1)]:
        [configuration] = UnitCube(space).configurations([[u, u]])
        assert dict(configuration) == pytest.approx({"a": a, "b": b})


@pytest.mark.parametrize(
    ("hyperparameter", "values"),
    [
        (Integer("h", (3, 7)), [3, 4, 5, 6, 7]),
        (Categorical("h", ["a", "b", "c"]), ["a", "b", "c"]),
        (OrdinalHyperparameter("h", [1, 10, 100]), [1, 10, 100]),
    ],
)
def test_cells_are_equal_the_ends_included(hyperparameter, values):
    cube = UnitCube(ConfigurationSpace(space=[hyperparameter]))
    n = 1000 * len(values)
    u = (np.arange(n) + 0.5) / n
    got = [c["h"] for c in cube.configurations(u[:, None])]
    assert [got.count(value) for value in values] == [1000] * len(values)


def test_log_integers_own_a_cell_from_half_below_to_half_above():
    cube = UnitCube(ConfigurationSpace(space=[Integer("h", (1, 100), log=True)]))
    u = (np.arange(200_000) + 0.5) / 200_000
    got = np.array([c["h"] for c in cube.configurations(u[:, None])])
    for k in (1, 2, 50, 100):
        share = np.log((k + 0.5) / (k - 0.5)) / np.log(100.5 / 0.5)
        assert np.mean(got == k) == pytest.approx(share, abs=1e-4)


def test_weights_of_categories_are_respected():
    space = ConfigurationSpace(space=[Categorical("h", ["a", "b"], weights=[1, 3])])
    u = (np.arange(1000) + 0.5) / 1000
    got = [c["h"] for c in UnitCube(space).configurations(u[:, None])]
    assert got.count("a") == 250


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_configspace_samples_come_back(seed):
    space = mixed_space()
    space.seed(seed)
    cube = UnitCube(space)
    for configuration in space.sample_configuration(5):
        [again] = cube.configurations(cube.points([configuration]))
        assert_close(again, configuration)


def test_numpy_scalars_of_configspace_become_json():
    space = mixed_space()
    space.seed(1)
    vector = space.sample_configuration().get_array()
    values = json.loads(to_json(Configuration(space, vector=vector)))
    assert set(values) <= set(space)


@pytest.mark.parametrize(
    ("points", "what"),
    [
        ([[0.5]], "shape"),
        ([0.5] * CUBE.d, "shape"),
        ([[1.1] + [0.5] * (CUBE.d - 1)], "unit cube"),
        ([[np.nan] + [0.5] * (CUBE.d - 1)], "unit cube"),
    ],
)
def test_wrong_points_are_refused(points, what):
    with pytest.raises(ValueError, match=what):
        CUBE.configurations(points)


def test_spaces_that_cannot_be_tuned_are_refused():
    with pytest.raises(ValueError, match="no hyperparameter"):
        UnitCube(ConfigurationSpace(space=[Constant("fixed", 1)]))
    normal = NormalFloatHyperparameter("z", mu=0, sigma=1, lower=-3, upper=3)
    with pytest.raises(TypeError, match="'z'"):
        UnitCube(ConfigurationSpace(space=[normal]))
