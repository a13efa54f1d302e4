from benchopt.config import get_data_path

from benchmark_utils.components import (
    ProblemDataset,
    file_named,
    need_neural,
    whole_number,
)
from benchmark_utils.downloads import published_file
from benchmark_utils.errors import fail
from benchmark_utils.icecube import read_events, simulated_database
from benchmark_utils.problems.trained import Trained

ADDRESS = (
    "https://raw.githubusercontent.com/graphnet-team/graphnet/"
    "368927d7d12b488afd1b1cde31491336ab2239c6/data/"
)
GEOMETRY = (
    f"{ADDRESS}geometry_tables/icecube/icecube86.parquet",
    "6f5a65b13657adfc7e06e4b3b9e139fa625b9b008ccbffd56685e0f3eed8eb32",
)
EVENTS = (
    f"{ADDRESS}examples/sqlite/prometheus/prometheus-events.db",
    "8ad8ea91d3a6f57644c213c77c02f2a605d90bd54abfb51b2107234d5533b1ab",
)


class Dataset(ProblemDataset):
    """Where particles in a neutrino telescope came from, by their pulses of light.

    `source=simulated`: synthetic events, the Cherenkov light of muon-like tracks in
    the real geometry of IceCube (`benchmark_utils.cherenkov`); made by `benchopt
    prepare` or at the first use, and kept. `source=prometheus`: GraphNeT's 50 example
    events, which prove that reading and a training step work, and rank nothing; needs
    `split_size=50`. Or the path of a database of one's own in GraphNeT's SQLite format,
    named .db. At most the first `n_events` are read.
    """

    name = "icecube"
    requirements = ["pip::torch", "pip::pandas", "pip::pooch", "pip::pyarrow"]

    parameters = {"source": ["simulated"], "n_events": [20_000], "split_size": [2500]}
    test_config = {"n_events": 100, "split_size": 50}

    def check(self):
        whole_number("icecube: n_events", self.n_events, low=50)
        whole_number("icecube: split_size", self.split_size, low=50)
        if self._is_own():
            file_named("source", self.source)
        elif self.source not in ("simulated", "prometheus"):
            fail(
                f"unknown source {self.source!r}: choose from simulated, prometheus, "
                "or give the path of a database named .db"
            )

    def _is_own(self):
        return str(self.source).endswith(".db")

    def files(self):
        return [file_named("source", self.source)] if self._is_own() else []

    def problem(self):
        need_neural("torch", "filelock")
        from benchmark_utils.learners.gnn import GNN  # optional, and slow to import

        folder = get_data_path("icecube")
        if self._is_own():
            path = file_named("source", self.source)
        elif self.source == "prometheus":
            path = published_file(*EVENTS, folder)
        else:
            geometry = published_file(*GEOMETRY, folder)
            path = simulated_database(geometry, self.n_events, folder)
        table = read_events(path, self.n_events)
        if self.split_size > len(table.y):
            fail(
                f"icecube: split_size={self.split_size} is more than the "
                f"{len(table.y)} events of {self.source}"
            )
        return Trained(table, GNN(), self.split_size)
