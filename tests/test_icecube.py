"""Events of neutrino telescopes: the physics of simulated ones, GraphNeT's format."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import click
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, SHARED, same_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from benchmark_utils import cherenkov, icecube
from benchmark_utils.cherenkov import C_ICE, C, Tracks
from benchmark_utils.metrics import METRICS, angles

GEOMETRY = SHARED / "icecube" / "icecube86.parquet"
PROMETHEUS = SHARED / "icecube" / "prometheus-events.db"


def lattice():
    """Return a small detector: 6 x 6 strings of 20 sensors, 100 m and 40 m apart."""
    axes = 100.0 * np.arange(6) - 250, 100.0 * np.arange(6) - 250, 40.0 * np.arange(20)
    x, y, z = (a.ravel() for a in np.meshgrid(*axes, indexing="ij"))
    columns = {"x": x, "y": y, "z": z - 380, "string": np.arange(len(x)) // 20}
    return pd.DataFrame(columns).assign(sensor_id=np.arange(len(x)), efficiency=1.0)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Return the path of 60 events simulated in the small detector."""
    path = tmp_path_factory.mktemp("icecube") / "events.db"
    icecube.write_events(lattice(), 60, path)
    return path


def tables(path):
    with closing(sqlite3.connect(path)) as base:
        return [
            pd.read_sql(f"SELECT * FROM {name}", base) for name in ("total", "mc_truth")
        ]


def line_fit(X):
    """Return the directions of the best straight lines through positions over time."""
    seen = ~np.isnan(X[..., :1])
    place, t = np.nan_to_num(X[..., :3]), np.nan_to_num(X[..., 3:4])
    t = (t - t.sum(axis=1, keepdims=True) / seen.sum(axis=1, keepdims=True)) * seen
    travel = (t * place).sum(axis=1)
    return -travel / np.linalg.norm(travel, axis=1, keepdims=True)


# Light


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_light_comes_from_where_it_arrives_first(seed):
    rng = np.random.default_rng(seed)
    tracks = cherenkov.random_tracks(1, rng)
    sensor = rng.uniform(-500, 500, 3)
    [[time]], [[distance]] = cherenkov.light(tracks, sensor[None])
    place, start, direction = (field[0] for field in tracks)

    def to_sensor(s):  # metres from the point of the track s metres after its place
        return np.linalg.norm(sensor - place - s * direction)

    # By Fermat and by brute force: the earliest of light from every point of the track
    s = np.linspace(-3000, 3000, 6001)
    arrival = [start + x / C + to_sensor(x) / C_ICE for x in s]
    near = s[np.argmin(arrival)]
    best = optimize.minimize_scalar(
        lambda x: x / C + to_sensor(x) / C_ICE, bounds=(near - 1, near + 1)
    )
    assert np.isclose(time, start + best.fun, rtol=0, atol=1e-6)
    nearest = optimize.minimize_scalar(to_sensor, bounds=(-2000, 2000))
    assert np.isclose(distance, nearest.fun, rtol=0, atol=1e-4)
    # There the angle between track and light is Cherenkov's.
    photon = sensor - place - best.x * direction
    cos = photon @ direction / np.linalg.norm(photon)
    assert np.isclose(cos, 1 / cherenkov.REFRACTIVE_INDEX, atol=1e-3)


@pytest.mark.parametrize("distance", [20.0, 60.0, 150.0])
def test_what_light_is_left_is_the_norm_of_the_pandel_function(distance):
    """Equations 3 and 4 of Ahrens et al. 2004, integrated over the delay."""
    c = cherenkov
    shape = distance / c.SCATTERING

    def density(t):
        scattered = stats.gamma.pdf(t, shape, scale=c.TAU)
        return scattered * np.exp(-(c.C_ICE * t + distance) / c.ABSORPTION)

    left = integrate.quad(density, 0, 50, limit=200)[0]
    left += integrate.quad(density, 50, 20_000, limit=200)[0]
    assert np.isclose(c.expected_charge(np.array(distance)), left / distance, rtol=1e-5)


