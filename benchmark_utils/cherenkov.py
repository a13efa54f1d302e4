"""Synthetic events: the Cherenkov light of muon-like tracks in the sensors of IceCube.

One straight, endless track for each event, at the speed of light; no energy losses, no
layers in the ice, no detector electronics. What the light does is as in Ahrens et al.
2004, "Muon track reconstruction and data selection techniques in AMANDA", NIM A 524,
169-194 (arXiv:astro-ph/0407044): its section 3.1 has the geometric time and the Pandel
function, the gamma distribution of what scattering adds to it. Lengths are metres,
times nanoseconds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

C = 0.299792458  # speed of light in vacuum, m/ns
REFRACTIVE_INDEX = 1.32  # of deep ice
COS = 1 / REFRACTIVE_INDEX  # of the Cherenkov angle, 41 degrees
TAN = np.sqrt(REFRACTIVE_INDEX**2 - 1)
C_ICE = C / REFRACTIVE_INDEX

# The Pandel function's constants, fitted to simulated photons in AMANDA's ice
TAU, SCATTERING, ABSORPTION = 557.0, 33.3, 98.0  # ns, m, m
RATE = 1 / TAU + C_ICE / ABSORPTION  # of the gamma distribution, 1/ns

RADIUS = 500.0  # tracks pass through a ball of this radius at the detector's centre
CLOSEST = 1.0  # nearer sensors see no more light than this far away
BRIGHTNESS = (20.0, 200.0)  # photo-electrons x m, log-uniform: the muon's energy
NOISE = 6.0  # expected noise pulses in an event
WINDOW = 6000.0  # they come within so many ns around the track's time at its place
FEWEST_SENSORS = 8  # that see light of the track, or the event is not recorded
CHUNK = 200  # events simulated at once


def read_sensors(path: Path) -> pd.DataFrame:
    """Return the sensors in the ice: x, y, z, string, sensor_id, relative efficiency.

    ``path`` is GraphNeT's geometry table of IceCube. The tanks at the surface, numbers
    61 to 64 of each string, are left out.
    """
    table = pd.read_parquet(path).reset_index(drop=True)
    table = table[table["dom_number"] <= 60]
    names = {"dom_x": "x", "dom_y": "y", "dom_z": "z", "rde": "efficiency"}
    sensors = table.rename(columns=names).fillna({"efficiency": 1.0})
    return sensors[[*names.values(), "string", "sensor_id"]]


class Tracks(NamedTuple):
    """Places (n, 3) that tracks pass at times (n,), in directions of travel (n, 3)."""

    place: np.ndarray
    time: np.ndarray
    direction: np.ndarray


class Light(NamedTuple):
    """Of each track (n) in each sensor (s): geometric time, distance travelled."""

    time: np.ndarray
    distance: np.ndarray


def random_tracks(n: int, rng: np.random.Generator) -> Tracks:
    """Draw n tracks in all directions, through random places of the ball."""
    directions = rng.normal(size=(2, n, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    place = RADIUS * rng.random((n, 1)) ** (1 / 3) * directions[0]
    return Tracks(place, rng.uniform(9_000, 11_000, n), directions[1])


def light(tracks: Tracks, sensors: np.ndarray) -> Light:
    """Return when light that is not scattered reaches sensors (s, 3), and how far away.

    Equation 1 of Ahrens et al.: the track needs p.(r - r0) / c to the point nearest to
    the sensor, and the light d tan(theta) / c more. The distance is the nearest one, d.
    """
    place, time, direction = tracks
    along = direction @ sensors.T - (direction * place).sum(axis=1)[:, None]
    squared = (sensors**2).sum(axis=1) - 2 * place @ sensors.T
    squared += (place**2).sum(axis=1)[:, None] - along**2
    distance = np.sqrt(squared.clip(0))
    return Light(time[:, None] + (along + distance * TAN) / C, distance)


def expected_charge(distance: np.ndarray) -> np.ndarray:
    """Return the expected photo-electrons per unit of brightness at a distance.

    Light of a line gets weaker as 1 / d, and by the share that is left of it, the norm
    of the Pandel function:
    exp(-d / absorption) (1 + tau c_ice / absorption)^(-d / scattering).
    """
    d = np.maximum(distance, CLOSEST)
    lost = 1 / ABSORPTION + np.log1p(TAU * C_ICE / ABSORPTION) / SCATTERING
    return np.exp(-lost * d) / d


def signal(
    tracks: Tracks,
    brightness: np.ndarray,
    sensors: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the pulses of tracks of some brightness, (n,): event, sensor, t, charge.

    A sensor sees a Poisson number of photo-electrons, and makes one pulse of them: at
    the time of the first, with their number as its charge.
    """
    time, distance = light(tracks, sensors[["x", "y", "z"]].to_numpy())
    expected = brightness[:, None] * expected_charge(distance)
    charge = rng.poisson(expected * sensors["efficiency"].to_numpy())
    event, sensor = np.nonzero(charge)
    charge, d = charge[event, sensor], distance[event, sensor]
    delays = rng.gamma(np.repeat(d / SCATTERING, charge), 1 / RATE)
    first = np.minimum.reduceat(delays, np.r_[0, charge.cumsum()[:-1]])
    t = time[event, sensor] + first
    return pd.DataFrame({"event": event, "sensor": sensor, "t": t, "charge": charge})


