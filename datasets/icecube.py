import pooch
from benchmark_utils.learners.gnn import GNN
from benchopt.config import get_data_path

from benchmark_utils.components import (
    ProblemDataset,
    file_named,
    missing,
    whole_number,
)
from benchmark_utils.errors import Unavailable, fail
from benchmark_utils.icecube import read_events, simulated_database
from benchmark_utils.problems.trained import Trained

ADDRESS = (
    "https://raw.githubusercontent.com/graphnet-team/graphnet/"
    "368927d7d12b488afd1b1cde31491336ab2239c6/data/"
)
GEOMETRY = (
    "geometry_tables/icecube/icecube86.parquet",
    "6f5a65b13657adfc7e06e4b3b9e139fa625b9b008ccbffd56685e0f3eed8eb32",
)
EVENTS = (
    "examples/sqlite/prometheus/prometheus-events.db",
    "8ad8ea91d3a6f57644c213c77c02f2a605d90bd54abfb51b2107234d5533b1ab",
)


def published(path: str, sha256: str):
    """Return one of GraphNeT's files, downloaded at the first time."""
    folder, name = get_data_path("icecube"), path.rpartition("/")[2]
    copy = folder / name
    if copy.is_file() and pooch.file_hash(str(copy)) != sha256:
        fail(f"{copy} is not the published file: delete it or replace it")
    try:
        return folder / pooch.retrieve(ADDRESS + path, f"sha256:{sha256}", name, folder)
    except (OSError, ValueError) as error:  # no network, no right to write, bad file
        reason = str(error).split("(Caused by")[0]
        raise Unavailable(
            f"{name} could not be downloaded ({reason}): connect to the network, or "
            f"get {ADDRESS}{path} and put it into {folder}"
        ) from error


class Dataset(ProblemDataset):
    """Directions of particles in a neutrino telescope, from pulses of light.

    `source=simulated`: synthetic events, muon-like tracks and their Cherenkov light in
    the real IC86 geometry (`benchmark_utils.cherenkov`), made once and kept.
    `source=prometheus`: GraphNeT's 50 example events, enough to see that reading and
    training work (`split_size=50`), not to rank anything. Or the path of a database of
    one's own, in the same format, named .db. At most `n_events` of it are read.
    """

    name = "icecube"
    requirements = ["pip::torch", "pip::pandas", "pip::pooch", "pip::pyarrow"]

    parameters = {"source": ["simulated"], "n_events": [20_000], "split_size": [2500]}
    test_config = {"n_events": 100, "split_size": 50}

    def check(self):
        whole_number("icecube: n_events", self.n_events, low=50)
        whole_number("icecube: split_size", self.split_size, low=50)
        if self.source not in ("simulated", "prometheus"):
            if not str(self.source).endswith(".db"):
                fail(
                    f"unknown source {self.source!r}: choose from simulated, "
                    "prometheus, or give the path of a database named .db"
                )
            file_named("source", self.source)

    def files(self):
        own = str(self.source).endswith(".db")
        return [file_named("source", self.source)] if own else []

    def problem(self):
        if missing("torch", "torch"):
            raise Unavailable(
                "needs the package torch: pip install -r requirements-neural.txt"
            )
        if self.source == "simulated":
            folder = get_data_path("icecube")
            geometry = published(*GEOMETRY)
            path = simulated_database(geometry, self.n_events, folder)
        elif self.source == "prometheus":
            path = published(*EVENTS)
        else:
            path = file_named("source", self.source)
        table = read_events(path, self.n_events)
        if self.split_size > len(table.y):
            fail(
                f"icecube: split_size={self.split_size} is more than the "
                f"{len(table.y)} events of {self.source}"
            )
        return Trained(table, GNN(), self.split_size)
