"""Events of neutrino telescopes in GraphNeT's SQLite format: read, and simulated.

GraphNeT (Abbasi et al. 2022, JINST 17 P11003, arXiv:2209.03042) keeps one row for each
pulse of light in the table `total` and one for each event in `mc_truth`.
"""

import hashlib
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark_utils import cherenkov
from benchmark_utils.components import code_hash
from benchmark_utils.errors import fail
from benchmark_utils.tables import FEWEST_ROWS, Table

PULSES, TRUTH = "total", "mc_truth"
POSITION = ["sensor_pos_x", "sensor_pos_y", "sensor_pos_z"]
COLUMNS = {
    PULSES: ["event_no", *POSITION, "t"],
    TRUTH: ["event_no", "injection_zenith", "injection_azimuth"],
}
N_PULSES = 24  # of an event, the brightest, are what a network sees
SEED = 0  # of all simulated events: they are one table


@lru_cache
def read_events(path: Path, n_events: int) -> Table:
    """Return at most ``n_events`` events of a database, by their numbers.

    X is (n, N_PULSES, 5): the brightest pulses, x, y, z in metres, time in nanoseconds
    less the median of the event's, log10 of the charge in photo-electrons (0 where the
    table has no column `charge`); NaN where an event has fewer pulses.

    y is (n, 3), of length 1: (sin zenith cos azimuth, sin zenith sin azimuth, cos
    zenith). It points to where the particle came from.

    Events without pulses and rows with missing or infinite values are left out.
    """
    pulses, truth = (
        table.replace([np.inf, -np.inf], np.nan).dropna()
        for table in _read(path, n_events)
    )
    if not truth["event_no"].is_unique:
        twice = truth["event_no"][truth["event_no"].duplicated()].iloc[0]
        fail(f"{path}: the table {TRUTH} has the event_no {twice} more than once")
    pulses = pulses[pulses["event_no"].isin(truth["event_no"])]
    truth = truth[truth["event_no"].isin(pulses["event_no"])]
    if len(truth) < FEWEST_ROWS:
        fail(f"{path}: {len(truth)} events with pulses, at least {FEWEST_ROWS} needed")
    return Table("direction", features(pulses, truth["event_no"]), direction(truth))


def features(pulses: pd.DataFrame, events: pd.Series) -> np.ndarray:
    """Return what pulses events have, (n, N_PULSES, 5), in whatever order they come."""
    t = pulses["t"] - pulses.groupby("event_no")["t"].transform("median")
    charge = np.log10(pulses["charge"].clip(lower=0.01))
    columns = pulses[["event_no", *POSITION]].assign(t=t, charge=charge)
    columns = columns.sort_values(
        ["event_no", "charge", "t", *POSITION],
        ascending=[True, False, True, True, True, True],
    )
    rank = columns.groupby("event_no").cumcount()
    columns, rank = columns[rank < N_PULSES], rank[rank < N_PULSES]
    event = pd.Index(events).get_indexer(columns["event_no"])
    X = np.full((len(events), N_PULSES, 5), np.nan, np.float32)
    X[event, rank] = columns[[*POSITION, "t", "charge"]]
    return X


def direction(truth: pd.DataFrame) -> np.ndarray:
    """Return vectors of length 1, (n, 3), from zenith and azimuth in radians."""
    zenith = truth["injection_zenith"].to_numpy(float)
    azimuth = truth["injection_azimuth"].to_numpy(float)
    across = np.sin(zenith)
    return np.column_stack(
        [across * np.cos(azimuth), across * np.sin(azimuth), np.cos(zenith)]
    )


def _read(path, n_events):
    try:
        # Read-only: sqlite would otherwise create a file that is not there.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as base:
            here = _columns(path, base)
            charge = "charge" if "charge" in here[PULSES] else "1.0 AS charge"
            truth = pd.read_sql(
                f"SELECT {', '.join(COLUMNS[TRUTH])} FROM {TRUTH} "
                f"ORDER BY event_no LIMIT {n_events}",
                base,
            )
            pulses = pd.read_sql(
                f"SELECT {', '.join(COLUMNS[PULSES])}, {charge} FROM {PULSES} "
                f"WHERE event_no <= {truth['event_no'].max() if len(truth) else -1}",
                base,
            )
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        fail(f"{path}: not a SQLite database that can be read ({error})")
    return pulses, truth


def _columns(path, base):
    """Return the columns that are there, by table; fail if one of ours is not."""
    here = {}
    sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    tables = [name for (name,) in base.execute(sql)]
    for table, wanted in COLUMNS.items():
        if table not in tables:
            fail(
                f"{path}: there is no table {table}; the database has "
                f"{', '.join(sorted(tables)) or 'none'}"
            )
        here[table] = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        missing = [name for name in wanted if name not in here[table]]
        if missing:
            fail(
                f"{path}: the table {table} has no {', '.join(missing)}; "
                f"it has {', '.join(here[table])}"
            )
    return here


def simulated_database(geometry: Path, n_events: int, folder: Path) -> Path:
    """Return a database of synthetic events, made at the first time and then kept.

    Its name says how many there are, and of which simulation, geometry and seed. One
    process makes it, others wait.
    """
    from filelock import FileLock  # optional

    made_of = [code_hash(Path(cherenkov.__file__)), str(SEED)]
    version = hashlib.sha256(" ".join(made_of).encode() + geometry.read_bytes())
    path = folder / f"simulated-{n_events}-{version.hexdigest()[:8]}.db"
    with FileLock(path.with_suffix(".lock")):
        if not path.is_file():
            print(f"icecube: simulating {n_events} events into {path}", flush=True)
            unfinished = path.with_suffix(".part")  # until it is whole
            unfinished.unlink(missing_ok=True)
            write_events(cherenkov.read_sensors(geometry), n_events, unfinished)
            unfinished.replace(path)
    return path


def write_events(sensors: pd.DataFrame, n_events: int, path: Path) -> None:
    """Simulate events into a new database in GraphNeT's format."""
    with closing(sqlite3.connect(path)) as base, base:
        for pulses, truth in cherenkov.events(sensors, n_events, SEED):
            pulses.to_sql(PULSES, base, if_exists="append", index=False)
            truth.to_sql(TRUTH, base, if_exists="append", index=False)
        base.execute(f"CREATE INDEX event_no_{PULSES} ON {PULSES} (event_no)")
        base.execute(f"CREATE UNIQUE INDEX event_no_{TRUTH} ON {TRUTH} (event_no)")