def noise(tracks: Tracks, n_sensors: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return single photo-electrons, anywhere, any time around the tracks'."""
    number = rng.poisson(NOISE, len(tracks.time))
    event = np.repeat(np.arange(len(number)), number)
    sensor = rng.integers(n_sensors, size=len(event))
    t = tracks.time[event] + rng.uniform(-WINDOW / 2, WINDOW / 2, len(event))
    return pd.DataFrame({"event": event, "sensor": sensor, "t": t, "charge": 1})


def events(
    sensors: pd.DataFrame, n_events: int, seed: int
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield pulses and truths of events numbered from 0, some hundred at a time.

    ``sensors`` are as from `read_sensors`. What is yielded has the columns that
    `benchmark_utils.icecube` reads from GraphNeT's tables, and some more.
    """
    rng = np.random.default_rng(seed)
    done = 0
    while done < n_events:
        pulses, truth = _chunk(sensors, rng)
        truth = truth[: n_events - done]
        pulses = pulses[pulses["event_no"] < len(truth)]
        yield (
            pulses.assign(event_no=pulses["event_no"] + done),
            truth.assign(event_no=truth["event_no"] + done),
        )
        done += len(truth)


def _chunk(sensors, rng):
    tracks = random_tracks(CHUNK, rng)
    brightness = np.exp(rng.uniform(*np.log(BRIGHTNESS), CHUNK))
    seen = signal(tracks, brightness, sensors, rng)
    pulses = pd.concat([seen, noise(tracks, len(sensors), rng)])
    bright = np.bincount(seen["event"], minlength=CHUNK) >= FEWEST_SENSORS
    number = bright.cumsum() - 1  # of the events that are recorded
    pulses = pulses[bright[pulses["event"]]]
    hit = sensors.iloc[pulses["sensor"]]
    came_from = -tracks.direction[bright]  # zenith and azimuth say from where
    truth = {
        "event_no": np.arange(bright.sum()),
        "injection_type": 13,  # a muon
        "injection_zenith": np.arccos(came_from[:, 2]),
        "injection_azimuth": np.arctan2(came_from[:, 1], came_from[:, 0]) % (2 * np.pi),
        "injection_position_x": tracks.place[bright, 0],
        "injection_position_y": tracks.place[bright, 1],
        "injection_position_z": tracks.place[bright, 2],
    }
    total = {
        "event_no": number[pulses["event"]],
        "sensor_id": hit["sensor_id"].to_numpy(),
        "sensor_string_id": hit["string"].to_numpy(),
        "sensor_pos_x": hit["x"].to_numpy(),
        "sensor_pos_y": hit["y"].to_numpy(),
        "sensor_pos_z": hit["z"].to_numpy(),
        "t": pulses["t"].to_numpy(),
        "charge": pulses["charge"].to_numpy(float),
    }
    return pd.DataFrame(total), pd.DataFrame(truth)
