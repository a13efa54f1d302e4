"""Measures of a design against their definition; the landscape's surface and axes."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from conftest import new_search, run_search
from hypothesis import given
from hypothesis import strategies as st

from benchmark_utils import geometry, landscape


@st.composite
def some_points(draw):
    n, d, seed = draw(
        st.tuples(*[st.integers(2, 20), st.integers(1, 5), st.integers(0)])
    )
    return np.random.default_rng(seed).random((n, d))


@given(some_points())
def test_smallest_distances_are_those_of_all_pairs(points):
    plain, periodic = [], []
    for a, b in itertools.combinations(points, 2):
        gap = np.abs(a - b)
        plain.append(math.hypot(*gap))
        periodic.append(math.hypot(*np.minimum(gap, 1 - gap)))
    assert geometry.smallest_distance(points) == pytest.approx(min(plain))
    assert geometry.smallest_distance(points, True) == pytest.approx(min(periodic))


def test_opposite_faces_of_the_torus_are_one():
    points = np.array([[0.0, 0.5], [1.0, 0.5]])
    assert geometry.smallest_distance(points) == 1
    assert geometry.smallest_distance(points, periodic=True) == 0
    assert math.isnan(geometry.smallest_distance(points[:1]))


@given(some_points())
def test_discrepancy_is_hickernells(points):
    n, d = points.shape
    z = np.abs(points - 0.5)
    single = np.prod(1 + z / 2 - z**2 / 2, axis=1).sum()
    double = sum(
        np.prod(1 + (z[i] + z[j] - np.abs(points[i] - points[j])) / 2)
        for i in range(n)
        for j in range(n)
    )
    squared = (13 / 12) ** d - 2 / n * single + double / n**2
    assert geometry.centred_discrepancy(points) ** 2 == pytest.approx(squared)


def test_counts_and_shares():
    points = np.array([[0.5, 0.1], [0.5, 0.9], [0.4, 0.5], [0.5, 0.5]])
    assert geometry.distinct_values(points) == (2 + 3) / 2
    assert geometry.outer_share(points) == 0.5
    many = np.random.default_rng(0).random((20_000, 3))
    assert geometry.outer_share(many) == pytest.approx(0.5, abs=0.02)


def rows_of(search, solver):
    return run_search(solver, search).add_prefix("objective_")


def test_the_point_column_is_the_design(problem, solver):
    search = new_search(problem("simulated", n_dims=3), 20, seed=4)
    rows = rows_of(search, solver("hypertiling"))
    design = solver("hypertiling").sample(20, 3, np.random.default_rng(4))
    assert landscape.points_of(rows) == pytest.approx(design, abs=1e-6)


def test_the_surface_is_low_where_the_loss_is(problem, solver):
    simulated = problem("simulated", landscape="bowl")
    rows = rows_of(new_search(simulated, 200), solver("sobol"))
    optimum, _ = simulated.optimum(0, 7)
    surface = landscape.surface(rows)
    y, x = np.unravel_index(surface.argmin(), surface.shape)
    assert np.array([x, y]) / (landscape.SIDE - 1) == pytest.approx(optimum, abs=0.1)


def test_the_surface_survives_failures_and_few_trials(problem, solver):
    rows = rows_of(new_search(problem("simulated"), 30), solver("random"))
    rows.loc[3:6, "objective_valid_loss"] = np.inf
    for trials in (rows, rows[:3], rows[3:6]):
        surface = landscape.surface(trials)
        assert np.isfinite(surface).all()
        image = landscape.picture(trials, surface, landscape.axes_of(trials))
        assert image.shape == (400, 400, 3)
        assert 0 <= image.min() < image.max() <= 1


def test_axes_have_the_values_of_the_search_space(problem, solver):
    svm = problem("tabular", table="wine", learner="svm")
    rows = rows_of(new_search(svm, 12), solver("random"))
    (x, places, labels), (y, _, _) = landscape.axes_of(rows)
    assert (x, y) == ("C", "gamma")
    assert places == [0, 0.5, 1]
    values = [float(label) for label in labels]
    assert values == pytest.approx([2**-5, 2**5, 2**15], rel=0.01)


def test_axes_of_choices_have_their_names():
    rows = pd.DataFrame(
        {
            "objective_config": [json.dumps({"a": k, "b": v}) for k, v in ["xy", "zy"]],
            "objective_point": ["[0.25, 0.5]", "[0.75, 0.5]"],
        }
    )
    assert landscape.axes_of(rows) == [
        ("a", [0.25, 0.75], ["x", "z"]),
        ("b", [0.5], ["y"]),
    ]
