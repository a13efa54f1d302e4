"""The designs `rsa` and `rsa_lhs` against their definitions and known values."""

from math import gamma, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import ks_2samp, kstest

from benchmark_utils.designs import rsa as rsa_module
from benchmark_utils.designs.rsa import add_spheres, rsa, rsa_with_radius
from benchmark_utils.designs.rsa_lhs import rsa_lhs, rsa_lhs_with_radius
from benchmark_utils.designs.spheres import BOUNDARIES, TOLERANCE, largest_radius

DESIGNS = pytest.mark.parametrize("design", [rsa, rsa_lhs])
WITH_RADIUS = pytest.mark.parametrize(
    "design_with_radius", [rsa_with_radius, rsa_lhs_with_radius]
)
small_case = given(
    n=st.integers(1, 40),
    d=st.integers(1, 10),
    seed=st.integers(0, 2**32 - 1),
    boundary=st.sampled_from(BOUNDARIES),
)
few_examples = settings(max_examples=60, deadline=None, derandomize=True)


def smallest_distance(points, boundary):
    """Written without the code under test; inf for a single point."""
    gaps = np.array([pdist(axis[:, None]) for axis in points.T])
    if boundary == "periodic":
        gaps = np.minimum(gaps, 1 - gaps)
    return np.sqrt((gaps**2).sum(axis=0)).min(initial=np.inf)


def assert_latin(points):
    rows = np.sort(np.floor(points * len(points)), axis=0)
    assert (rows == np.arange(len(points))[:, None]).all()


@WITH_RADIUS
@small_case
@few_examples
def test_n_points_in_the_cube_and_no_overlap(design_with_radius, n, d, seed, boundary):
    points, radius = design_with_radius(n, d, np.random.default_rng(seed), boundary)
    assert points.shape == (n, d)
    assert ((points >= 0) & (points <= 1)).all()
    assert radius > 0
    assert smallest_distance(points, boundary) >= 2 * radius * (1 - 1e-9)


@small_case
@few_examples
def test_rsa_lhs_is_exactly_latin(n, d, seed, boundary):
    assert_latin(rsa_lhs(n, d, np.random.default_rng(seed), boundary))


@DESIGNS
@pytest.mark.parametrize("d", [1, 2, 3, 4, 8, 10])
def test_large_n(design, d):
    points = design(1000, d, np.random.default_rng(0))
    assert points.shape == (1000, d)
    assert np.isfinite(points).all()
    if design is rsa_lhs:
        assert_latin(points)


