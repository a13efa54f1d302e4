"""What the tests share: benchopt's classes by name, and benchopt as a command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from benchopt.benchmark import Benchmark

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT))

from benchmark_utils.search import Search  # noqa: E402
from benchmark_utils.seeds import Seeds  # noqa: E402

MEASURED = [
    "objective_fit_seconds",
    "objective_predict_seconds",
    "objective_suggest_seconds",
    "time",
    "run_date",
]


@pytest.fixture(scope="session")
def benchmark_classes():
    benchmark = Benchmark(ROOT)
    return {
        "solver": {cls.name: cls for cls in benchmark.get_solvers()},
        "dataset": {cls.name: cls for cls in benchmark.get_datasets()},
    }


@pytest.fixture
def solver(benchmark_classes):
    """Return a solver by name, with its parameters."""
    return lambda name, **parameters: benchmark_classes["solver"][name].get_instance(
        **parameters
    )


@pytest.fixture
def problem(benchmark_classes):
    """Return the problem of a dataset by name, with its parameters."""

    def make(name, **parameters):
        dataset = benchmark_classes["dataset"][name].get_instance(**parameters)
        return dataset.get_data()["problem"]

    return make


def new_search(problem, n_trials=10, seed=0, split=0, **options):
    return Search(problem, n_trials, Seeds(seed, split, 7, seed + 1), **options)


def run_search(solver, search):
    """Let a solver search as benchopt does; return the rows as a data frame."""
    rows = []

    def callback():
        rows.append(search.record)
        return True

    solver.set_objective(search)
    solver.run(callback)
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def data_home(tmp_path_factory):
    """Return a benchopt data_home with the real files, or skip."""
    files = ["housing/HousingPrices_selected.csv"]
    files += ["aleph_bjet/AlephBtag_MC_small_v2.csv"]
    files += ["icecube/icecube86.parquet", "icecube/prometheus-events.db"]
    home = tmp_path_factory.mktemp("data_home")
    for file in files:
        if not (SHARED / file).is_file():
            pytest.skip("the real data files are not in ../shared/data")
        (home / file).parent.mkdir(exist_ok=True)
        shutil.copy(SHARED / file, home / file)
    return home


@pytest.fixture
def real_data(data_home, monkeypatch):
    """Let the loaders find the real files in this test, in and out of process."""
    monkeypatch.setenv("BENCHOPT_DATA_HOME", str(data_home))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(SHARED / "scikit_learn_data"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def benchopt(tmp_path, cache):
    """Run `benchopt run` as a user does; return (exit code, output, rows)."""

    def run(*arguments, root=ROOT, environment=None):
        number = len(list(tmp_path.glob("*.parquet")))
        output = tmp_path / f"rows_{number}.parquet"
        options = ["--output", str(output), "--no-plot"]
        done = subprocess.run(
            [sys.executable, "-m", "benchopt", "run", str(root), *arguments, *options],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "BENCHOPT_CACHE": str(cache),
                "BENCHOPT_RAISE_ON_ERROR": "1",
                **(environment or {}),
            },
        )
        rows = pd.read_parquet(output) if output.exists() else None
        return done.returncode, done.stdout + done.stderr, rows

    return run


def same_rows(a, b):
    """Whether two results are identical, measured seconds aside, in any order."""
    keys = ["dataset_name", "objective_name", "solver_name", "idx_rep", "stop_val"]
    of_machine = ("env-", "platform", "system", "version")
    left_out = MEASURED + [c for c in a if c.startswith(of_machine)]
    a, b = (
        df.drop(columns=left_out).sort_values(keys).reset_index(drop=True)
        for df in (a, b)
    )
    return set(a) == set(b) and a.equals(b[a.columns])