def test_pulses_are_causal_and_as_late_and_as_many_as_they_should_be():
    rng = np.random.default_rng(0)
    n, d = 4000, 40.0
    track = Tracks(np.zeros((n, 3)), np.zeros(n), np.tile([0.0, 0.0, 1.0], (n, 1)))
    sensors = pd.DataFrame({"x": [d], "y": 0.0, "z": 10.0, "efficiency": 1.0})
    brightness = np.full(n, 2.0 / cherenkov.expected_charge(np.array(d)))
    pulses = cherenkov.signal(track, brightness, sensors, rng)
    [[time]], _ = cherenkov.light(
        Tracks(*(f[:1] for f in track)), sensors[list("xyz")].to_numpy()
    )
    assert (pulses["t"] > time).all()
    assert np.isclose(pulses["charge"].sum() / n, 2.0, atol=0.1)
    assert np.isclose(len(pulses) / n, 1 - np.exp(-2), atol=0.03)
    for charge in (1, 3):  # the first of so many photons
        delays = pulses.loc[pulses["charge"] == charge, "t"] - time
        pandel = stats.gamma(d / cherenkov.SCATTERING, scale=1 / cherenkov.RATE)
        first = lambda t, k=charge, p=pandel: 1 - p.sf(t) ** k  # noqa: E731
        assert stats.kstest(delays, first).pvalue > 1e-3


def test_tracks_go_everywhere():
    tracks = cherenkov.random_tracks(20_000, np.random.default_rng(0))
    assert np.allclose(np.linalg.norm(tracks.direction, axis=1), 1)
    assert np.abs(tracks.direction.mean(axis=0)).max() < 0.02
    assert stats.kstest(tracks.direction[:, 2], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    radius = np.linalg.norm(tracks.place, axis=1) / cherenkov.RADIUS
    assert stats.kstest(radius**3, stats.uniform.cdf).pvalue > 1e-3


# Events


def test_events_are_the_same_each_time_and_those_of_a_longer_table():
    short, again, long = (
        [
            pd.concat(frames)
            for frames in zip(*cherenkov.events(lattice(), n, 0), strict=True)
        ]
        for n in (150, 150, 260)
    )
    for a, b, c in zip(short, again, long, strict=True):
        pd.testing.assert_frame_equal(a, b)
        pd.testing.assert_frame_equal(a, c[c["event_no"] < 150])
    pulses, truth = long
    assert truth["event_no"].tolist() == list(range(260))
    assert set(pulses["event_no"]) == set(range(260))
    sensors = lattice().set_index("sensor_id")
    hit = sensors.loc[pulses["sensor_id"]]
    assert np.array_equal(hit[["x", "y", "z"]], pulses[icecube.POSITION])
    assert np.array_equal(hit["string"], pulses["sensor_string_id"])


def test_directions_can_be_found_by_a_line_fit(database):
    table = icecube.read_events(database, 60)
    assert angles(table.y, line_fit(table.X)).mean() < 45  # by chance: 90


# Reading


def test_what_is_read(database):
    table = icecube.read_events(database, 40)
    pulses, truth = tables(database)
    assert table.task == "direction"
    assert table.X.shape == (40, icecube.N_PULSES, 5)
    assert np.allclose(np.linalg.norm(table.y, axis=1), 1)
    for i in range(40):
        event = pulses[pulses["event_no"] == i]
        wanted = event.assign(t=event["t"] - event["t"].median())
        wanted = wanted.sort_values(["charge", "t"], ascending=[False, True])[:24]
        X = table.X[i, : len(wanted)]
        assert np.isnan(table.X[i, len(wanted) :]).all()
        assert np.allclose(X[:, :3], wanted[icecube.POSITION])
        assert np.allclose(X[:, 3], wanted["t"], atol=1e-3)
        assert np.allclose(10 ** X[:, 4], wanted["charge"])
        # from where it came: upwards for zenith 0
        assert np.isclose(np.arccos(table.y[i, 2]), truth["injection_zenith"][i])
        across = table.y[i, 1], table.y[i, 0]
        azimuth = truth["injection_azimuth"][i]
        assert np.isclose(np.arctan2(*across) % (2 * np.pi), azimuth)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_pulses_makes_no_difference(seed):
    rng = np.random.default_rng(seed)
    n = 120
    pulses = pd.DataFrame(
        rng.integers(0, 3, (n, 5)), columns=[*icecube.POSITION, "t", "charge"]
    )
    pulses["event_no"] = rng.integers(0, 3, n)  # many ties
    events = pd.Series([0, 1, 2])
    X = icecube.features(pulses, events)
    shuffled = pulses.iloc[rng.permutation(n)]
    assert np.array_equal(X, icecube.features(shuffled, events), equal_nan=True)


def test_events_without_pulses_or_truth_are_left_out(database, tmp_path):
    pulses, truth = tables(database)
    pulses = pulses[pulses["event_no"] != 3].drop(columns="charge")
    pulses.loc[pulses["event_no"] == 4, "t"] = np.nan
    truth.loc[truth["event_no"] == 5, "injection_zenith"] = np.nan
    path = tmp_path / "own.db"
    write(path, total=pulses, mc_truth=truth[::-1])
    table, whole = icecube.read_events(path, 60), icecube.read_events(database, 60)
    assert np.allclose(table.y, np.delete(whole.y, [3, 4, 5], axis=0))
    assert (np.nan_to_num(table.X[..., 4]) == 0).all()  # no charges: log10 of 1


def write(path, **frames):
    with closing(sqlite3.connect(path)) as base, base:
        for name, frame in frames.items():
            frame.to_sql(name, base, index=False)


def test_databases_that_are_not_in_the_format(database, tmp_path):
    pulses, truth = tables(database)
    wrong = {
        "no_truth": (
            {"total": pulses, "other": truth},
            "no table mc_truth; the database has other, total",
        ),
        "no_time": (
            {"total": pulses[["event_no", "t"]], "mc_truth": truth},
            "total has no sensor_pos_x, sensor_pos_y, sensor_pos_z; it has event_no, t",
        ),
        "few": ({"total": pulses, "mc_truth": truth[:4]}, "4 events with pulses"),
        "empty": ({}, "there is no table total; the database has none"),
        "none": ({"total": pulses, "mc_truth": truth[:0]}, "0 events with pulses"),
        "infinite": (
            {"total": pulses.assign(t=np.inf), "mc_truth": truth},
            "0 events with pulses",
        ),
        "twice": (
            {"total": pulses, "mc_truth": pd.concat([truth, truth[5:6]])},
            "mc_truth has the event_no 5 more than once",
        ),
    }  # fmt: skip
    for name, (frames, says) in wrong.items():
        write(tmp_path / name, **frames)
        with pytest.raises(click.UsageError, match=says) as error:
            icecube.read_events(tmp_path / name, 60)
        assert "\n" not in str(error.value)
    (tmp_path / "text").write_text("event_no,t\n" * 100)
    with pytest.raises(click.UsageError, match="not a SQLite database"):
        icecube.read_events(tmp_path / "text", 60)


# Files


def test_simulated_events_are_made_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cherenkov, "read_sensors", lambda path: lattice())
    geometry = tmp_path / "geometry"
    geometry.write_text("a lattice")
    path = icecube.simulated_database(geometry, 20, tmp_path)
    assert capsys.readouterr().out.count("simulating 20 events") == 1
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert icecube.simulated_database(geometry, 20, tmp_path) == path
    assert path.read_bytes() == content + b" "
    assert not capsys.readouterr().out
    assert icecube.simulated_database(geometry, 30, tmp_path) != path
    geometry.write_text("another lattice")
    assert icecube.simulated_database(geometry, 20, tmp_path) != path