@DESIGNS
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("d", [1, 3, 6])
def test_the_seed_decides(design, boundary, d):
    first, again, other = (
        design(20, d, np.random.default_rng(seed), boundary) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert not np.isin(first, other).any()


@DESIGNS
def test_a_generator_gives_a_different_set_each_time(design):
    rng = np.random.default_rng(0)
    assert not np.isin(design(9, 3, rng), design(9, 3, rng)).any()


@DESIGNS
@pytest.mark.parametrize(
    ("n", "d", "boundary", "message"),
    [
        (0, 2, "periodic", "n and d must be at least 1"),
        (5, 0, "periodic", "n and d must be at least 1"),
        (5, 2, "soft", "boundary must be one of"),
    ],
)
def test_bad_input(design, n, d, boundary, message):
    with pytest.raises(ValueError, match=message):
        design(n, d, np.random.default_rng(0), boundary)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("n", [64, 150])
@pytest.mark.parametrize("seed", [0, 1])
def test_larger_spheres_do_not_fit(n, d, boundary, seed):
    points, radius = rsa_with_radius(n, d, np.random.default_rng(seed), boundary)
    same_seed = np.random.default_rng(seed).integers(2**63)

    def placed(factor):
        rng = np.random.default_rng(same_seed)
        return add_spheres(factor * radius, n, d, rng, boundary)

    assert (placed(1) == points.T).all()
    for factor in (1.05, 1.1, 1.2):
        assert placed(factor).shape[1] < n


@pytest.mark.parametrize("threshold", [1e-6, 0.003, 0.1, 0.34])
def test_largest_radius_brackets_the_threshold(threshold):
    def run(radius):
        return np.zeros((2, 7 if radius <= threshold else 6))

    points, radius = largest_radius(run, 7, 2, "periodic", guess=0.05)
    assert points.shape == (7, 2)
    assert radius <= threshold <= (1 + TOLERANCE) * radius


@pytest.mark.parametrize(("d", "smallest"), [(2, 0.095), (4, 0.30), (6, 0.46)], ids=str)
def test_smallest_distance_of_64_points(d, smallest):
    distances = [
        smallest_distance(rsa(64, d, np.random.default_rng(seed)), "periodic")
        for seed in range(11)
    ]
    assert np.median(distances) >= smallest


@pytest.mark.parametrize(
    ("d", "coverage", "within"),
    # d = 1: Renyi's parking constant; d = 2, 3: Zhang and Torquato (2013).
    [(1, 0.7476, 0.01), (2, 0.5471, 0.01), (3, 0.3841, 0.01)],
)
def test_coverage_at_saturation(d, coverage, within):
    ball = pi ** (d / 2) / gamma(d / 2 + 1)
    radius = (coverage / ball / 600) ** (1 / d)  # so that about 600 spheres fit
    counts = [
        add_spheres(radius, 700, d, np.random.default_rng(seed), "periodic").shape[1]
        for seed in range(6)
    ]
    assert np.mean(counts) / 600 == pytest.approx(1, abs=within / coverage)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_nothing_is_free_at_saturation(d, boundary):
    radius = {1: 0.01, 2: 0.05, 3: 0.12}[d]
    points = add_spheres(radius, 10**3, d, np.random.default_rng(3), boundary)
    probes = np.random.default_rng(4).random((20_000, d))
    gaps = np.abs(probes[:, None] - points.T)
    if boundary == "periodic":
        gaps = np.minimum(gaps, 1 - gaps)
    assert (np.sqrt((gaps**2).sum(axis=2)).min(axis=1) < 2 * radius).all()


def rejection(radius, d, rng, boundary, tries=20_000):
    """Random sequential addition as one would write it first, in (k, d)."""
    left, points = rng.random((tries, d)), []
    while len(left):
        points.append(left[0])
        gaps = np.abs(left - left[0])
        if boundary == "periodic":
            gaps = np.minimum(gaps, 1 - gaps)
        left = left[(gaps**2).sum(axis=1) >= 4 * radius**2]
    return np.array(points)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(
    ("n", "d", "radius"), [(99, 1, 0.05), (99, 2, 0.13), (6, 3, 0.22)]
)
def test_voxels_give_the_distribution_of_rejection(monkeypatch, n, d, radius, boundary):
    # One uniform candidate, so that all other spheres come from the voxels. In d = 3
    # the last spheres would take millions of rejections: the first 6 of 8 (hard: 17).
    monkeypatch.setattr(rsa_module, "candidates_per_run", lambda n, d: 1)
    samples = {"voxels": [], "rejection": []}
    for seed in range(250):
        rng = np.random.default_rng(seed)
        samples["voxels"].append(add_spheres(radius, n, d, rng, boundary).T)
        rng = np.random.default_rng(10**6 + seed)
        samples["rejection"].append(rejection(radius, d, rng, boundary)[:n])
    statistics = {
        "number": len,
        "second": lambda points: points[1, 0],
        "last": lambda points: points[-1, 0],
        "first to second": lambda points: smallest_distance(points[:2], boundary),
        "smallest distance": lambda points: smallest_distance(points, boundary),
        "spread": lambda points: (pdist(points) ** -1).mean(),
    }
    for name, statistic in statistics.items():
        voxels, rejected = ([statistic(p) for p in s] for s in samples.values())
        assert ks_2samp(voxels, rejected).pvalue > 1e-3, name


@pytest.mark.parametrize("d", [2, 5])
def test_high_dimensions_are_plain_rejection(monkeypatch, d):
    # Same candidates, tried in turn: the same points, whatever the batches.
    monkeypatch.setattr(rsa_module, "VOXEL_DIMENSIONS", 0)
    monkeypatch.setattr(rsa_module, "BATCH", 37)
    radius = {2: 0.06, 5: 0.2}[d]
    points = add_spheres(radius, 40, d, np.random.default_rng(0), "periodic").T
    rng = np.random.default_rng(0)
    tried, missing = [], rsa_module.candidates_per_run(40, d)
    while missing:
        tried.append(rng.random((d, min(37, missing))).T)
        missing -= len(tried[-1])
    taken = []
    for candidate in np.vstack(tried):
        gaps = np.abs(np.array(taken).reshape(-1, d) - candidate)
        gaps = np.minimum(gaps, 1 - gaps)
        if len(taken) < 40 and ((gaps**2).sum(axis=1) >= 4 * radius**2).all():
            taken.append(candidate)
    assert (points == np.array(taken)).all()


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_first_point_is_uniform(d):
    first = np.array([rsa(5, d, np.random.default_rng(s))[0] for s in range(300)])
    for x in first.T:
        assert kstest(x, "uniform").pvalue > 1e-3


@DESIGNS
@pytest.mark.parametrize("d", [1, 3])
def test_every_place_of_the_torus_is_alike(design, d):
    points = np.array([design(7, d, np.random.default_rng(s)) for s in range(150)])
    for x in points.reshape(-1, d).T:
        assert kstest(x, "uniform").pvalue > 1e-3


def test_hard_boundary_draws_points_to_the_faces():
    def outer_share(boundary):
        points = rsa(64, 8, np.random.default_rng(0), boundary)
        return (np.abs(points - 0.5).max(axis=1) > 0.45).mean()

    assert outer_share("hard") > outer_share("periodic") + 0.1


def test_two_points_on_a_circle_lie_almost_opposite():
    points, radius = rsa_with_radius(2, 1, np.random.default_rng(0))
    assert 0.25 / (1 + TOLERANCE) <= radius <= 0.25
    assert smallest_distance(points, "periodic") >= 0.5 / (1 + TOLERANCE)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("d", [2, 4, 8])
def test_rsa_lhs_keeps_its_distance(d, boundary):
    def median_distance(sample):
        generators = map(np.random.default_rng, range(7))
        return np.median(
            [
                smallest_distance(sample(64, d, g, boundary), boundary)
                for g in generators
            ]
        )

    plain = median_distance(lambda n, d, rng, boundary: rng.random((n, d)))
    assert median_distance(rsa_lhs) > 0.7 * median_distance(rsa) > plain
