"""Hypertiling against the definition of its tilings, and as a design."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial.distance import pdist

from benchmark_utils.designs.hypertiling import (
    GOLDEN,
    hypertiling,
    patch,
    random_phases,
    star,
)


def multigrid_vertices(directions, phases, half):
    """The vertices in [-half, half]^d by definition, as a set of index tuples.

    Each crossing of d hyperplanes is solved for, and the cells around it are read off.
    """
    d, m = directions.shape
    # x and its vertex differ by the projection of a point of [-1/2, 1/2]^m.
    reach = half + np.sqrt(m) / 2
    found = set()
    for chosen in combinations(range(m), d):
        normals = directions[:, chosen].T
        most = np.abs(normals).sum(axis=1) * reach
        ranges = [
            range(int(np.floor(g - b)), int(np.ceil(g + b)) + 1)
            for g, b in zip(phases[list(chosen)], most, strict=True)
        ]
        for numbers in product(*ranges):
            x = np.linalg.solve(normals, np.array(numbers) - phases[list(chosen)])
            index = np.ceil(x @ directions + phases).astype(int)
            for side in product((0, 1), repeat=d):
                index[list(chosen)] = np.add(numbers, side)
                found.add(tuple(index.tolist()))
    indices = np.array(sorted(found))
    points = (indices - phases - 0.5) @ directions.T
    return set(map(tuple, indices[np.abs(points).max(axis=1) <= half].tolist()))


def tiles(directions, phases, half):
    """Origins and spanning directions of all tiles whose corners are in the patch.

    A tile is d directions and an index vector K such that K plus any sum of their unit
    vectors is a vertex (Oguey, Duneau & Katz 1988, Commun. Math. Phys. 118, 99).
    """
    d, m = directions.shape
    _, indices = patch(directions, phases, half)
    vertices = set(map(tuple, indices.tolist()))
    unit = np.eye(m, dtype=int)
    for chosen in combinations(range(m), d):
        corners = [np.dot(s, unit[list(chosen)]) for s in product((0, 1), repeat=d)]
        for index in indices:
            if all(tuple((index + c).tolist()) in vertices for c in corners):
                yield index, directions[:, chosen]


@pytest.mark.parametrize(("d", "half"), [(1, 200), (2, 6), (3, 1.6), (4, 0.9)])
def test_patch_is_the_set_of_vertices_of_the_multigrid(d, half):
    for seed in range(2):
        phases = random_phases(d, np.random.default_rng(seed))
        _, indices = patch(star(d), phases, half)
        found = set(map(tuple, indices.tolist()))
        assert len(found) == len(indices)
        assert found == multigrid_vertices(star(d), phases, half)


@settings(deadline=None, max_examples=40)
@given(d=st.integers(1, 8), seed=st.integers(0, 2**32 - 1))
def test_every_cell_of_the_multigrid_is_in_the_patch(d, seed):
    rng = np.random.default_rng(seed)
    directions, phases = star(d), random_phases(d, rng)
    x = rng.uniform(-1, 1, size=(500, d))
    cells = np.ceil(x @ directions + phases).astype(int)
    near = np.abs((cells - phases - 0.5) @ directions.T).max(axis=1) <= 0.8
    _, indices = patch(directions, phases, 0.8)
    assert set(map(tuple, cells[near].tolist())) <= set(map(tuple, indices.tolist()))


@pytest.mark.parametrize("d", range(1, 9))
def test_every_vertex_of_the_patch_is_a_cell_of_the_multigrid(d):
    """Some x and slack > 0: K - 1 + slack <= x . e + gamma <= K - slack."""
    directions, phases = star(d), random_phases(d, np.random.default_rng(0))
    _, indices = patch(directions, phases, 0.9)
    rows = np.vstack([directions.T, -directions.T])
    rows = np.column_stack([rows, np.ones(len(rows))])
    for index in np.random.default_rng(0).permutation(indices)[:30]:
        limits = np.concatenate([index - phases, 1 - index + phases])
        cell = linprog(-np.eye(d + 1)[-1], rows, limits, bounds=(None, None))
        assert cell.status == 0
        assert cell.x[-1] > 0


@pytest.mark.parametrize("d", range(1, 11))
def test_star_is_a_tight_frame_without_a_period(d):
    directions = star(d)
    m = directions.shape[1]
    np.testing.assert_allclose(directions @ directions.T, np.eye(d), atol=1e-12)
    # A period would be an integer vector without perpendicular part. |K_j| <= 1 only
    # where there are too many to look at.
    most = 2 if m <= 7 else 1
    vectors = np.array(list(product(range(-most, most + 1), repeat=m)))
    vectors = vectors[np.any(vectors, axis=1)]
    perpendicular = vectors - vectors @ directions.T @ directions
    assert np.linalg.norm(perpendicular, axis=1).min() > 1e-6


@pytest.mark.parametrize("d", [2, 3])
def test_no_short_shift_maps_the_tiling_to_itself(d):
    half = {2: 25, 3: 9}[d]
    points, indices = patch(star(d), random_phases(d, np.random.default_rng(1)), half)
    vertices = set(map(tuple, indices.tolist()))
    distance = np.abs(points).max(axis=1)
    inner = indices[distance < half - 3]
    start = indices[distance.argmin()]
    for shift in indices[(np.abs(points) < 2).all(axis=1)] - start:
        if shift.any():
            moved = map(tuple, (inner + shift).tolist())
            assert not all(index in vertices for index in moved)


def test_fibonacci_chain():
    points, _ = patch(star(1), random_phases(1, np.random.default_rng(0)), 2000)
    gaps = np.diff(np.sort(points[:, 0]))
    long, short = gaps.max(), gaps.min()
    assert long / short == pytest.approx(GOLDEN)
    is_long = np.isclose(gaps, long)
    assert np.all(is_long | np.isclose(gaps, short))
    assert is_long.sum() / (~is_long).sum() == pytest.approx(GOLDEN, rel=2e-3)
    assert not np.any(~is_long[1:] & ~is_long[:-1])


@pytest.mark.parametrize(
    ("d", "half", "kinds"),
    [(2, 18, {36, 72}), (3, 7, {63.434948822922})],
)
def test_edges_have_one_length_and_every_vertex_has_enough(d, half, kinds):
    """At least d + 1 edges, or the tiles around a vertex would leave a gap."""
    directions = star(d)
    points, indices = patch(
        directions, random_phases(d, np.random.default_rng(0)), half
    )
    place = {tuple(k): i for i, k in enumerate(indices.tolist())}
    edges = [
        (i, place[tuple(k + e)])
        for i, k in enumerate(indices)
        for e in np.eye(directions.shape[1], dtype=int)
        if tuple(k + e) in place
    ]
    first, second = np.transpose(edges)
    lengths = np.linalg.norm(points[first] - points[second], axis=1)
    np.testing.assert_allclose(lengths, np.sqrt(d / directions.shape[1]), rtol=1e-9)
    degree = np.bincount(np.ravel(edges), minlength=len(points))
    assert degree[np.abs(points).max(axis=1) < half - 1].min() >= d + 1
    cosines = np.abs(directions.T @ directions) * directions.shape[1] / d
    angles = np.degrees(np.arccos(cosines[~np.eye(len(cosines), dtype=bool)]))
    assert {round(a, 9) for a in angles} == {round(k, 9) for k in kinds}


def test_penrose_rhombs_fill_the_plane_in_the_golden_ratio():
    directions, half = star(2), 18
    thick = thin = 0
    for index, sides in tiles(
        directions, random_phases(2, np.random.default_rng(0)), half
    ):
        assert 1 <= index.sum() <= 4
        area = abs(np.linalg.det(sides)) * 5 / 2
        if area == pytest.approx(np.sin(np.radians(72))):
            thick += 1
        else:
            assert area == pytest.approx(np.sin(np.radians(36)))
            thin += 1
    assert thick / thin == pytest.approx(GOLDEN, rel=0.02)
    # Only the tiles cut by the rim of the patch are missing.
    filled = np.sin(np.radians([72, 36])) @ [thick, thin] * 2 / 5
    assert (2 * half - 2) ** 2 < filled < (2 * half) ** 2


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_penrose_index_sums(seed):
    _, indices = patch(star(2), random_phases(2, np.random.default_rng(seed)), 12)
    assert set(indices.sum(axis=1).tolist()) == {1, 2, 3, 4}


def test_two_rhombohedra_fill_space_in_the_golden_ratio():
    directions, half = star(3), 7
    volumes = []
    for _, sides in tiles(directions, random_phases(3, np.random.default_rng(0)), half):
        sides = sides * np.sqrt(2)  # edges of length 1
        faces = np.abs(sides.T @ sides)[np.triu_indices(3, 1)]
        np.testing.assert_allclose(faces, 1 / np.sqrt(5))
        volumes.append(abs(np.linalg.det(sides)))
    volumes = np.array(volumes)
    # With faces of cos 1/sqrt(5): 1 - 3/5 +- 2/sqrt(125) is the volume squared.
    prolate = np.isclose(volumes, np.sqrt(0.4 + 2 / np.sqrt(125)))
    oblate = np.isclose(volumes, np.sqrt(0.4 - 2 / np.sqrt(125)))
    assert np.all(prolate | oblate)
    assert prolate.sum() / oblate.sum() == pytest.approx(GOLDEN, rel=0.03)
    assert (2 * half - 2) ** 3 < volumes.sum() / np.sqrt(8) < (2 * half) ** 3


@settings(deadline=None, max_examples=150)
@given(n=st.integers(1, 200), d=st.integers(1, 8), seed=st.integers(0, 2**32 - 1))
def test_exactly_n_points_with_n_values_on_each_axis(n, d, seed):
    points = hypertiling(n, d, np.random.default_rng(seed))
    assert points.shape == (n, d)
    assert points.min() >= 0
    assert points.max() <= 1
    for axis in points.T:
        assert len(np.unique(axis.round(12))) == n


@pytest.mark.parametrize("d", range(1, 11))
@pytest.mark.parametrize("n", [1, 2, 3, 25, 64, 999, 1000])
def test_the_whole_range_of_sizes(n, d):
    points = hypertiling(n, d, np.random.default_rng(n))
    assert points.shape == (n, d)
    assert np.all((points >= 0) & (points <= 1))
    assert len(np.unique(points[:, -1])) == n


@pytest.mark.parametrize("d", range(1, 9))
def test_seeds(d):
    def draw(seed):
        return hypertiling(20, d, np.random.default_rng(seed))

    np.testing.assert_array_equal(draw(1), draw(1))
    assert not np.intersect1d(draw(1), draw(2)).size


@pytest.mark.parametrize(("d", "least"), [(2, 0.080), (4, 0.35), (6, 0.51)])
def test_points_keep_their_distance(d, least):
    smallest = [
        pdist(hypertiling(64, d, np.random.default_rng(seed))).min()
        for seed in range(100)
    ]
    assert np.median(smallest) >= least


@pytest.mark.parametrize("d", [1, 2, 3, 4, 6, 8])
def test_density_is_uniform_over_the_cube(d):
    """Half of the points in each half, in the outer half, and first in order."""
    sets = [hypertiling(64, d, np.random.default_rng(seed)) for seed in range(300)]
    points = np.stack(sets)
    outer = (2 * np.abs(points - 0.5)).max(axis=-1) > 0.5 ** (1 / d)
    np.testing.assert_allclose((points > 0.5).mean(axis=(0, 1)), 0.5, atol=0.01)
    assert outer.mean() == pytest.approx(0.5, abs=0.01)
    assert outer[:, :16].mean() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("n", "d"), [(0, 2), (-1, 2), (5, 0), (5, -3)])
def test_bad_input(n, d):
    with pytest.raises(ValueError, match="n >= 1 and d >= 1"):
        hypertiling(n, d, np.random.default_rng(0))