def test_an_interrupted_simulation_is_begun_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(cherenkov, "read_sensors", lambda path: lattice())

    def interrupted(*arguments):
        yield next(cherenkov_events(*arguments))
        raise KeyboardInterrupt

    cherenkov_events = cherenkov.events
    monkeypatch.setattr(cherenkov, "events", interrupted)
    geometry = tmp_path / "geometry"
    geometry.write_text("a lattice")
    with pytest.raises(KeyboardInterrupt):
        icecube.simulated_database(geometry, 500, tmp_path)
    assert not list(tmp_path.glob("*.db"))
    monkeypatch.setattr(cherenkov, "events", cherenkov_events)
    path = icecube.simulated_database(geometry, 500, tmp_path)
    assert len(tables(path)[1]) == 500


@pytest.mark.skipif(
    not GEOMETRY.is_file(), reason="no icecube86.parquet in ../shared/data"
)
def test_the_real_geometry(tmp_path):
    sensors = cherenkov.read_sensors(GEOMETRY)
    assert len(sensors) == 5083  # of 5407; the others are in the tanks at the surface
    assert sensors["z"].between(-600, 600).all()
    assert set(sensors["efficiency"].round(2)) == {1.0, 1.35}
    path = icecube.simulated_database(GEOMETRY, 300, tmp_path)
    table = icecube.read_events(path, 300)
    assert angles(table.y, line_fit(table.X)).mean() < 30


@pytest.mark.skipif(
    not PROMETHEUS.is_file(), reason="no prometheus-events.db in ../shared/data"
)
def test_the_published_events():
    table = icecube.read_events(PROMETHEUS, 1000)
    assert table.X.shape == (50, icecube.N_PULSES, 5)
    pulses, truth = tables(PROMETHEUS)
    # Particles go where they do not come from: pulses are downstream of the vertex.
    centre = pulses.groupby("event_no")[icecube.POSITION].mean().to_numpy()
    vertex = truth[[f"injection_position_{axis}" for axis in "xyz"]].to_numpy()
    assert ((centre - vertex) * table.y).sum(axis=1).mean() < 0


# Through benchopt


