"""Every design: its number of points, its seeds, and the library called directly."""

import itertools
import math

import click
import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    Integer,
)
from conftest import new_search, run_search
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from benchmark_utils.designs.factorial import levels
from benchmark_utils.problems import Problem
from benchmark_utils.trials import Outcome

SAMPLERS = ["random", "lhs", "sobol", "halton", "rsa", "rsa-lhs", "hypertiling"]


class Flat(Problem):
    """Any space, the same loss everywhere."""

    metrics = ("loss",)
    defaults = ()

    def __init__(self, *hyperparameters):
        self.space = ConfigurationSpace(space=hyperparameters)

    def evaluate(self, requests, seeds, setting, kept=None):
        for request in requests:
            yield Outcome(request.trial_id, 1.0)


def cube(d):
    return Flat(*[Float(f"x{i}", (0.0, 1.0)) for i in range(d)])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 3), (25, 2), (64, 9), (100, 5)])
def test_samplers_give_n_points_in_the_cube_by_their_seed(name, n, d, solver):
    def points(seed):
        return solver(name).sample(n, d, np.random.default_rng(seed))

    assert points(0).shape == (n, d)
    assert ((points(0) >= 0) & (points(0) <= 1)).all()
    assert (points(0) == points(0)).all()
    assert (points(0) != points(1)).any()


@pytest.mark.parametrize("name", ["random", "sobol", "halton"])
def test_extensible_designs_begin_with_the_smaller_ones(name, solver):
    def points(n):
        return solver(name).sample(n, 3, np.random.default_rng(5))

    assert (points(100)[:17] == points(17)).all()


def test_samplers_are_scipys(solver):
    def rng():
        return np.random.default_rng(3)

    expected = {
        "sobol": qmc.Sobol(4, rng=rng()).random(32),
        "halton": qmc.Halton(4, rng=rng()).random(32),
        "lhs": qmc.LatinHypercube(4, rng=rng()).random(32),
    }
    for name, points in expected.items():
        assert (solver(name).sample(32, 4, rng()) == points).all()


def test_a_latin_hypercube_has_one_point_in_every_cell(solver):
    points = solver("lhs").sample(40, 6, np.random.default_rng(0))
    assert (np.arange(40) == np.sort((points * 40).astype(int), axis=0).T).all()


@pytest.mark.parametrize("n", [1, 7, 64])
@pytest.mark.parametrize("name", SAMPLERS)
def test_searches_make_exactly_n_trials(name, n, solver):
    assert len(run_search(solver(name), new_search(cube(3), n))) == n


# Grid


def grid_of(solver, n, *hyperparameters, **parameters):
    search = new_search(Flat(*hyperparameters), n)
    return [dict(c) for c in solver("grid", **parameters).propose(search)]


@pytest.mark.parametrize(("N", "d"), [(5, 2), (3, 3), (2, 6), (10, 2), (25, 1)])
def test_a_budget_that_is_a_power_gives_the_full_grid(N, d, solver):
    axes = [Float(f"x{i}", (0.0, 1.0)) for i in range(d)]
    grid = {tuple(c.values()) for c in grid_of(solver, N**d, *axes)}
    full = itertools.product(np.linspace(0, 1, N).round(13).tolist(), repeat=d)
    assert grid == set(full)


@given(st.integers(1, 400), st.lists(st.integers(2, 9), min_size=1, max_size=5))
def test_the_factorial_is_the_fullest_that_fits(n, most):
    counts = levels(n, most)
    assert math.prod(counts) <= n
    assert all(1 <= k <= m for k, m in zip(counts, most, strict=True))
    for i, count in enumerate(counts):  # none can take another level
        more = math.prod(counts) // count * (count + 1)
        assert count == most[i] or more > n


def test_a_grid_has_every_category_and_no_twins(solver):
    space = ConfigurationSpace(
        space=[
            Categorical("kind", ["a", "b", "c"]),
            Categorical("on", [True, False]),
            Float("share", (0.0, 1.0)),
        ]
    )
    space.add(EqualsCondition(space["share"], space["on"], True))
    flat = cube(1)
    flat.space = space
    grid = solver("grid").propose(new_search(flat, 18))
    assert len(set(grid)) == len(grid) == 3 * (3 + 1)
    assert {c["kind"] for c in grid} == {"a", "b", "c"}


def test_the_levels_of_integers_are_different(solver):
    grid = grid_of(solver, 7, Integer("k", (1, 3)), Integer("m", (1, 2)))
    assert sorted(tuple(c.values()) for c in grid) == [
        (k, m) for k in (1, 2, 3) for m in (1, 2)
    ]


def test_the_order_of_the_grid_is_random(solver):
    def order(seed):
        search = new_search(cube(2), 25, seed=seed)
        return [tuple(c.values()) for c in map(dict, solver("grid").propose(search))]

    assert order(0) != order(1)
    assert sorted(order(0)) == sorted(order(1))


# Lists and values of a person

X = Float("x", (0.0, 1.0), default=0.5)
K = Integer("k", (1, 9), default=3)
KIND = Categorical("kind", ["a", "b"], default="a")


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_own_values_of_a_grid(solver, tmp_path):
    path = written(tmp_path, "values.yml", "x: [0.1, 0.2]\nkind: [a, b]\n")
    grid = grid_of(solver, 4, X, K, KIND, values=path)
    assert sorted((c["x"], c["kind"], c["k"]) for c in grid) == [
        (0.1, "a", 3),
        (0.1, "b", 3),
        (0.2, "a", 3),
        (0.2, "b", 3),
    ]


def test_a_list_in_yaml_and_csv_is_tried_in_its_order(solver, tmp_path):
    yml = "- {x: 0.9, k: 2, kind: b}\n- {x: 1, k: 3, kind: a}\n"
    csv = "kind, x, k\nb, 0.9, 2\na, 1, 3\n"
    for name, text in [("list.yml", yml), ("list.csv", csv)]:
        manual = solver("manual", configurations=written(tmp_path, name, text))
        search = new_search(Flat(X, K, KIND), 5)
        got = [dict(c) for c in manual.propose(search)]
        assert [(c["x"], c["k"], c["kind"]) for c in got] == [
            (0.9, 2, "b"),
            (1, 3, "a"),
        ]
        one = new_search(Flat(X, K, KIND), 1)
        assert len(run_search(manual, one)) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {x: 0.5, K: 1, kind: a}", r"'K'; names are: k, kind, x"),
        ("- {x: 0.5, kind: a}", "missing k"),
        ("- {x: 1.5, k: 1, kind: a}", r"x=1.5 is outside \[0.0, 1.0\]"),
        ("- {x: 0.5, k: 1.5, kind: a}", "k=1.5 is not a whole number"),
        ("- {x: much, k: 1, kind: a}", "x='much' is not a number"),
        ("- {x: .nan, k: 1, kind: a}", "x=nan is outside"),
        ("- {x: 0.5, k: .nan, kind: a}", "k=nan is not a whole number"),
        ("- {x: 0.5, k: 1, kind: z}", "kind='z' is not one of a, b"),
        ("x: 0.5", "must be a list"),
        ("- [1, 2]", "must be a list"),
        ("{", "not a YAML file"),
    ],
)
def test_a_wrong_list_is_one_clear_line(text, says, solver, tmp_path):
    path = written(tmp_path, "list.yml", text)
    with pytest.raises(click.UsageError, match=says) as error:
        solver("manual", configurations=path).unfit(Flat(X, K, KIND).space, 5)
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x: [0.1]\nK: [1]", r"'K'; names are: k, kind, x"),
        ("x: [2]", "x=2 is outside"),
        ("x: 0.1", "must have"),
        ("x: [0.1, 0.2]\nk: [1, 2, 3]", "the grid has 6 points, n_trials=5"),
    ],
)
def test_wrong_values_of_a_grid_are_one_clear_line(text, says, solver, tmp_path):
    path = written(tmp_path, "values.yml", text)
    with pytest.raises(click.UsageError, match=says):
        solver("grid", values=path).unfit(Flat(X, K, KIND).space, 5)


def test_inactive_values_of_a_list_are_left_out(solver, tmp_path):
    flat = cube(1)
    flat.space = ConfigurationSpace(space=[Categorical("on", [True, False]), X])
    flat.space.add(EqualsCondition(flat.space["x"], flat.space["on"], True))
    path = written(tmp_path, "list.csv", "on,x\nTrue,0.25\nFalse,\nFalse,0.5\n")
    got = solver("manual", configurations=path).propose(new_search(flat, 5))
    assert [dict(c) for c in got] == [{"on": True, "x": 0.25}, *[{"on": False}] * 2]