def test_wrong_parameters_are_one_line(benchmark_classes, database):
    pytest.importorskip("torch", reason="needs the package torch")
    for parameters, says in [
        (
            {"source": "prom"},
            "unknown source 'prom': choose from simulated, prometheus",
        ),
        ({"source": "none.db"}, "source: there is no file 'none.db'"),
        ({"n_events": 5}, "n_events=5: must be a whole number, at least 50"),
        ({"split_size": "a"}, "split_size='a': must be a whole number"),
        (
            {"source": str(database), "split_size": 70},
            "split_size=70 is more than the 60 events",
        ),
    ]:
        with pytest.raises(click.UsageError, match=says) as error:
            benchmark_classes["dataset"]["icecube"].get_instance(
                **parameters
            ).get_data()
        assert "\n" not in str(error.value)


def test_a_database_without_the_tables_ends_the_command(benchopt, database, tmp_path):
    pytest.importorskip("torch", reason="needs the package torch")
    write(tmp_path / "other.db", total=tables(database)[0])
    code, output, _ = benchopt("-d", "icecube[source=other.db]", "-s", "random")
    assert code == 2
    [line] = [line for line in output.splitlines() if line.startswith("Error:")]
    assert "there is no table mc_truth; the database has total" in line
    assert "Traceback" not in output


def test_a_search_on_a_database_of_ones_own(benchopt, database):
    pytest.importorskip("torch", reason="needs the package torch")
    dataset = f"icecube[source='{database}',split_size=50]"
    arguments = ["-d", dataset, "-s", "random", "-o"]
    code, output, rows = benchopt(*arguments, "hpo[n_trials=3]")
    assert code == 0, output
    assert "Warning" not in output
    assert (rows["objective_metric"] == "angle").all()
    assert (rows["objective_status"] == "ok").all()
    assert rows["objective_test_loss"].between(0, 180).all()
    _, _, again = benchopt(*arguments, "hpo[n_trials=3]", "--no-cache")
    assert same_rows(rows, again)
    _, _, median = benchopt(*arguments, "hpo[n_trials=3,metric=median-angle]")
    configurations = [frame["objective_config"].tolist() for frame in (rows, median)]
    assert configurations[0] == configurations[1]
    assert (rows["objective_test_loss"] != median["objective_test_loss"]).all()


def test_a_database_that_was_changed_is_read_again(benchopt, database, tmp_path):
    pytest.importorskip("torch", reason="needs the package torch")
    shutil.copy(database, tmp_path / "own.db")
    arguments = ["-d", "icecube[source=own.db,split_size=50]", "-s", "random"]
    arguments += ["-o", "hpo[n_trials=2]"]
    _, _, before = benchopt(*arguments)
    with closing(sqlite3.connect(tmp_path / "own.db")) as base, base:
        base.execute("UPDATE total SET t = -t")
    _, output, after = benchopt(*arguments)
    assert "(cached)" not in output
    assert (before["objective_test_loss"] != after["objective_test_loss"]).all()


@pytest.mark.usefixtures("real_data")
def test_published_and_simulated_events(benchopt, data_home, tmp_path):
    pytest.importorskip("torch", reason="needs the package torch")
    simulated = "icecube[n_events=200,split_size=100]"
    prepare = [sys.executable, "-m", "benchopt", "prepare", str(ROOT), "-d", simulated]
    # Not the benchmark's own cache: it remembers what was prepared, wherever.
    environment = {**os.environ, "BENCHOPT_CACHE": str(tmp_path)}
    done = subprocess.run(
        prepare, capture_output=True, text=True, cwd=data_home, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((data_home / "icecube").glob("simulated-200-*.db"))) == 1
    code, output, rows = benchopt(
        *["-d", simulated, "-d", "icecube[source=prometheus,split_size=50]"],
        *["-s", "random", "-s", "asha", "-o", "hpo[n_trials=3]"],
    )
    assert code == 0, output
    assert "simulating" not in output
    assert rows["dataset_name"].nunique() == 2
    assert (rows["objective_status"] == "ok").all()
    assert rows["objective_test_loss"].between(0, 180).all()


# Metrics


def test_angles():
    x, y = np.eye(3)[:2]
    assert np.allclose(angles(np.array([x, x, x]), np.array([x, y, -x])), [0, 90, 180])
    tiny = np.array([[np.cos(1e-9), np.sin(1e-9), 0.0]])
    assert np.isclose(angles(x[None], tiny)[0], np.degrees(1e-9))
    targets, directions = np.array([x, x, x, x]), np.array([x, x, x, y])
    losses = {
        name: loss(targets, directions) for name, loss in METRICS["direction"].items()
    }
    assert losses == {"angle": pytest.approx(22.5), "median-angle": pytest.approx(0)}
